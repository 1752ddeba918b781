import type { PoolClient } from '@waybill/postgres';
import type { Clock } from './clock.ts';
import { type LaneKey, OPEN, REFRESH_LANES } from './lanes.ts';
import type { Limits } from './limits.ts';
import { SCHEMA } from './migrations.ts';
import type { InboxRow, LaneClaim, RowState } from './types.ts';

const NOW = 'coalesce($1::timestamptz, clock_timestamp())';

/** Turns over targets: the first lane of each, then the second of each, … oldest first within. */
const LEASE = `
  WITH c AS (SELECT ${NOW} AS now), candidate AS (
    SELECT d.*, row_number() OVER (PARTITION BY d.tenant, d.target ORDER BY d.next_due_at) AS turn
    FROM c, ${SCHEMA}.target t CROSS JOIN LATERAL (
      SELECT l.tenant, l.target, l.lane, l.next_due_at FROM ${SCHEMA}.lane l
      WHERE l.tenant = t.tenant AND l.target = t.target AND l.next_due_at <= c.now
        AND (l.lease_until IS NULL OR l.lease_until <= c.now)
      ORDER BY l.next_due_at LIMIT $2 FOR UPDATE SKIP LOCKED) d
    WHERE t.breaker = 'closed'
  ), chosen AS (
    SELECT tenant, target, lane FROM candidate ORDER BY turn, next_due_at LIMIT $2
  ), token AS (SELECT nextval('${SCHEMA}.lease_token') AS value)
  UPDATE ${SCHEMA}.lane l
  SET lease_until = c.now + $3::int * interval '1 millisecond', lease_token = token.value
  FROM chosen, token, c
  WHERE l.tenant = chosen.tenant AND l.target = chosen.target AND l.lane = chosen.lane
  RETURNING l.tenant, l.target, l.lane, l.lease_token::text AS token`;

/** A target whose breaker is open gets one probe per interval. */
const PROBED_TARGETS = `
  UPDATE ${SCHEMA}.target t
  SET next_probe_at = c.now + t.probe_interval_ms * interval '1 millisecond', probes = probes + 1
  FROM (SELECT ${NOW} AS now) c
  WHERE t.breaker = 'open' AND t.next_probe_at <= c.now
  RETURNING t.tenant, t.target, t.probes`;

/** Probe n takes the n-th of the oldest lanes, whether its row is due or waits for a retry. */
const LEASE_PROBE = `
  WITH c AS (SELECT ${NOW} AS now), oldest AS (
    SELECT lane, row_number() OVER (ORDER BY next_due_at, lane) - 1 AS n, count(*) OVER () AS of
    FROM (
      SELECT l.lane, l.next_due_at FROM ${SCHEMA}.lane l, c
      WHERE l.tenant = $2 AND l.target = $3 AND l.next_due_at IS NOT NULL
        AND (l.lease_until IS NULL OR l.lease_until <= c.now)
      ORDER BY l.next_due_at, l.lane LIMIT $4 FOR UPDATE OF l SKIP LOCKED) o
  )
  UPDATE ${SCHEMA}.lane l
  SET lease_until = c.now + $6::int * interval '1 millisecond',
    lease_token = nextval('${SCHEMA}.lease_token')
  FROM c, oldest
  WHERE l.tenant = $2 AND l.target = $3 AND l.lane = oldest.lane AND oldest.n = $5 % oldest.of
  RETURNING l.tenant, l.target, l.lane, l.lease_token::text AS token`;

const ROWS = `
  SELECT r.*, r.state <> 'done' AND r.due_at <= ${NOW} AS is_due
  FROM unnest($2::text[], $3::text[], $4::text[]) AS k (tenant, target, lane)
  CROSS JOIN LATERAL (
    SELECT * FROM ${SCHEMA}.inbox i
    WHERE i.tenant = k.tenant AND i.target = k.target AND i.lane = k.lane AND i.${OPEN}
    ORDER BY i.event_time, i.event_id LIMIT $5) r
  ORDER BY r.tenant, r.target, r.lane, r.event_time, r.event_id`;

/** Parked rows whose time to be looked at again has come. */
const WAKE = `
  SELECT tenant, target, entity, event_id FROM ${SCHEMA}.inbox
  WHERE state = 'waiting_for' AND due_at <= ${NOW}
  ORDER BY tenant, target, entity, event_id LIMIT 1000 FOR UPDATE SKIP LOCKED`;

interface LeasedLane extends LaneKey {
  readonly token: string;
}

