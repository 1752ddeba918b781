import type { Message } from '@waybill/contracts';
import { toFault, type Fault } from '@waybill/fault';
import { authored, AuthorFailed } from './author.ts';
import type { Collector } from './collector.ts';
import { createSnapshotKeeper, type BufferBase } from './buffer-base.ts';
import { createChunkSize } from './chunks.ts';
import { backoff, delay } from './delay.ts';
import { linksOf, readChunk, type Chunk } from './record.ts';
import { startReworker } from './rework.ts';
import type { ReworkLife } from './rework-host.ts';
import { reworkLog } from './rework-log.ts';
import { createSerial } from './serial.ts';
import type { GroupBatch, Session } from './session.ts';
import type { TableChange } from './tables.ts';
import {
  buildTask,
  commit,
  handleRecords,
  openCollector,
  showTables,
  type Live,
  type TaskSetting,
} from './task-build.ts';
import type { UncommittedShare } from './uncommitted.ts';

/**
 * One task: partition p of all inputs.
 *
 * - *building*: inputs paused. Fence the older owner, then read the committed offsets (only now they are
 *   final), restore the store, create the task, show it the tables.
 * - *ready*: inputs flow. Each chunk is one transaction: outputs, dead letters, changelog, offset.
 * - *stopped*: `misconfigured`, by the author or by the cluster (a topic is gone). Tried again on a table change and every 30 s.
 * - *closed*: the partition went to another member, or the session ended.
 *
 * Any failed transaction leads back to *building* with a new producer and a new task object, because
 * memory may be ahead of the log. Invariant: `next` is what the last committed transaction says.
 */
export interface TaskSlot {
  readonly partition: number;
  readonly isReady: () => boolean;
  /** Resolves when the next batch may be fetched: the last commit of this one is under way then. */
  readonly process: (batch: GroupBatch) => Promise<void>;
  /** Resolves when the commit that `process` left behind is decided. */
  readonly settled: () => Promise<void>;
  readonly tableChanged: (change: TableChange) => void;
  /** A rework command arrived. */
  readonly commanded: () => void;
  /** The group was joined again and this member still owns the partition. */
  readonly reassigned: () => void;
  readonly close: () => Promise<void>;
}

export interface SlotSetting<V> extends TaskSetting<V> {
  /** Newest record of every rework command. */
  readonly commands: () => readonly Message[];
  readonly session: () => Session;
  readonly fail: (fault: Fault) => void;
}

/** One transaction: input records, and bytes of their values until which it takes another one. */
const MAX_CHUNK_RECORDS = 20_000;
const MAX_CHUNK_BYTES = 2 << 20;
const TABLE_DELAY_MS = 50;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5_000;
const MAX_BUILD_ATTEMPTS = 30;
const STOPPED_RETRY_MS = 30_000;

type State = 'building' | 'ready' | 'stopped' | 'closed';

