import { authored } from './author.ts';
import { createByteLog } from './byte-log.ts';
import { findBase, type BufferBase } from './buffer-base.ts';
import type { Environment } from './environment.ts';
import type { Extent } from './extent.ts';
import type { Emitter, Received, Task, TransactOptions } from './port.ts';
import { rebuildBuffers } from './rebuild-buffers.ts';
import { createReworkState } from './rework-state.ts';
import type { TableChange, Tables } from './tables.ts';
import { restoreState, startOffsets } from './task-start.ts';
import { changelogsOf, createTaskState, type TaskState } from './task-state.ts';
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
  readonly base: BufferBase;
  readonly task: Task;
  readonly extent: Extent;
}

/** What a build starts from. */
export interface BuildOrder {
  readonly partition: number;
  /** Filled with where the inputs go on. */
  readonly next: Map<string, bigint>;
  /** Buffers that this process kept from the former life of the task. */
  readonly kept: BufferBase | undefined;
  readonly signal: AbortSignal;
}

const TABLE_CHUNK = 2_000;

export function openCollector<V>({ environment, options, writable }: TaskSetting<V>): Collector {
  return createCollector(environment, options.service, options.deadLetter, writable);
}

/** Commits what the author produced, together with the changed state. */
export async function commit<V>(
  { environment, group }: TaskSetting<V>,
  partition: number,
  { transactor, state, base, extent }: Live<V>,
  collected: Collector,
  consumed?: Pick<ConsumedOffset, 'topic' | 'next'>,
): Promise<void> {
  authored(() => {
    state.expire();
    state.collect((record) => collected.outbox.add(record));
    environment.ledger.hold({ group, partition }, state.storeBytes(), base.buffers.held());
  });
  await transactor.commit(
    collected.outbox.rounds(),
    consumed && { group, partition, ...consumed, metadata: extent.metadata },
    ({ topic, offset }) => extent.wrote(topic.slice(environment.namespace.length), offset),
  );
  state.promote();
  if (consumed) base.positions.set(consumed.topic.name, consumed.next);
  collected.report();
}

/** Runs the author's `handle`: the only time, beside a rebuild, in which buffers may change. */
export function handleRecords<V>(
  { options }: TaskSetting<V>,
  { task, base }: Live<V>,
  records: readonly Received[],
  out: Emitter,
): void {
  if (records.length === 0) return;
  base.buffers.open(options.buffers !== undefined);
  try {
    task.handle(records, out);
  } finally {
    base.buffers.open(false);
  }
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
 * Fences the older owner, then reads the committed offsets (only now they are final), restores the
 * stores, finds a base for the buffers, creates the task and rebuilds what the base lacks. The tables are
 * not shown to it yet.
 */
export async function buildTask<V>(setting: TaskSetting<V>, order: BuildOrder): Promise<Live<V>> {
  const { environment, options, group, partitions, tables } = setting;
  const { partition, signal, kept } = order;
  const transactor = createTransactor(environment, `${group}-${partition}`);
  try {
    await transactor.fence();
    const read = { inputs: options.inputs, changelogs: changelogsOf(options) };
    const start = await startOffsets(environment, group, read, partition);
    for (const [topic, next] of start.next) order.next.set(topic, next);
    const state = createTaskState(options, partition);
    await restoreState(environment, state, partition, signal);
    const epoch = createReworkState(state.reworks, partition).epoch();
    const base = await findBase(environment, options, { group, partition, epoch, ...start }, kept);
    state.adopt(base.buffers);
    const { store, stores, buffers, time } = state;
    const task = authored(() => {
      environment.ledger.hold({ group, partition }, state.storeBytes(), buffers.held());
      return options.createTask({
        ...{ partition, partitions, store, stores, buffers, time },
        memory: createByteLog(),
        tables: tables.reader,
      });
    });
    await rebuildBuffers({ setting, partition, state, task, base, signal, ...start });
    return { transactor, state, base, task, extent: start.extent };
  } catch (error) {
    await transactor.close();
    throw error;
  }
}
