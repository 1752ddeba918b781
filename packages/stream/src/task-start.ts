import type { Topic } from '@waybill/contracts';
import { authored } from './author.ts';
import type { Environment } from './environment.ts';
import type { StoreCodec } from './port.ts';
import { restorePartition } from './restore.ts';
import { createStore, type StagedStore } from './store.ts';

/**
 * Where one partition of each input goes on, by topic name. Final only after fencing. What retention
 * deleted before it was read is lost: that is an error line, and reading goes on at the first record.
 */
export async function startOffsets(
  environment: Environment,
  group: string,
  inputs: readonly Topic[],
  partition: number,
): Promise<ReadonlyMap<string, bigint>> {
  const committed = await environment.offsets.committed(group, inputs, partition);
  const bounds = await environment.offsets.bounds(inputs);
  return new Map(
    inputs.map((topic) => {
      const low = bounds.get(`${topic.name}/${partition}`)?.low ?? 0n;
      return [
        topic.name,
        firstToRead(environment, topic, partition, low, committed.get(topic.name)),
      ];
    }),
  );
}

/** The stored offset, or the first record that is still there. */
export function firstToRead(
  { logger }: Environment,
  topic: Topic,
  partition: number,
  low: bigint,
  stored: bigint | undefined,
): bigint {
  if (stored !== undefined && stored < low) {
    logger.error(
      { topic: topic.name, partition, next: String(stored), first: String(low) },
      'stream.records_lost_by_retention',
    );
  }
  return stored === undefined || stored < low ? low : stored;
}

/** The state of one task as its changelog says; empty without a changelog. */
export async function restoreStore<V>(
  environment: Environment,
  codec: StoreCodec<V> | undefined,
  partition: number,
  signal: AbortSignal,
): Promise<StagedStore<V>> {
  const store = createStore(codec);
  if (codec === undefined) return store;
  const newest = await restorePartition(environment, codec.changelog, partition, signal);
  authored(() => {
    for (const [key, message] of newest) store.restore(key, codec.fromMessage(message));
  });
  return store;
}
