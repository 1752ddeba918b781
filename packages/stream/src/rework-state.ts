import type {
  Message,
  ReworkCounted,
  ReworkOutcome,
  ReworkProgressed,
  ReworkRequested,
  Topic,
} from '@waybill/contracts';
import type { KeyedStore } from './port.ts';

/** Offsets whose counts stand in one record of the state topic. */
const BLOCK = 1_024n;
const MOST_TIMES = 255;
/** Outcomes of a preview that are told one by one. */
export const MAX_FINDINGS = 100;

/**
 * What one task knows of its reworks: progress by command, and how often each record was reworked. Both
 * are kept for ever: a command is about half a KiB, counts go when retention deleted their records.
 */
export interface ReworkState {
  readonly progress: (reworkId: string) => ReworkProgressed | undefined;
  readonly put: (progress: ReworkProgressed) => void;
  readonly timesOf: (topic: string, offset: bigint) => number;
  readonly raise: (topic: string, offset: bigint) => void;
  /** Deletes the counts of records that are gone. */
  readonly forget: (topic: string, low: bigint) => void;
  /** Records that this task ever reworked. */
  readonly epoch: () => number;
}

/** Reads and writes the records of the state topic. */
export function createReworkState(store: KeyedStore<Message>, task: number): ReworkState {
  const progressKey = (id: string): string => `${id}/${task}`;
  const countKey = (topic: string, offset: bigint): string => `${topic}/${offset / BLOCK}`;

  // The topic has two contracts; the keys of the two cannot meet.
  function progress(id: string): ReworkProgressed | undefined {
    return store.get(progressKey(id))?.value as ReworkProgressed | undefined;
  }
  function counts(key: string): ReworkCounted | undefined {
    return store.get(key)?.value as ReworkCounted | undefined;
  }

  return {
    progress,
    put: (value) => store.put(progressKey(value.rework_id), { type: 'ReworkProgressed', value }),
    timesOf: (topic, offset) =>
      counts(countKey(topic, offset))?.counts[Number(offset % BLOCK)] ?? 0,
    raise: (topic, offset) => {
      const key = countKey(topic, offset);
      const bytes = Buffer.alloc(Number(BLOCK));
      counts(key)?.counts.copy(bytes);
      const at = Number(offset % BLOCK);
      bytes[at] = Math.min(MOST_TIMES, (bytes[at] ?? 0) + 1);
      const value: ReworkCounted = { topic, block: Number(offset / BLOCK), counts: bytes };
      store.put(key, { type: 'ReworkCounted', value });
    },
    forget: (topic, low) => {
      for (const [key, { type, value }] of store.entries()) {
        if (type !== 'ReworkCounted') continue;
        const counted = value as ReworkCounted;
        if (counted.topic === topic && BigInt(counted.block + 1) * BLOCK <= low) store.delete(key);
      }
    },
    epoch: () => {
      let sum = 0;
      for (const [, { type, value }] of store.entries()) {
        if (type !== 'ReworkProgressed') continue;
        const { preview, records_done: done } = value as ReworkProgressed;
        if (!preview) sum += done;
      }
      return sum;
    },
  };
}

/** The first progress of a task with a command. */
export function begunProgress(
  command: Pick<ReworkRequested, 'rework_id' | 'service' | 'preview'>,
  {
    partition: task,
    partitions: tasks,
  }: { readonly partition: number; readonly partitions: number },
  now: number,
): ReworkProgressed {
  const { rework_id, service, preview } = command;
  return {
    ...{ rework_id, service, task, tasks, preview },
    status: 'RUNNING',
    spans: [],
    records_done: 0,
    records_refused: 0,
    records_missing: 0,
    elements_superseded: 0,
    outcomes: [],
    findings: [],
    compared: null,
    reason: null,
    updated_time: now,
  };
}

/** Adds counts by outcome. */
export function addOutcomes(
  known: readonly ReworkOutcome[],
  found: ReadonlyMap<string, number>,
): readonly ReworkOutcome[] {
  const counts = new Map(known.map(({ outcome, count }) => [outcome, count]));
  for (const [outcome, count] of found) counts.set(outcome, (counts.get(outcome) ?? 0) + count);
  return [...counts].map(([outcome, count]) => ({ outcome, count }));
}

/** An input of the task by name. */
export function inputNamed(inputs: readonly Topic[], name: string): Topic | undefined {
  return inputs.find((topic) => topic.name === name);
}
