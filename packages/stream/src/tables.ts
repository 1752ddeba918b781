import type { Message, Topic } from '@waybill/contracts';
import { wireName, type Environment } from './environment.ts';
import { toFault, type Fault } from '@waybill/fault';
import { readLog } from './log-reader.ts';
import type { TableReader } from './port.ts';
import { eachEntry } from './record.ts';
import type { FetchedBatch } from './record-batch/fetched-batch.ts';

/** One change of a table; null = tombstone. */
export interface TableChange {
  readonly topic: Topic;
  readonly key: string;
  readonly message: Message | null;
}

/** Compacted topics in memory: newest message by key, kept up to date until `stop`. */
export interface Tables {
  readonly reader: TableReader;
  /** All present entries, topic by topic. */
  readonly snapshot: () => readonly TableChange[];
  /** Offset behind the last record that was taken, by `<topic>/<partition>`; 0 before the first one. */
  readonly next: (place: string) => bigint;
  /** Rejects with the Fault that ended the reading; never resolves before `stop`. */
  readonly done: Promise<void>;
  readonly stop: () => Promise<void>;
}

const nothing: Tables = {
  reader: {
    get: () => undefined,
    entries: () => [][Symbol.iterator]() as IterableIterator<never>,
  },
  snapshot: () => [],
  next: () => 0n,
  done: Promise.resolve(),
  stop: async () => undefined,
};

/**
 * Resolves when all tables are read to the end seen at the start. `onChange` is called for every
 * record, also of the first reading, in the order of its partition; what it throws ends the reading.
 */
export async function openTables(
  environment: Environment,
  topics: readonly Topic[],
  onChange: (change: TableChange) => void | Promise<void>,
): Promise<Tables> {
  if (topics.length === 0) return nothing;
  const { codecs, logger, metrics, offsets } = environment;
  const counts = await offsets.partitionCounts(topics);
  const byWire = new Map(topics.map((topic) => [wireName(environment, topic), topic]));
  const values = new Map(topics.map((topic) => [topic.name, new Map<string, Message>()]));
  let failure: Fault | undefined;

  function tableOf(topic: Topic): Map<string, Message> {
    return values.get(topic.name) ?? new Map<string, Message>();
  }

  function apply(change: TableChange): void | Promise<void> {
    const table = tableOf(change.topic);
    if (change.message === null) table.delete(change.key);
    else table.set(change.key, change.message);
    return onChange(change);
  }

  async function onBatch(batch: FetchedBatch): Promise<void> {
    const topic = byWire.get(batch.topic);
    if (topic === undefined || failure !== undefined) return;
    const { partition, next } = batch;
    const source = { topic, partition, records: batch.records(), next };
    await eachEntry(codecs, source, ({ key, offset, message, problem }) => {
      if (message !== undefined) return apply({ topic, key, message });
      // The table keeps its last good value: a refused version leaves the old one active.
      metrics.discarded('undecodable', false, 1);
      logger.error(
        { topic: topic.name, partition, offset: String(offset), key, problem },
        'table.record_undecodable',
      );
      return undefined;
    });
  }

  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => undefined);
  const reader = readLog({
    kafka: environment.openKafka(),
    logger,
    partitions: topics.flatMap((topic) =>
      Array.from({ length: counts.get(topic.name) ?? 0 }, (_, partition) => ({
        topic: wireName(environment, topic),
        partition,
      })),
    ),
    follow: true,
    onBatch: async (batch) => {
      try {
        await onBatch(batch);
      } catch (error) {
        const fault = toFault(error, 'decide');
        // The registry may be away: that batch is read again. Anything else is the author's.
        if (fault.code === 'REGISTRY_UNAVAILABLE') throw fault;
        failure = fault;
        ended.reject(fault);
      }
    },
  });
  reader.done.then(ended.resolve, ended.reject);
  await Promise.race([reader.caughtUp, ended.promise]);
  return {
    reader: {
      // The caller's topic names the record type; every message in its table was decoded with it.
      get: (topic, key) => values.get(topic.name)?.get(key) as never,
      entries: (topic) => (values.get(topic.name) ?? new Map()).entries() as never,
    },
    snapshot: () =>
      topics.flatMap((topic) =>
        [...tableOf(topic)].map(([key, message]) => ({ topic, key, message })),
      ),
    next: (place) => reader.next(wireName(environment, { name: place })),
    done: ended.promise,
    stop: () => reader.stop(),
  };
}
