import type { Topic } from '@waybill/contracts';
import { authored } from './author.ts';
import type { Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { openExtent, type Extent } from './extent.ts';
import { restorePartition } from './restore.ts';
import type { TaskState } from './task-state.ts';

/** Where the inputs of a task go on, and what is still there of them; by topic name. */
export interface Start {
  readonly next: ReadonlyMap<string, bigint>;
  readonly low: ReadonlyMap<string, bigint>;
  readonly extent: Extent;
}

/** What a task reads. */
export interface TaskTopics {
  readonly inputs: readonly Topic[];
  readonly changelogs: readonly Topic[];
}

/**
 * Where one partition of each input goes on. Final only after fencing. What retention deleted before it
 * was read is lost: that is an error line, and reading goes on at the first record. Throws a Fault
 * `STATE_LOST` when a changelog is shorter than what was committed says.
 */
export async function startOffsets(
  environment: Environment,
  group: string,
  { inputs, changelogs }: TaskTopics,
  partition: number,
): Promise<Start> {
  const committed = await environment.offsets.committed(group, inputs, partition);
  const bounds = await environment.offsets.bounds([...inputs, ...changelogs]);
  const boundsOf = ({ name }: Topic): { readonly low: bigint; readonly high: bigint } => {
    const found = bounds.get(`${name}/${partition}`);
    if (found !== undefined) return found;
    const text = `expected the ends of ${name}/${partition}, found none; asked again`;
    throw streamFault('KAFKA_FAILED', 'start', text);
  };
  const low = new Map(inputs.map((topic) => [topic.name, boundsOf(topic).low]));
  const first = (topic: Topic): bigint =>
    firstToRead(
      environment,
      topic,
      partition,
      low.get(topic.name) ?? 0n,
      committed.get(topic.name)?.next,
    );
  const ends = new Map(changelogs.map((topic) => [topic.name, boundsOf(topic).high]));
  const metadata = [...committed.values()].map((commit) => commit.metadata);
  const extent = openExtent(changelogs, partition, metadata, ends);
  return { next: new Map(inputs.map((topic) => [topic.name, first(topic)])), low, extent };
}

/** The stored offset, or the first record that is still there. */
export function firstToRead(
  { logger }: Pick<Environment, 'logger'>,
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

/** Reads the changelogs of a task into its empty state, one after the other. */
export async function restoreState<V>(
  environment: Environment,
  { restorable }: TaskState<V>,
  partition: number,
  signal: AbortSignal,
): Promise<void> {
  for (const [changelog, store] of restorable) {
    const newest = await restorePartition(environment, changelog, partition, signal);
    authored(() => {
      for (const [key, { message, bytes }] of newest) store.restore(key, message, bytes);
    });
  }
}
