import type { Pool } from '@waybill/postgres';
import type { Clock } from './clock.ts';
import { SCHEMA } from './migrations.ts';
import type { InboxCounts } from './types.ts';

/** One statement, so all numbers are of one instant. */
const COUNTS = `
  WITH c AS (SELECT coalesce($1::timestamptz, clock_timestamp()) AS now), o AS (
    SELECT count(*) FILTER (WHERE state IN ('due', 'waiting_until'))::int AS due,
      count(*) FILTER (WHERE state = 'waiting_until')::int AS waiting_until,
      count(*) FILTER (WHERE state = 'paused')::int AS paused,
      count(*) FILTER (WHERE state = 'waiting_for')::int AS waiting_for,
      count(*) FILTER (WHERE state = 'manual')::int AS manual,
      min(enqueued_at) FILTER (WHERE state IN ('due', 'waiting_until')) AS oldest
    FROM ${SCHEMA}.inbox WHERE state <> 'done')
  SELECT o.due, o.waiting_until, o.paused, o.waiting_for, o.manual,
    coalesce(extract(epoch FROM c.now - o.oldest), 0)::float8 AS oldest_due_age_s,
    (SELECT count(*) FROM ${SCHEMA}.lane WHERE lease_until > c.now)::int AS in_flight,
    (SELECT count(*) FROM ${SCHEMA}.outbox)::int AS outbox,
    ARRAY(SELECT tenant || '/' || target FROM ${SCHEMA}.target
      WHERE breaker = 'open' ORDER BY 1) AS open_breakers
  FROM o, c`;

export async function counts(pool: Pool, clock: Clock): Promise<InboxCounts> {
  const { rows } = await pool.query<InboxCounts>(COUNTS, [clock.parameter()]);
  const [row] = rows;
  if (row === undefined) throw new Error('an aggregate always has a row');
  return row;
}
