import { authored } from './author.ts';
import type { Environment } from './environment.ts';
import type { Task, TransactOptions } from './port.ts';
import type { TableChange, Tables } from './tables.ts';
import { restoreState, startOffsets } from './task-start.ts';
import { createTaskState, type TaskState } from './task-state.ts';
import { createTransactor, type ConsumedOffset, type Transactor } from './transaction.ts';
import { createCollector, type Collector } from './collector.ts';

/** What a task consists of, whoever owns it. */
export interface TaskSetting<V> {
  readonly environment: Environment;
  readonly options: TransactOptions<V>;
  readonly group: string;
  readonly partitions: number;
  /** Partition counts of the topics that may be written. */
  readonly writable: ReadonlyMap<string, number>;
  readonly tables: Tables;
}

/** One life of a task, from a fenced producer to the first failed transaction. */
export interface Live<V> {
  readonly transactor: Transactor;
  readonly state: TaskState<V>;
  readonly task: Task;
}

const TABLE_CHUNK = 2_000;

export function openCollector<V>({ environment, options, writable }: TaskSetting<V>): Collector {
  return createCollector(environment, options.service, options.deadLetter, writable);
}

/** Commits what the author produced, together with the changed state. */
export async function commit<V>(
  { environment, group }: TaskSetting<V>,
  partition: number,
  { transactor, state }: Live<V>,
  collected: Collector,
  consumed?: Pick<ConsumedOffset, 'topic' | 'next'>,
): Promise<void> {
  authored(() => {
    state.expire();
    state.collect((record) => collected.outbox.add(record));
    environment.ledger.hold({ group, partition }, state.storeBytes(), state.buffers.held());
  });
  await transactor.commit(collected.outbox.rounds(), consumed && { group, partition, ...consumed });
  state.promote();
  collected.report();
}

/** Hands table records to the author, in transactions of at most 2,000. */
export async function showTables<V>(
  setting: TaskSetting<V>,
  partition: number,
  live: Live<V>,
  changes: readonly TableChange[],
): Promise<void> {
  const { onTable } = live.task;
  if (onTable === undefined) return;
  for (let at = 0; at < changes.length; at += TABLE_CHUNK) {
    const collected = openCollector(setting);
    authored(() => {
      for (const { topic, key, message } of changes.slice(at, at + TABLE_CHUNK)) {
        onTable(topic, key, message, collected.out);
      }
    });
    await commit(setting, partition, live, collected);
  }
}

/**
 * Fences the older owner, then reads the committed offsets (only now they are final) into `next`,
 * restores the state and creates the task. The tables are not shown to it yet.
 */
export async function buildTask<V>(
  setting: TaskSetting<V>,
  partition: number,
  next: Map<string, bigint>,
  signal: AbortSignal,
): Promise<Live<V>> {
  const { environment, options, group, partitions, tables } = setting;
  const transactor = createTransactor(environment, `${group}-${partition}`);
  try {
    await transactor.fence();
    const starts = await startOffsets(environment, group, options.inputs, partition);
    for (const [topic, start] of starts) next.set(topic, start);
    const state = createTaskState(options, partition);
    await restoreState(environment, state, partition, signal);
    const { store, stores, buffers, time } = state;
    const task = authored(() =>
      options.createTask({
        ...{ partition, partitions, store, stores, buffers, time },
        tables: tables.reader,
      }),
    );
    return { transactor, state, task };
  } catch (error) {
    await transactor.close();
    throw error;
  }
}
