import type { Message, Topic } from '@waybill/contracts';
import type {
  Outgoing,
  ProjectionStore,
  Publisher,
  Received,
  StreamAdmin,
  StreamLogger,
  Streams,
} from '@waybill/stream';

/** Warnings and errors go to standard error; a benchmark that warns is not a clean one. */
export const logger: StreamLogger = {
  info: () => undefined,
  warn: (fields, message) => console.error(`warn ${message} ${JSON.stringify(fields)}`),
  error: (fields, message) => console.error(`error ${message} ${JSON.stringify(fields)}`),
};

/** A projection store that keeps offsets and nothing else: reading without a database. */
export function memoryStore(): ProjectionStore<undefined> {
  const offsets = new Map<string, bigint>();
  return {
    offsets: async () => offsets,
    advance: async ({ topic, partition, next }, work) => {
      await work(undefined);
      offsets.set(`${topic}/${partition}`, next);
      return true;
    },
  };
}

const RECORDS_PER_SEND = 1_000;
const SENDS_IN_FLIGHT = 8;

/**
 * Sends `count` records in order with a bounded number of sends in flight. `onSent` gets the records and
 * the milliseconds of each confirmed send.
 */
export async function sendAll<M extends Message>(
  publisher: Publisher,
  count: number,
  record: (index: number) => Outgoing<M>,
  onSent: (records: number, ms: number) => void = () => undefined,
): Promise<void> {
  const inFlight: Promise<void>[] = [];
  async function send(records: readonly Outgoing<M>[]): Promise<void> {
    const startedAt = performance.now();
    await publisher.send(records);
    onSent(records.length, performance.now() - startedAt);
  }
  for (let at = 0; at < count; at += RECORDS_PER_SEND) {
    const size = Math.min(RECORDS_PER_SEND, count - at);
    inFlight.push(send(Array.from({ length: size }, (_, i) => record(at + i))));
    if (inFlight.length >= SENDS_IN_FLIGHT) await inFlight.shift();
  }
  await Promise.all(inFlight);
}

/** Reads every committed record of a topic, up to its present end, in the order of each partition. */
export async function readAll<M extends Message>(
  { streams, admin }: { readonly streams: Streams; readonly admin: StreamAdmin },
  topic: Topic<M>,
  onRecord: (record: Received<M>) => void,
): Promise<void> {
  const anyTopic = topic as unknown as Topic;
  const ends = await admin.ends([anyTopic]);
  const runner = await streams.project({
    service: `check-${topic.name}`,
    inputs: [anyTopic],
    store: memoryStore(),
    handle: async (records) => {
      for (const record of records) onRecord(record as unknown as Received<M>);
    },
  });
  const atEnd = (): boolean => {
    const next = new Map(runner.positions().map((p) => [`${p.topic}/${p.partition}`, p.next]));
    return runner.ready() && [...ends].every(([place, end]) => (next.get(place) ?? -1n) >= end);
  };
  try {
    while (!atEnd()) {
      await Promise.race([runner.done, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  } finally {
    await runner.stop();
  }
}
