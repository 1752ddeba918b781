import type { Message, Topic } from '@waybill/contracts';
import { toFault, type Fault } from '@waybill/fault';
import {
  authored,
  AuthorFailed,
  createByteLog,
  createTaskState,
  firstToRead,
  startReworker,
  type Reworker,
  type ReworkLife,
  type Position,
  type Task,
  type TaskState,
  type TransactOptions,
} from '@waybill/stream';
import { createDraft, decode, type Draft, type Instance } from './instance.ts';
import { reworkLog } from './rework-log.ts';
import type { Snapshot } from './snapshots.ts';
import { rebuildBuffers, restoreBuffers, restoreState } from './task-state.ts';
import type { MemoryTables, TableChange } from './tables.ts';

/** Chunks are cut here; where they end is no part of the contract. */
const CHUNK_RECORDS = 10_000;
const STOPPED_RETRY_MS = 30_000;

export interface TaskSetting<V> {
  readonly instance: Instance;
  readonly options: TransactOptions<V>;
  readonly partitions: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly tables: MemoryTables;
  /** Newest record of every rework command. */
  readonly commands: () => readonly Message[];
  readonly fail: (fault: Fault) => void;
}

/**
 * One task in memory. *building* → *ready* → *building* after every failed transaction, *stopped* while
 * the author throws `misconfigured`: the states of the real one, without waiting.
 */
export interface MemoryTask {
  readonly partition: number;
  readonly isReady: () => boolean;
  readonly positions: () => readonly Position[];
  readonly tableChanged: (change: TableChange) => void;
  /** A rework command arrived. */
  readonly commanded: () => void;
  readonly step: () => Promise<boolean>;
  readonly dueAt: () => number | undefined;
  /** Lets go of everything at once: what is not committed is lost. */
  readonly close: () => void;
}

/** Work of the rework that waits for its turn; undefined = there is no task. */
type Turn<V> = (live: Live<V> | undefined) => Promise<void>;

interface Live<V> {
  readonly epoch: number;
  readonly state: TaskState<V>;
  readonly task: Task;
}

