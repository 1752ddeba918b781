import { classify, migrate, transaction, type Pool, type PoolClient } from '@waybill/postgres';
import { isFault } from '@waybill/fault';
import { claim } from './claim.ts';
import { clockOf } from './clock.ts';
import { counts } from './counts.ts';
import { enqueue } from './enqueue.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { MIGRATIONS, SCHEMA } from './migrations.ts';
import { drainOutbox } from './outbox.ts';
import {
  assignTarget,
  release,
  resolveAgain,
  resume,
  retryNow,
  wake,
  type Span,
} from './rework.ts';
import { LeaseLost, settle } from './settle.ts';
import type {
  EnqueueCounts,
  InboxCounts,
  InboxFact,
  LaneClaim,
  OutboxRow,
  Settled,
  Settlement,
} from './types.ts';

export interface InboxOptions {
  readonly pool: Pool;
  /** Overrides of the defaults. */
  readonly limits?: Partial<Limits>;
  /** ms since epoch; default: the database's clock, which all instances share. */
  readonly now?: () => number;
  /** 0…1, for jitter. */
  readonly random: () => number;
}

/**
 * The delivery queue. Methods with `tx` work in the caller's transaction; the others in their own. All
 * throw Faults as `classify` of the database makes them. Any number of instances may work on it.
 */
export interface Inbox {
  readonly migrate: () => Promise<void>;
  readonly enqueue: (tx: PoolClient, facts: readonly InboxFact[]) => Promise<EnqueueCounts>;
  /** Up to `lanes` lanes with their due rows, fair over targets; more when targets are probed. */
  readonly claim: (lanes: number) => Promise<readonly LaneClaim[]>;
  /**
   * Settles what was done of a claim, writes the outbox, ends the lease. Rows that are left out stay
   * due. Resolves undefined, with nothing done, when the lease was lost.
   */
  readonly settle: (
    claim: LaneClaim,
    settlements: readonly Settlement[],
  ) => Promise<readonly Settled[] | undefined>;
  readonly release: (tx: PoolClient, key: string) => Promise<number>;
  readonly resolveAgain: (
    tx: PoolClient,
    change: { readonly tenantId: string; readonly ref: string; readonly spans: readonly Span[] },
  ) => Promise<number>;
  /** Facts of a tenant that were enqueued as UNASSIGNED get their target. */
  readonly assignTarget: (tx: PoolClient, tenantId: string, target: string) => Promise<number>;
  readonly resume: (tx: PoolClient, tenantId: string) => Promise<number>;
  /** Makes parked rows due whose time to be looked at again has come. */
  readonly wake: () => Promise<number>;
  readonly counts: () => Promise<InboxCounts>;
  /** Publishes and deletes a batch of outbox rows; resolves with their number. */
  readonly drainOutbox: (publish: (rows: readonly OutboxRow[]) => Promise<void>) => Promise<number>;
}

/** Opens the queue in schema `delivery` of the pool's database; call `migrate` first. */
export function createInbox(options: InboxOptions): Inbox {
  const { pool, random } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const clock = clockOf(options.now);
  const run = <R>(work: (tx: PoolClient) => Promise<R>): Promise<R> => transaction(pool, work);
  return {
    migrate: async () => {
      await migrate(pool, SCHEMA, MIGRATIONS);
    },
    enqueue: (tx, facts) => enqueue(tx, facts, clock),
    claim: (lanes) => run((tx) => claim(tx, lanes, limits, clock)),
    settle: async (laneClaim, settlements) => {
      try {
        const { settled, closed } = await run((tx) =>
          settle({ tx, claim: laneClaim, limits, clock, random }, settlements),
        );
        const { tenantId, target } = laneClaim;
        if (closed) await run((tx) => retryNow(tx, tenantId, target, clock));
        return settled;
      } catch (error) {
        if (isFault(error) && error.cause instanceof LeaseLost) return undefined;
        throw error;
      }
    },
    release: (tx, key) => release(tx, key, clock),
    resolveAgain: (tx, change) => resolveAgain(tx, change, clock),
    assignTarget: (tx, tenantId, target) => assignTarget(tx, tenantId, target, clock),
    resume: (tx, tenantId) => resume(tx, tenantId, clock),
    wake: () => run((tx) => wake(tx, clock)),
    counts: async () => {
      try {
        return await counts(pool, clock);
      } catch (error) {
        throw classify(error);
      }
    },
    drainOutbox: (publish) => drainOutbox(pool, limits.outboxBatch, publish),
  };
}
