import type { PoolClient } from '@waybill/postgres';
import { wakeable, type RowKey } from './claim.ts';
import type { Clock } from './clock.ts';
import { type LaneKey, markLanesDue } from './lanes.ts';
import { SCHEMA } from './migrations.ts';
import { UNASSIGNED } from './types.ts';

/** A span of event time, ms since epoch; null = unbounded, `to` exclusive. */
export interface Span {
  readonly from: number | null;
  readonly to: number | null;
}

const DUE = `state = 'due', due_at = coalesce($1::timestamptz, clock_timestamp()),
  waiting_key = NULL, reason = NULL, attempts = 0, first_failed_at = NULL`;

/** Tried again as it is: attempts, reason and time of parking stay. */
const AGAIN = `state = 'due', due_at = coalesce($1::timestamptz, clock_timestamp())`;

interface Selection {
  /** Condition on inbox rows; its parameters start at $1. */
  readonly where: string;
  readonly parameters: readonly unknown[];
}

/** Locks the rows in order of key, as everybody does. */
async function lockRows(tx: PoolClient, selection: Selection): Promise<readonly RowKey[]> {
  const { rows } = await tx.query<RowKey>(
    `SELECT tenant, target, entity, event_id FROM ${SCHEMA}.inbox WHERE ${selection.where}
     ORDER BY tenant, target, entity, event_id FOR UPDATE`,
    [...selection.parameters],
  );
  return rows;
}

/** Makes locked rows due now and marks their lanes. Returns their number. */
async function makeDue(
  tx: PoolClient,
  keys: readonly RowKey[],
  clock: Clock,
  set: string,
): Promise<number> {
  if (keys.length === 0) return 0;
  const { rows } = await tx.query<LaneKey>(
    `UPDATE ${SCHEMA}.inbox i SET ${set}
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
       AS k (tenant, target, entity, event_id)
     WHERE i.tenant = k.tenant AND i.target = k.target AND i.entity = k.entity
       AND i.event_id = k.event_id
     RETURNING i.tenant, i.target, i.lane`,
    [
      clock.parameter(),
      keys.map(({ tenant }) => tenant),
      keys.map(({ target }) => target),
      keys.map(({ entity }) => entity),
      keys.map(({ event_id }) => event_id),
    ],
  );
  await markLanesDue(tx, rows, clock);
  return rows.length;
}

/**
 * The ids behind `ref` changed for these spans of event time: every fact that stands in one of them is
 * resolved again, with the next resolution, whether it waits for the id or was delivered with another.
 */
export async function resolveAgain(
  tx: PoolClient,
  change: { readonly tenantId: string; readonly ref: string; readonly spans: readonly Span[] },
  clock: Clock,
): Promise<number> {
  if (change.spans.length === 0) return 0;
  const keys = await lockRows(tx, {
    where: `tenant = $1 AND refs @> ARRAY[$2] AND target <> '${UNASSIGNED}' AND EXISTS (
      SELECT 1 FROM unnest($3::float8[], $4::float8[]) AS s (from_ms, to_ms)
      WHERE (s.from_ms IS NULL OR event_time >= to_timestamp(s.from_ms / 1000))
        AND (s.to_ms IS NULL OR event_time < to_timestamp(s.to_ms / 1000)))`,
    parameters: [
      change.tenantId,
      change.ref,
      change.spans.map(({ from }) => from),
      change.spans.map(({ to }) => to),
    ],
  });
  return makeDue(tx, keys, clock, `${DUE}, parked_since = NULL, resolution = resolution + 1`);
}

/** Makes due what waits for `key`. */
export async function release(tx: PoolClient, key: string, clock: Clock): Promise<number> {
  const where = `state = 'waiting_for' AND waiting_key = $1`;
  const keys = await lockRows(tx, { where, parameters: [key] });
  return makeDue(tx, keys, clock, `${DUE}, parked_since = NULL`);
}

/** Gives facts that came before their tenant was known a target, and makes them due. */
export async function assignTarget(
  tx: PoolClient,
  tenantId: string,
  target: string,
  clock: Clock,
): Promise<number> {
  // What came again after the tenant was known is there already, in the same or a newer revision.
  await tx.query(
    `DELETE FROM ${SCHEMA}.inbox old USING ${SCHEMA}.inbox new
     WHERE old.tenant = $1 AND old.target = $2 AND new.tenant = $1 AND new.target = $3
       AND new.entity = old.entity AND new.event_id = old.event_id`,
    [tenantId, UNASSIGNED, target],
  );
  const keys = await lockRows(tx, {
    where: 'tenant = $1 AND target = $2',
    parameters: [tenantId, UNASSIGNED],
  });
  if (keys.length === 0) return 0;
  await tx.query(`UPDATE ${SCHEMA}.inbox SET target = $3 WHERE tenant = $1 AND target = $2`, [
    tenantId,
    UNASSIGNED,
    target,
  ]);
  const moved = keys.map((key) => ({ ...key, target }));
  return makeDue(tx, moved, clock, `${DUE}, parked_since = NULL`);
}

/**
 * A person or a new configuration cleared the way: parked and paused rows of a tenant are tried again.
 * They keep reason and time of parking, so that a row that parks again tells nothing new.
 */
export async function resume(tx: PoolClient, tenantId: string, clock: Clock): Promise<number> {
  const where = `tenant = $1 AND state IN ('manual', 'paused')`;
  const keys = await lockRows(tx, { where, parameters: [tenantId] });
  return makeDue(tx, keys, clock, AGAIN);
}

/** After a breaker closed: what waits for a retry need not wait any longer. */
export async function retryNow(
  tx: PoolClient,
  tenantId: string,
  target: string,
  clock: Clock,
): Promise<number> {
  const where = `tenant = $1 AND target = $2 AND state = 'waiting_until'`;
  const keys = await lockRows(tx, { where, parameters: [tenantId, target] });
  return makeDue(tx, keys, clock, AGAIN);
}

/** Looks again at parked rows whose time has come; they keep `parked_since`. */
export async function wake(tx: PoolClient, clock: Clock): Promise<number> {
  return makeDue(tx, await wakeable(tx, clock), clock, AGAIN);
}