export function createTask<V>(setting: TaskSetting<V>, partition: number): MemoryTask {
  const { instance, options, counts, tables } = setting;
  const { broker, engine, logger, metrics } = instance;
  const id = `${options.service}-${partition}`;
  const changed = new Map<string, TableChange>();
  /** Position by topic name, behind markers too. */
  const next = new Map<string, bigint>();
  const turns: Turn<V>[] = [];
  let live: Live<V> | undefined;
  let stopped: { readonly retryAt: number; readonly why: string } | undefined;
  let why = '';

  function draft(context?: string): Draft {
    const box = { service: options.service, topic: options.deadLetter };
    return createDraft(instance, counts, box, context);
  }

  function commit(current: Live<V>, made: Draft, consumed?: { topic: Topic; next: bigint }): void {
    const { state } = current;
    authored(() => {
      state.expire();
      state.collect(made.add);
      const owner = { group: options.service, partition };
      instance.ledger.hold(owner, state.storeBytes(), state.buffers.held());
    });
    if (made.records.length > 0 || consumed) {
      broker.transact(
        { id, epoch: current.epoch },
        made.records,
        consumed && {
          group: options.service,
          topic: consumed.topic.name,
          partition,
          next: consumed.next,
        },
      );
    }
    state.promote();
    made.report();
  }

  function show(current: Live<V>, changes: readonly TableChange[]): void {
    const { onTable } = current.task;
    if (onTable === undefined || changes.length === 0) return;
    const made = draft();
    authored(() => {
      for (const { topic, key, message } of changes) onTable(topic, key, message, made.out);
    });
    commit(current, made);
  }

  /** The offset, or the first one that retention left; what is lost is said. */
  function startOf(topic: Topic, offset: bigint | undefined): bigint {
    return firstToRead(instance, topic, partition, broker.start(topic.name, partition), offset);
  }

  async function build(): Promise<void> {
    const epoch = broker.fence(id);
    const state = createTaskState(options, partition);
    for (const topic of options.inputs) {
      next.set(
        topic.name,
        startOf(topic, broker.committed(options.service, topic.name, partition)),
      );
    }
    await restoreState(instance, state, partition);
    const snapshot = restoreBuffers(instance, options, { partition, task: id, state });
    const { store, stores, buffers, time } = state;
    const task = authored(() =>
      options.createTask({
        ...{ partition, partitions: setting.partitions, store, stores, buffers, time },
        memory: createByteLog(),
        tables: tables.reader,
      }),
    );
    await rebuildBuffers(instance, options, { partition, task, state, next, snapshot });
    const built = { epoch, state, task };
    changed.clear();
    show(built, tables.snapshot());
    live = built;
    why = '';
    reworker?.wake();
    logger.info({ group: options.service, partition }, 'task.started');
  }

  async function runChunk(current: Live<V>, topic: Topic): Promise<boolean> {
    const from = startOf(topic, next.get(topic.name));
    const { records, next: end } = broker.read(topic.name, partition, from, CHUNK_RECORDS);
    const [first] = records;
    const last = records.at(-1);
    if (first !== undefined && last !== undefined) {
      const decoded = await decode(instance, topic, records);
      const span = {
        topic: topic.name,
        partition,
        count: records.length,
        firstOffset: first.offset,
        lastOffset: last.offset,
        links: decoded.received.flatMap(({ traceparent }) => traceparent ?? []).slice(0, 32),
      };
      await instance.tracing.batch(span, async (context) => {
        const made = draft(context);
        authored(() => {
          for (const found of decoded.unreadable) made.unreadable(found);
          current.state.buffers.open(options.buffers !== undefined);
          if (decoded.received.length > 0) current.task.handle(decoded.received, made.out);
          current.state.buffers.open(false);
          if (decoded.tombstones > 0) made.out.skip('tombstone', decoded.tombstones);
        });
        commit(current, made, { topic, next: last.offset + 1n });
      });
      decoded.takeBack();
      metrics.received(topic.name, records.length);
      metrics.batch(topic.name, 0);
    }
    next.set(topic.name, end);
    metrics.lag(topic.name, partition, Number(broker.end(topic.name, partition) - end));
    return end !== from;
  }

  /** Misconfigured stops the task, the weather builds it anew, anything else ends the runner. */
  function settle(error: unknown): void {
    live = undefined;
    const isAuthors = error instanceof AuthorFailed;
    const fault = isAuthors ? error.fault : toFault(error, 'commit');
    const { code, kind, message: detail } = fault;
    if (isAuthors && kind === 'misconfigured') {
      if (why !== detail)
        logger.error({ group: options.service, partition, code, detail }, 'task.stopped');
      why = detail;
      stopped = { retryAt: engine.now() + STOPPED_RETRY_MS, why: detail };
    } else if (!isAuthors && (kind === 'transient' || kind === 'cancelled')) {
      logger.warn({ group: options.service, partition, code, detail }, 'task.rebuilt');
    } else setting.fail(fault);
  }

  async function work(): Promise<boolean> {
    if (stopped && engine.now() < stopped.retryAt && changed.size === 0) return false;
    stopped = undefined;
    if (live === undefined) {
      await build();
      return true;
    }
    const current = live;
    const changes = [...changed.values()];
    changed.clear();
    show(current, changes);
    let moved = changes.length > 0;
    for (const topic of options.inputs) moved = (await runChunk(current, topic)) || moved;
    return moved;
  }

  function lifeOf(current: Live<V>): ReworkLife<V> {
    const { state, task } = current;
    return {
      ...{ state, task },
      transact: async (rework) => {
        const made = draft();
        authored(() => rework(made));
        commit(current, made);
      },
      handle: (records, out) => {
        if (records.length === 0) return;
        state.buffers.open(options.buffers !== undefined);
        task.handle(records, out);
        state.buffers.open(false);
      },
      // The effect of a reworked record stands between no two positions.
      reworked: () => instance.snapshots.drop(id),
    };
  }

  const reworker: Reworker | undefined =
    options.rework &&
    startReworker({
      ...{ options, group: options.service, partition, partitions: setting.partitions },
      ...{ writable: counts, codecs: instance.codecs, logger, metrics, tables, next },
      commands: setting.commands,
      log: reworkLog(instance),
      inTurn: (rework) =>
        new Promise((resolve) => {
          turns.push(async (current) => {
            if (current === undefined) {
              resolve(false);
              return;
            }
            try {
              await rework(lifeOf(current));
              resolve(true);
            } catch (error) {
              settle(error);
              resolve(false);
            }
          });
        }),
    });

  function snapshot(): Snapshot | undefined {
    if (live === undefined || options.buffers === undefined) return undefined;
    const { buffers } = live.state;
    const bytes = [...buffers.keys()].map(
      (key) => [key, Uint8Array.from(buffers.get(key))] as const,
    );
    const { layout } = options.buffers;
    return { layout, positions: new Map(next), buffers: new Map(bytes) };
  }

  const leave = instance.snapshots.join(id, snapshot);

  async function takeTurns(): Promise<boolean> {
    const taken = turns.splice(0);
    for (const turn of taken) await turn(live);
    return taken.length > 0;
  }

  return {
    partition,
    isReady: () => live !== undefined,
    dueAt: () => stopped?.retryAt,
    positions: () =>
      options.inputs.flatMap(({ name }) => {
        const at = live && next.get(name);
        if (at === undefined) return [];
        return [{ topic: name, partition, next: at, lag: broker.end(name, partition) - at }];
      }),
    tableChanged: (change) => void changed.set(`${change.topic.name}/${change.key}`, change),
    commanded: () => reworker?.wake(),
    step: async () => {
      try {
        const moved = await work();
        return (await takeTurns()) || moved;
      } catch (error) {
        settle(error);
        return true;
      }
    },
    close: () => {
      live = undefined;
      leave();
      void reworker?.stop();
      void takeTurns();
    },
  };
}
