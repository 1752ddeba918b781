import type { Message, Topic } from '@waybill/contracts';
import type { TableReader } from '@waybill/stream';
import { decode, type Instance } from './instance.ts';

/** One change of a table; null = tombstone. */
export interface TableChange {
  readonly topic: Topic;
  readonly key: string;
  readonly message: Message | null;
}

/** Compacted topics in memory: newest message by key, moved on by `step`. */
export interface MemoryTables {
  readonly reader: TableReader;
  readonly snapshot: () => readonly TableChange[];
  /** Reads what is new; true when there was something. What `onChange` throws comes out. */
  readonly step: () => Promise<boolean>;
}

/** Resolves when all tables are read to their ends. */
export async function openTables(
  instance: Instance,
  topics: readonly Topic[],
  onChange: (change: TableChange) => void | Promise<void>,
): Promise<MemoryTables> {
  const { broker, logger, metrics } = instance;
  const counts = broker.partitionCounts(topics);
  const values = new Map(topics.map(({ name }) => [name, new Map<string, Message>()]));
  const positions = topics.flatMap((topic) =>
    Array.from({ length: counts.get(topic.name) ?? 0 }, (_, partition) => {
      return { topic, partition, next: 0n };
    }),
  );

  async function apply(change: TableChange): Promise<void> {
    const table = values.get(change.topic.name);
    if (change.message === null) table?.delete(change.key);
    else table?.set(change.key, change.message);
    await onChange(change);
  }

  async function readOn(at: (typeof positions)[number]): Promise<boolean> {
    const { topic, partition } = at;
    const { records, next } = broker.read(topic.name, partition, at.next);
    at.next = next;
    for (const record of records) {
      const { key, offset } = record;
      const { received, unreadable } = await decode(instance, topic, [record]);
      const [found] = received;
      if (found !== undefined || record.value === null) {
        await apply({ topic, key, message: found?.message ?? null });
      }
      for (const { problem } of unreadable) {
        metrics.discarded('undecodable', false, 1);
        const fields = { topic: topic.name, partition, offset: String(offset), key, problem };
        logger.error(fields, 'table.record_undecodable');
      }
    }
    return records.length > 0;
  }

  async function step(): Promise<boolean> {
    let moved = false;
    for (const at of positions) moved = (await readOn(at)) || moved;
    return moved;
  }

  await step();
  return {
    reader: {
      // The caller's topic names the record type; every message of its table was decoded with it.
      get: (topic, key) => values.get(topic.name)?.get(key) as never,
      entries: (topic) => (values.get(topic.name) ?? new Map()).entries() as never,
    },
    snapshot: () =>
      topics.flatMap((topic) =>
        [...(values.get(topic.name) ?? [])].map(([key, message]) => ({ topic, key, message })),
      ),
    step,
  };
}
