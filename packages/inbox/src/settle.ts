import type { PoolClient } from '@waybill/postgres';
import type { Fault } from '@waybill/fault';
import type { Clock } from './clock.ts';
import { closeBreaker, countFailure, openBreaker, postponeProbe } from './breaker.ts';
import { REFRESH_LANES } from './lanes.ts';
import { type Limits, retryDelayMs } from './limits.ts';
import { SCHEMA } from './migrations.ts';
import { writeOutbox } from './outbox.ts';
import type { InboxRow, LaneClaim, Settled, Settlement } from './types.ts';

const NOW = 'coalesce($1::timestamptz, clock_timestamp())';
const VERSION = `tenant = $2 AND target = $3 AND entity = $4 AND event_id = $5
  AND revision = $6 AND activation = $7 AND resolution = $8`;

/** Only the version that was worked on: a newer one that came meanwhile stays due. */
function versionOf(row: InboxRow, clock: Clock): unknown[] {
  return [
    clock.parameter(),
    row.tenantId,
    row.target,
    row.entity,
    row.eventId,
    row.revision,
    row.activation,
    row.resolution,
  ];
}

const DONE = `UPDATE ${SCHEMA}.inbox SET state = 'done', due_at = NULL, waiting_key = NULL,
  reason = NULL, parked_since = NULL, outcome = $9, erp_table = $10, erp_key = $11,
  erp_vehicle_id = $12, business_date = $13, delivered_at = ${NOW},
  delivered_revision = revision, delivered_activation = activation,
  delivered_resolution = resolution WHERE ${VERSION}`;

const DELIVERED = `UPDATE ${SCHEMA}.inbox SET delivered_at = ${NOW}, delivered_revision = $6,
  delivered_activation = $7, delivered_resolution = $8
  WHERE tenant = $2 AND target = $3 AND entity = $4 AND event_id = $5`;

const DEAD = `UPDATE ${SCHEMA}.inbox SET state = 'done', due_at = NULL, waiting_key = NULL,
  parked_since = NULL, outcome = 'DEAD_LETTERED', reason = $9, attempts = $10,
  first_failed_at = coalesce(first_failed_at, ${NOW}) WHERE ${VERSION}`;

const PARK = `UPDATE ${SCHEMA}.inbox SET state = $9, waiting_key = $10, reason = $11,
  due_at = ${NOW} + $12::int * interval '1 millisecond',
  parked_since = coalesce(parked_since, ${NOW}) WHERE ${VERSION}`;

const RETRY = `UPDATE ${SCHEMA}.inbox SET state = 'waiting_until', reason = $9, attempts = $10,
  due_at = ${NOW} + $11::int * interval '1 millisecond',
  first_failed_at = coalesce(first_failed_at, ${NOW}) WHERE ${VERSION}
  RETURNING due_at`;

/** Evidence that the target works: another lane's delivery since this row's first failure. */
const EVIDENCE = `SELECT EXISTS (SELECT 1 FROM ${SCHEMA}.inbox
  WHERE tenant = $1 AND target = $2 AND lane <> $3
    AND delivered_at > to_timestamp($4::float8 / 1000)) AS found`;

const OWN_LANE = `SELECT 1 FROM ${SCHEMA}.lane
  WHERE tenant = $1 AND target = $2 AND lane = $3 AND lease_token = $4 FOR UPDATE`;

/** Thrown to roll back when the lease went to another worker; effects are idempotent. */
export class LeaseLost extends Error {}

export interface SettleTools {
  readonly tx: PoolClient;
  readonly claim: LaneClaim;
  readonly limits: Limits;
  readonly clock: Clock;
  /** 0…1, for jitter. */
  readonly random: () => number;
}

async function isEvident({ tx, claim }: SettleTools, row: InboxRow): Promise<boolean> {
  if (row.firstFailedAt === null) return false;
  const { rows } = await tx.query<{ found: boolean }>(EVIDENCE, [
    claim.tenantId,
    claim.target,
    claim.lane,
    row.firstFailedAt,
  ]);
  return rows[0]?.found === true;
}

async function markDead(
  { tx, clock }: SettleTools,
  row: InboxRow,
  fault: Fault,
  exhausted: boolean,
): Promise<Settled> {
  const attempts = row.attempts + 1;
  const reason = exhausted ? `EXHAUSTED: ${fault.code}` : fault.code;
  await tx.query(DEAD, [...versionOf(row, clock), reason, attempts]);
  return { state: 'dead', attempts, exhausted };
}

/** What one row needs from its target, done after all rows and the lane: see the order of locks. */
type TargetEffect =
  | { readonly do: 'none' | 'success' | 'failure' | 'probe_failed' }
  | { readonly do: 'open'; readonly reason: string };

interface RowOutcome {
  readonly settled: Settled;
  readonly effect: TargetEffect;
}

