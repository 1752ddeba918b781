import type { Message, Topic } from '@waybill/contracts';
import { toFault, type Fault } from '@waybill/fault';
import { backoff, delay } from './delay.ts';
import type { Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { partitionFor } from './partition.ts';
import type { ExtractOptions, Outgoing, Owner, TableReader } from './port.ts';
import { restorePartition } from './restore.ts';
import { createSerial } from './serial.ts';
import { createTransactor, type Transactor } from './transaction.ts';

/**
 * One owned partition of a cursor topic: fencing → restoring → owning, and back to fencing when `own`
 * ends with a fault that passes, or another owner took over while the group still names this member.
 * Invariant: `cursors` is what the last committed transaction says.
 */
export interface OwnerSlot {
  readonly partition: number;
  readonly isReady: () => boolean;
  readonly close: () => Promise<void>;
}

export interface OwnerSetting<M extends Message> {
  readonly environment: Environment;
  readonly options: ExtractOptions<M>;
  readonly group: string;
  readonly partitions: number;
  readonly writable: ReadonlyMap<string, number>;
  readonly tables: TableReader;
  /** Resolves at the next heartbeat that the group accepts. */
  readonly confirmed: () => Promise<void>;
  readonly fail: (fault: Fault) => void;
}

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
const MISCONFIGURED_DELAY_MS = 30_000;
const MAX_ATTEMPTS = 60;
/** `own` that lived this long was a good life: its failures are counted from the start again. */
const GOOD_LIFE_MS = 60_000;

export function createOwnerSlot<M extends Message>(
  setting: OwnerSetting<M>,
  partition: number,
): OwnerSlot {
  const { environment, options, group, partitions, writable, tables } = setting;
  const { logger, metrics } = environment;
  // The slot needs its name and contracts only.
  const cursorTopic = options.cursors as unknown as Topic;
  const transactionalId = `${group}-${partition}`;
  const closing = new AbortController();
  let owning = false;

  /** Fences older owners, then reads the cursors: only now they are final. */
  async function takeOver(cursors: Map<string, M>): Promise<Transactor> {
    const transactor = createTransactor(environment, transactionalId);
    try {
      await transactor.fence();
      const restored = await restorePartition(environment, cursorTopic, partition, closing.signal);
      cursors.clear();
      for (const [key, { message }] of restored) cursors.set(key, message as M);
      return transactor;
    } catch (error) {
      await transactor.close();
      throw error;
    }
  }

  function remember(cursors: Map<string, M>, records: readonly Outgoing[]): void {
    for (const { topic, key, message } of records) {
      if (topic.name !== cursorTopic.name) continue;
      if (message === null) cursors.delete(key);
      else cursors.set(key, message as M);
    }
  }

  function encode(records: readonly Outgoing[]): Outbox {
    const outbox = createOutbox(environment, writable);
    for (const record of records) outbox.add(record);
    return outbox;
  }

  /** Owns the partition once; resolves or throws when `own` does. */
  async function live(): Promise<void> {
    const cursors = new Map<string, M>();
    const serial = createSerial();
    const revoking = new AbortController();
    const revoked = AbortSignal.any([closing.signal, revoking.signal]);
    let transactor = await takeOver(cursors);
    if (closing.signal.aborted) return transactor.close();

    async function commitInTurn(records: readonly Outgoing[]): Promise<void> {
      if (revoked.aborted) throw fenced();
      const outbox = encode(records);
      try {
        await transactor.commit(outbox.rounds());
      } catch (error) {
        await afterFailure(toFault(error, 'commit'));
      }
      remember(cursors, records);
      for (const [topic, count] of outbox.counts()) metrics.emitted(topic, count);
    }

    /** Says what became of the transaction, by reading the cursors again; always throws. */
    async function afterFailure(fault: Fault): Promise<never> {
      await transactor.close();
      if (fault.code !== 'FENCED' && fault.kind === 'transient') {
        try {
          await setting.confirmed();
          transactor = await takeOver(cursors);
        } catch (error) {
          revoking.abort();
          throw toFault(error, 'commit');
        }
        throw streamFault('COMMIT_UNKNOWN', 'commit', fault.message, fault);
      }
      revoking.abort();
      throw fault;
    }

    const owner: Owner<M> = {
      partition,
      owns: (key) => partitionFor(key, partitions) === partition,
      cursors,
      commit: (records) => serial.run(() => commitInTurn(records)),
      revoked,
    };
    owning = true;
    logger.info({ group, partition, cursors: cursors.size }, 'owner.started');
    try {
      await options.own(owner, tables);
    } finally {
      owning = false;
      revoking.abort();
      await serial.idle();
      await transactor.close();
      logger.info({ group, partition }, 'owner.ended');
    }
  }

  function fenced(): Fault {
    return streamFault('FENCED', 'commit', `${transactionalId}: the partition was taken away`);
  }

  async function run(): Promise<void> {
    let attempt = 0;
    while (!closing.signal.aborted) {
      const startedAt = performance.now();
      let pause = FIRST_DELAY_MS;
      try {
        await live();
      } catch (error) {
        if (closing.signal.aborted) return;
        const fault = toFault(error, 'decide');
        attempt = performance.now() - startedAt > GOOD_LIFE_MS ? 1 : attempt + 1;
        const passes = ['transient', 'cancelled', 'misconfigured'].includes(fault.kind);
        if (!passes || attempt > MAX_ATTEMPTS) {
          setting.fail(fault);
          return;
        }
        logger.warn(
          { group, partition, code: fault.code, attempt, detail: fault.message },
          'owner.interrupted',
        );
        pause =
          fault.kind === 'misconfigured'
            ? MISCONFIGURED_DELAY_MS
            : backoff(attempt - 1, FIRST_DELAY_MS, MAX_DELAY_MS);
      }
      await delay(pause, closing.signal);
      // Whoever was evicted learns it here, before it would fence the new owner.
      if (!closing.signal.aborted) await setting.confirmed().catch(() => undefined);
    }
  }

  const ended = run();
  return {
    partition,
    isReady: () => owning,
    close: async () => {
      closing.abort();
      await ended;
    },
  };
}
