import type { PoolClient } from '@waybill/postgres';
import type { Clock } from './clock.ts';
import { SCHEMA } from './migrations.ts';

export interface LaneKey {
  readonly tenant: string;
  readonly target: string;
  readonly lane: string;
}

const MARK = `
  INSERT INTO ${SCHEMA}.lane AS l (tenant, target, lane, next_due_at)
  SELECT tenant, target, lane, coalesce($4::timestamptz, clock_timestamp())
  FROM unnest($1::text[], $2::text[], $3::text[]) AS k (tenant, target, lane)
  GROUP BY tenant, target, lane ORDER BY tenant, target, lane
  ON CONFLICT (tenant, target, lane)
  DO UPDATE SET next_due_at = least(l.next_due_at, excluded.next_due_at)`;

const TARGETS = `
  INSERT INTO ${SCHEMA}.target (tenant, target)
  SELECT DISTINCT tenant, target FROM unnest($1::text[], $2::text[]) AS k (tenant, target)
  ON CONFLICT DO NOTHING`;

/**
 * Says that lanes have something due. Always after the rows were written: everyone locks rows, then
 * lanes, then targets, each in order of key, so nobody waits in a circle.
 */
export async function markLanesDue(
  tx: PoolClient,
  lanes: readonly LaneKey[],
  clock: Clock,
): Promise<void> {
  if (lanes.length === 0) return;
  const tenants = lanes.map(({ tenant }) => tenant);
  const targets = lanes.map(({ target }) => target);
  const names = lanes.map(({ lane }) => lane);
  await tx.query(MARK, [tenants, targets, names, clock.parameter()]);
  await tx.query(TARGETS, [tenants, targets]);
}

/** Rows that keep the order of their lane. The text is that of the index, so that it is used. */
export const OPEN = `state IN ('due', 'waiting_until', 'paused')`;

/** Ends leases (given by token) and finds when each lane is due next. The lanes are locked already. */
export const REFRESH_LANES = `
  UPDATE ${SCHEMA}.lane l SET lease_until = NULL, lease_token = NULL, next_due_at = (
    SELECT i.due_at FROM ${SCHEMA}.inbox i
    WHERE i.tenant = l.tenant AND i.target = l.target AND i.lane = l.lane AND i.${OPEN}
    ORDER BY i.event_time, i.event_id LIMIT 1)
  FROM unnest($1::text[], $2::text[], $3::text[]) AS k (tenant, target, lane)
  WHERE l.tenant = k.tenant AND l.target = k.target AND l.lane = k.lane AND l.lease_token = $4`;