interface StoredRow extends LaneKey {
  readonly entity: string;
  readonly event_id: string;
  readonly entity_id: string;
  readonly refs: readonly string[];
  readonly message: unknown;
  readonly original: Buffer | null;
  readonly traceparent: string | null;
  readonly source_topic: string;
  readonly source_partition: number;
  readonly source_offset: string;
  readonly event_time: Date;
  readonly provider_time: Date;
  readonly received_time: Date;
  readonly revision: string;
  readonly activation: string;
  readonly resolution: string;
  readonly state: RowState;
  readonly waiting_key: string | null;
  readonly reason: string | null;
  readonly attempts: number;
  readonly first_failed_at: Date | null;
  readonly parked_since: Date | null;
  readonly is_due: boolean;
}

function rowOf(row: StoredRow): InboxRow {
  return {
    tenantId: row.tenant,
    target: row.target,
    entity: row.entity,
    eventId: row.event_id,
    entityId: row.entity_id,
    lane: row.lane,
    refs: row.refs,
    message: row.message,
    original: row.original,
    traceparent: row.traceparent ?? undefined,
    source: {
      topic: row.source_topic,
      partition: row.source_partition,
      offset: BigInt(row.source_offset),
    },
    eventTime: row.event_time.getTime(),
    providerTime: row.provider_time.getTime(),
    receivedTime: row.received_time.getTime(),
    revision: Number(row.revision),
    activation: Number(row.activation),
    resolution: Number(row.resolution),
    state: row.state,
    waitingKey: row.waiting_key,
    reason: row.reason,
    attempts: row.attempts,
    firstFailedAt: row.first_failed_at?.getTime() ?? null,
    parkedSince: row.parked_since?.getTime() ?? null,
  };
}

function nameOf({ tenant, target, lane }: LaneKey): string {
  return [tenant, target, lane].join('\u0000');
}

async function readClaims(
  tx: PoolClient,
  lanes: readonly LeasedLane[],
  options: { readonly probe: boolean; readonly rows: number; readonly clock: Clock },
): Promise<readonly LaneClaim[]> {
  if (lanes.length === 0) return [];
  const { probe, rows: limit, clock } = options;
  const columns = [
    lanes.map(({ tenant }) => tenant),
    lanes.map(({ target }) => target),
    lanes.map(({ lane }) => lane),
  ];
  const { rows } = await tx.query<StoredRow>(ROWS, [clock.parameter(), ...columns, limit]);
  const byLane = Map.groupBy(rows, nameOf);
  const claims: LaneClaim[] = [];
  for (const lane of lanes) {
    const own = byLane.get(nameOf(lane)) ?? [];
    // What is not due yet holds back what stands behind it.
    const blocked = probe ? -1 : own.findIndex((row) => !row.is_due);
    const due = blocked < 0 ? own : own.slice(0, blocked);
    if (due.length === 0) {
      const { tenant, target, lane: name, token } = lane;
      await tx.query(REFRESH_LANES, [[tenant], [target], [name], token]);
    } else {
      claims.push({
        tenantId: lane.tenant,
        target: lane.target,
        lane: lane.lane,
        token: BigInt(lane.token),
        probe,
        rows: due.map(rowOf),
      });
    }
  }
  return claims;
}

/** Rows to wake, locked; the caller makes them due and marks their lanes. */
export async function wakeable(tx: PoolClient, clock: Clock): Promise<readonly RowKey[]> {
  const { rows } = await tx.query<RowKey>(WAKE, [clock.parameter()]);
  return rows;
}

export interface RowKey {
  readonly tenant: string;
  readonly target: string;
  readonly entity: string;
  readonly event_id: string;
}

/** Leases up to `lanes` lanes that have something due, and probes of targets that are away. */
export async function claim(
  tx: PoolClient,
  lanes: number,
  limits: Limits,
  clock: Clock,
): Promise<readonly LaneClaim[]> {
  const { leaseMs, rowsPerLane, probeLanes } = limits;
  const now = clock.parameter();
  const leased = await tx.query<LeasedLane>(LEASE, [now, lanes, leaseMs]);
  const claims = [
    ...(await readClaims(tx, leased.rows, { probe: false, rows: rowsPerLane, clock })),
  ];
  const probed = await tx.query<{ tenant: string; target: string; probes: number }>(
    PROBED_TARGETS,
    [now],
  );
  for (const { tenant, target, probes } of probed.rows) {
    const { rows } = await tx.query<LeasedLane>(LEASE_PROBE, [
      now,
      tenant,
      target,
      probeLanes,
      probes - 1,
      leaseMs,
    ]);
    claims.push(...(await readClaims(tx, rows, { probe: true, rows: 1, clock })));
  }
  return claims;
}