async function retry(tools: SettleTools, row: InboxRow, fault: Fault): Promise<RowOutcome> {
  const { tx, claim, limits, clock } = tools;
  // While the breaker is open nothing counts against the row.
  if (claim.probe) {
    return {
      settled: { state: 'weather', attempts: row.attempts },
      effect: { do: 'probe_failed' },
    };
  }
  const attempts = row.attempts + 1;
  const isExhausted = attempts > limits.retries;
  if (isExhausted && (await isEvident(tools, row))) {
    return { settled: await markDead(tools, row, fault, true), effect: { do: 'none' } };
  }
  const kept = Math.min(attempts, limits.retries);
  const delay = isExhausted
    ? limits.longestRetryMs
    : retryDelayMs(attempts, tools.random(), limits, fault.retryAfterMs);
  const { rows } = await tx.query<{ due_at: Date }>(RETRY, [
    ...versionOf(row, clock),
    fault.code,
    kept,
    delay,
  ]);
  const dueAt = rows[0]?.due_at.getTime() ?? 0;
  return isExhausted
    ? { settled: { state: 'weather', attempts: kept }, effect: { do: 'open', reason: fault.code } }
    : { settled: { state: 'retry', attempts: kept, dueAt }, effect: { do: 'failure' } };
}

async function park(
  { tx, clock }: SettleTools,
  row: InboxRow,
  to: {
    readonly state: 'waiting_for' | 'manual' | 'paused';
    readonly key: string | null;
    readonly reason: string;
    readonly recheckMs: number | null;
  },
): Promise<Settled> {
  await tx.query(PARK, [...versionOf(row, clock), to.state, to.key, to.reason, to.recheckMs]);
  return {
    state: 'parked',
    changed: row.reason !== to.reason || row.waitingKey !== to.key || row.parkedSince === null,
  };
}

async function settleRow(tools: SettleTools, { row, result }: Settlement): Promise<RowOutcome> {
  const { tx, clock, limits } = tools;
  const none: TargetEffect = { do: 'none' };
  switch (result.kind) {
    case 'done': {
      const { outcome, erpTable, erpKey, vehicleId, businessDate } = result;
      const { rowCount } = await tx.query(DONE, [
        ...versionOf(row, clock),
        outcome,
        erpTable,
        erpKey,
        vehicleId,
        businessDate,
      ]);
      // A newer version came meanwhile: this one was delivered all the same.
      if (rowCount === 0) await tx.query(DELIVERED, versionOf(row, clock));
      return { settled: { state: 'done' }, effect: { do: 'success' } };
    }
    case 'wait': {
      const { key, reason, recheckMs = null } = result;
      const to = { state: 'waiting_for', key, reason, recheckMs } as const;
      return { settled: await park(tools, row, to), effect: none };
    }
    case 'manual': {
      const to = { state: 'manual', key: null, reason: result.reason, recheckMs: null } as const;
      return { settled: await park(tools, row, to), effect: none };
    }
    case 'pause': {
      const reason = result.fault.code;
      const recheckMs = limits.pausedRecheckMs;
      const to = { state: 'paused', key: null, reason, recheckMs } as const;
      return { settled: await park(tools, row, to), effect: none };
    }
    case 'dead':
      return { settled: await markDead(tools, row, result.fault, false), effect: none };
    case 'target_down':
      return {
        settled: { state: 'weather', attempts: row.attempts },
        effect: tools.claim.probe
          ? { do: 'probe_failed' }
          : { do: 'open', reason: result.fault.code },
      };
    case 'retry':
      return retry(tools, row, result.fault);
  }
}

/** Carries the effects out; resolves true when the target's breaker closed. */
async function touchTarget(
  { tx, claim, limits, clock }: SettleTools,
  effects: readonly TargetEffect[],
): Promise<boolean> {
  const target = { tx, tenant: claim.tenantId, target: claim.target, limits, clock };
  let closed = false;
  for (const effect of effects) {
    switch (effect.do) {
      case 'none':
        break;
      case 'success':
        closed = (await closeBreaker(target)) || closed;
        break;
      case 'failure':
        await countFailure(target, claim.lane);
        break;
      case 'probe_failed':
        await postponeProbe(target);
        break;
      case 'open':
        await openBreaker(target, effect.reason);
        break;
    }
  }
  return closed;
}

/**
 * Settles the rows of a claim and ends its lease, in the caller's transaction. Order of locks: rows (by
 * key), lane, target. Throws LeaseLost when the lane belongs to somebody else by now.
 */
export async function settle(
  tools: SettleTools,
  settlements: readonly Settlement[],
): Promise<{ readonly settled: readonly Settled[]; readonly closed: boolean }> {
  const { tx, claim } = tools;
  const key = ({ row }: Settlement): string => `${row.entity}\u0000${row.eventId}`;
  const outcomes = new Map<Settlement, RowOutcome>();
  for (const settlement of settlements.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))) {
    outcomes.set(settlement, await settleRow(tools, settlement));
  }
  const lane = [claim.tenantId, claim.target, claim.lane];
  // A statement of its own: only one that starts after the lock is held sees rows enqueued meanwhile.
  const { rowCount } = await tx.query(OWN_LANE, [...lane, claim.token.toString()]);
  if (rowCount !== 1) throw new LeaseLost();
  await tx.query(REFRESH_LANES, [...lane.map((part) => [part]), claim.token.toString()]);
  const inOrder = settlements.map((settlement) => outcomes.get(settlement));
  const closed = await touchTarget(
    tools,
    inOrder.map((outcome) => outcome?.effect ?? { do: 'none' }),
  );
  const settled = inOrder.map((outcome): Settled => outcome?.settled ?? { state: 'done' });
  await writeOutbox(
    tx,
    settlements.flatMap((settlement, index) => {
      const what = settled[index];
      return what === undefined ? [] : settlement.outbox(what);
    }),
  );
  return { settled, closed };
}
