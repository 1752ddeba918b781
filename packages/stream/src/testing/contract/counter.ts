import type { Emitter, Received, Streams, TransactOptions } from '../../port.ts';
import { text, textOf, topics } from '../cluster.ts';

/** Counts records per key in the store and emits "key=count". */
export function counter(extra: Partial<TransactOptions<number>> = {}): TransactOptions<number> {
  return {
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
        for (const { key } of records) {
          const count = (store.get(key) ?? 0) + 1;
          store.put(key, count);
          out.emit({ topic: topics.output, key, message: text(String(count)) });
        }
      },
    }),
    ...extra,
  };
}

/** Emits every record under its key, with its text. */
export function echo(records: readonly Received[], out: Emitter): void {
  for (const { key, message } of records) {
    out.emit({ topic: topics.output, key, message: text(textOf(message)) });
  }
}

/** Publishes one record per key; the text is its number. */
export async function publish(
  streams: Streams,
  keys: readonly string[],
  topic = topics.input,
): Promise<void> {
  const publisher = await streams.publisher([topic]);
  await publisher.send(keys.map((key, at) => ({ topic, key, message: text(String(at)) })));
  await publisher.close();
}

/** Lines of one key, in order. */
export function ofKey(lines: readonly string[], key: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${key}=`));
}
