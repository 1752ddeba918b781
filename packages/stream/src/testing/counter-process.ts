/**
 * A process of its own for the kill tests: counts records per key, exactly once. Says `handling` just
 * before each transaction and `ready` once; the parent kills or stops it at such moments.
 */
import { writeSync } from 'node:fs';
import type { StreamLogger } from '../port.ts';
import { connectStreams } from '../streams.ts';
import { text, textOf, topics } from './cluster.ts';

const { BROKERS = '', REGISTRY = '', NAMESPACE = '' } = process.env;
const STDOUT = 1;
const say = (line: string): void => {
  writeSync(STDOUT, `${line}\n`);
};
const logger: StreamLogger = {
  info: () => undefined,
  warn: (fields, message) => say(`warn ${message} ${JSON.stringify(fields)}`),
  error: (fields, message) => say(`error ${message} ${JSON.stringify(fields)}`),
};

const streams = await connectStreams({
  brokers: BROKERS.split(','),
  registryUrl: REGISTRY,
  clientId: 'counter',
  namespace: NAMESPACE,
  logger,
});
const runner = await streams.transact<number>({
  service: 'counter',
  inputs: [topics.input, topics.other],
  outputs: [topics.output],
  deadLetter: topics.deadLetter,
  store: {
    changelog: topics.state,
    toMessage: (value) => text(String(value)),
    fromMessage: (message) => Number(textOf(message)),
  },
  createTask: ({ store }) => ({
    handle: (records, out) => {
      for (const { key } of records) {
        const count = (store.get(key) ?? 0) + 1;
        store.put(key, count);
        out.emit({ topic: topics.output, key, message: text(String(count)) });
      }
      say('handling');
    },
  }),
});
process.once('SIGTERM', () => {
  void streams.close().then(() => process.exit(0));
});
await runner.done;