export function createTaskSlot<V>(setting: SlotSetting<V>, partition: number): TaskSlot {
  const { environment, options, group } = setting;
  const { codecs, logger, metrics, tracing, uncommitted } = environment;
  const transactionalId = `${group}-${partition}`;
  const serial = createSerial();
  const chunkSize = createChunkSize(MAX_CHUNK_RECORDS);
  const snapshots = createSnapshotKeeper(environment, options, { group, partition });
  const closing = new AbortController();
  const next = new Map<string, bigint>();
  const changed = new Map<string, TableChange>();
  let state: State = 'building';
  let live: Live<V> | undefined;
  let kept: BufferBase | undefined;
  let tableTimer: NodeJS.Timeout | undefined;
  let stoppedTimer: NodeJS.Timeout | undefined;
  let stoppedBy = '';
  let committing: Promise<void> = Promise.resolve();

  // A function, because the state changes while we await and the compiler cannot know.
  const is = (wanted: State): boolean => state === wanted;

  async function flushTables(): Promise<void> {
    clearTimeout(tableTimer);
    tableTimer = undefined;
    if (!live || !is('ready') || changed.size === 0) return;
    const changes = [...changed.values()];
    changed.clear();
    await showTables(setting, partition, live, changes);
  }

  async function buildOnce(): Promise<void> {
    const built = await buildTask(setting, { partition, next, kept, signal: closing.signal });
    kept = built.base;
    try {
      changed.clear();
      await showTables(setting, partition, built, setting.tables.snapshot());
      if (is('closed')) throw new Error('the partition went away while its task was built');
    } catch (error) {
      await built.transactor.close();
      throw error;
    }
    live = built;
    state = 'ready';
    stoppedBy = '';
    for (const topic of options.inputs) {
      setting.session().seek(topic, partition, next.get(topic.name) ?? 0n);
      setting.session().resume(topic, partition);
    }
    scheduleTables();
    reworker?.wake();
    logger.info({ group, partition, transactional_id: transactionalId }, 'task.started');
  }

  async function build(): Promise<void> {
    for (let attempt = 0; is('building'); attempt += 1) {
      try {
        await buildOnce();
        return;
      } catch (error) {
        kept?.buffers.drop();
        if (!is('building')) return;
        const fault = weather(error);
        if (fault === undefined) return;
        if (attempt >= MAX_BUILD_ATTEMPTS) {
          setting.fail(fault);
          return;
        }
        logger.warn({ group, partition, code: fault.code, detail: fault.message }, 'task.delayed');
        await delay(backoff(attempt, RETRY_FIRST_MS, RETRY_MAX_MS), closing.signal);
      }
    }
  }

  /** Returns the Fault when it is the weather; deals with everything else and returns undefined. */
  function weather(error: unknown): Fault | undefined {
    const byAuthor = error instanceof AuthorFailed;
    const fault = byAuthor ? error.fault : toFault(error, 'commit');
    if (!byAuthor && (fault.kind === 'transient' || fault.kind === 'cancelled')) return fault;
    if (fault.kind === 'misconfigured') stop(fault);
    else setting.fail(fault);
    return undefined;
  }

  function pauseInputs(): void {
    for (const topic of options.inputs) setting.session().pause(topic, partition);
  }

  function discardTask(): Promise<void> {
    const old = live;
    live = undefined;
    kept?.buffers.drop();
    return old?.transactor.close() ?? Promise.resolve();
  }

  function stop(fault: Fault): void {
    if (is('closed')) return;
    state = 'stopped';
    pauseInputs();
    void discardTask();
    if (stoppedBy !== fault.message) {
      stoppedBy = fault.message;
      logger.error({ group, partition, code: fault.code, detail: fault.message }, 'task.stopped');
    }
    stoppedTimer = setTimeout(restart, STOPPED_RETRY_MS);
    stoppedTimer.unref();
  }

  function restart(): void {
    if (!is('stopped')) return;
    clearTimeout(stoppedTimer);
    state = 'building';
    void serial.run(build);
  }

  /** Builds anew, but only once the group confirms the membership: else we would fence the new owner. */
  function rebuild(fault: Fault): void {
    if (is('closed')) return;
    logger.warn({ group, partition, code: fault.code, detail: fault.message }, 'task.rebuilt');
    state = 'building';
    pauseInputs();
    void serial.run(async () => {
      await discardTask();
      try {
        await setting.session().confirmed();
      } catch {
        return;
      }
      if (is('building')) await build();
    });
  }

  function settle(error: unknown): void {
    if (is('closed')) return;
    const fault = weather(error);
    if (fault) rebuild(fault);
  }

  function scheduleTables(): void {
    if (changed.size === 0 || tableTimer !== undefined || !is('ready')) return;
    tableTimer = setTimeout(() => void serial.run(flushTables).catch(settle), TABLE_DELAY_MS);
  }

  /** One transaction; false when no record was left. `handOver` is called when its commit begins, if it is the last one. */
  async function runChunk(
    current: Live<V>,
    batch: GroupBatch,
    share: UncommittedShare,
    handOver: () => void,
  ): Promise<boolean> {
    const { topic } = batch;
    const startedAt = performance.now();
    const limits = { records: chunkSize.records(), bytes: MAX_CHUNK_BYTES };
    const chunk = await readChunk(codecs, batch, limits);
    const { count, firstOffset, lastOffset, next: end } = chunk;
    const isLast = end >= batch.next;
    if (count > 0) {
      const links = linksOf(chunk.received);
      const span = { topic: topic.name, partition, count, firstOffset, lastOffset, links };
      await tracing.batch(span, async (traceparent) => {
        const collected = handle(current, chunk, traceparent);
        share.hold(current.base.buffers.uncommitted());
        // The commit takes longer than a collection of young objects: what is handled must not outlive it.
        chunk.received.length = 0;
        batch.take(end);
        if (isLast) handOver();
        await commit(setting, partition, current, collected, { topic, next: end });
        next.set(topic.name, end);
      });
      const ms = performance.now() - startedAt;
      chunkSize.took(count, ms);
      metrics.received(topic.name, count);
      metrics.batch(topic.name, ms / 1_000);
    }
    if (count === 0) batch.take(end);
    batch.done(end);
    return !isLast;
  }

  function handle(current: Live<V>, chunk: Chunk, traceparent: string | undefined): Collector {
    const collected = openCollector(setting);
    collected.outbox.setTraceparent(traceparent);
    authored(() => {
      for (const found of chunk.unreadable) collected.unreadable(found);
      handleRecords(setting, current, chunk.received, collected.out);
      if (chunk.tombstones > 0) collected.out.skip('tombstone', chunk.tombstones);
    });
    return collected;
  }

  async function processInTurn(batch: GroupBatch, handOver: () => void): Promise<void> {
    const { topic } = batch;
    if (!is('ready') || !batch.isCurrent()) return;
    if (!batch.follows(next.get(topic.name) ?? 0n)) return;
    try {
      await flushTables();
    } catch (error) {
      settle(error);
      return;
    }
    for (let more = true; more;) {
      const share = await uncommitted.enter();
      try {
        if (!live || !is('ready') || !batch.isCurrent()) return;
        more = await runChunk(live, batch, share, handOver);
      } catch (error) {
        settle(error);
        return;
      } finally {
        share.leave();
      }
      snapshots.maybe(live.base);
      if (more) await batch.heartbeat();
    }
  }

  function process(batch: GroupBatch): Promise<void> {
    // Not even queued: a task that is built anew waits for the group, which waits for its handlers.
    if (!is('ready')) return Promise.resolve();
    const handed = Promise.withResolvers<void>();
    const done: Promise<void> = serial.run(() =>
      processInTurn(batch, () => {
        committing = done;
        handed.resolve();
      }),
    );
    done.then(handed.resolve, handed.reject);
    return handed.promise;
  }

  function lifeOf(current: Live<V>): ReworkLife<V> {
    const { base, state: held, task } = current;
    return {
      ...{ state: held, task },
      transact: async (work) => {
        const collected = openCollector(setting);
        authored(() => work(collected));
        await commit(setting, partition, current, collected);
      },
      handle: (records, out) => handleRecords(setting, current, records, out),
      reworked: (count) => {
        base.epoch += count;
      },
    };
  }

  const reworker =
    options.rework &&
    startReworker({
      ...{ options, group, partition, next, codecs, logger, metrics },
      ...{ partitions: setting.partitions, writable: setting.writable, tables: setting.tables },
      commands: setting.commands,
      log: reworkLog(environment),
      inTurn: (work) =>
        serial.run(async () => {
          if (!live || !is('ready')) return false;
          try {
            await work(lifeOf(live));
            if (live) snapshots.maybe(live.base);
            return true;
          } catch (error) {
            settle(error);
            return false;
          }
        }),
    });

  pauseInputs();
  void serial.run(build);

  return {
    partition,
    isReady: () => is('ready'),
    process,
    settled: () => committing,
    tableChanged: (change) => {
      changed.set(`${change.topic.name}/${change.key}`, change);
      if (is('stopped')) restart();
      else scheduleTables();
    },
    commanded: () => reworker?.wake(),
    reassigned: () => {
      if (!is('ready')) {
        pauseInputs();
        return;
      }
      for (const topic of options.inputs) {
        setting.session().seek(topic, partition, next.get(topic.name) ?? 0n);
      }
    },
    close: async () => {
      state = 'closed';
      closing.abort();
      clearTimeout(tableTimer);
      clearTimeout(stoppedTimer);
      await reworker?.stop();
      await serial.idle();
      await discardTask();
      if (kept) await snapshots.last(kept);
      environment.ledger.release({ group, partition });
    },
  };
}
