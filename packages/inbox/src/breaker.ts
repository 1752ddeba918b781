import type { PoolClient } from '@waybill/postgres';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import { SCHEMA } from './migrations.ts';

/**
 * Breaker of a target, kept in its row so that all instances agree.
 *
 * closed → open: `breakerFailures` failures in a row that come from at least `breakerLanes` lanes, a row
 * that used up its retries while nothing else was delivered, or settings that let nobody in.
 * open → closed: any delivery. While open only probes are claimed: one per interval, which doubles from
 * `firstProbeMs` to `longestProbeMs`.
 */
export interface TargetRow {
  readonly tx: PoolClient;
  readonly tenant: string;
  readonly target: string;
  readonly limits: Limits;
  readonly clock: Clock;
}

const THIS = 'tenant = $1 AND target = $2';

/** A delivery succeeded. True when the breaker was open. Costs no lock while all is well. */
export async function closeBreaker({ tx, tenant, target }: TargetRow): Promise<boolean> {
  const { rows } = await tx.query<{ was_open: boolean }>(
    `UPDATE ${SCHEMA}.target t SET breaker = 'closed', reason = NULL, failures = 0,
       failed_lanes = '{}', opened_at = NULL, next_probe_at = NULL, probes = 0
     FROM (SELECT breaker = 'open' AS was_open FROM ${SCHEMA}.target WHERE ${THIS}) before
     WHERE ${THIS} AND (t.failures > 0 OR t.breaker <> 'closed')
     RETURNING before.was_open`,
    [tenant, target],
  );
  return rows[0]?.was_open === true;
}

/** A row of `lane` failed; opens the breaker when it is the weather. */
export async function countFailure(row: TargetRow, lane: string): Promise<void> {
  const { tx, tenant, target, limits } = row;
  const { rows } = await tx.query<{ failures: number; lanes: number }>(
    `UPDATE ${SCHEMA}.target SET failures = failures + 1, failed_lanes = CASE
         WHEN $3 = ANY(failed_lanes) OR cardinality(failed_lanes) >= $4 THEN failed_lanes
         ELSE failed_lanes || $3 END
     WHERE ${THIS} RETURNING failures, cardinality(failed_lanes) AS lanes`,
    [tenant, target, lane, limits.breakerLanes],
  );
  const [found] = rows;
  if (found === undefined) return;
  if (found.failures >= limits.breakerFailures && found.lanes >= limits.breakerLanes) {
    await openBreaker(row, 'FAILURES');
  }
}

/** Opens the breaker; one that is open already keeps its probes. */
export async function openBreaker(row: TargetRow, reason: string): Promise<void> {
  const { tx, tenant, target, limits, clock } = row;
  await tx.query(
    `UPDATE ${SCHEMA}.target t SET breaker = 'open', reason = $4, opened_at = c.now, probes = 0,
       probe_interval_ms = $5::int, next_probe_at = c.now + $5::int * interval '1 millisecond'
     FROM (SELECT coalesce($3::timestamptz, clock_timestamp()) AS now) c
     WHERE ${THIS} AND breaker = 'closed'`,
    [tenant, target, clock.parameter(), reason, limits.firstProbeMs],
  );
}

/** A probe failed: the next one comes after twice the time. */
export async function postponeProbe({
  tx,
  tenant,
  target,
  limits,
  clock,
}: TargetRow): Promise<void> {
  await tx.query(
    `UPDATE ${SCHEMA}.target SET probe_interval_ms = least(probe_interval_ms * 2, $4::int),
       next_probe_at = coalesce($3::timestamptz, clock_timestamp())
         + least(probe_interval_ms * 2, $4::int) * interval '1 millisecond'
     WHERE ${THIS} AND breaker = 'open'`,
    [tenant, target, clock.parameter(), limits.longestProbeMs],
  );
}
