/**
 * A process of its own for the fault suite: counts the records of each key, exactly once, and emits
 * `<value>/<count>`. Says `ready` once and `handling` just before each transaction; the parent kills or
 * stops it at such moments. POISON names a key whose records throw a TypeError.
 */
import { connectStreams } from '../streams.ts';
import { text, textOf, topics } from './cluster.ts';
import { internals, options, say, stay } from './member-setting.ts';

const { POISON } = process.env;
const streams = await connectStreams(options, internals);
const runner = await streams.transact<number>({
  service: 'counter',
  inputs: [topics.input],
  outputs: [topics.output],
  deadLetter: topics.deadLetter,
  store: {
    changelog: topics.state,
    toMessage: (value) => text(String(value)),
    fromMessage: (message) => Number(textOf(message)),
  },
  createTask: ({ store }) => ({
    handle: (records, out) => {
      for (const { key, message } of records) {
        if (key === POISON) (message as unknown as { gone: { call: () => void } }).gone.call();
        const count = (store.get(key) ?? 0) + 1;
        store.put(key, count);
        out.emit({ topic: topics.output, key, message: text(`${textOf(message)}/${count}`) });
      }
      say('handling');
    },
  }),
});
await stay(streams, runner);
