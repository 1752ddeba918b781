import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '@waybill/postgres';
import { lowestId, query } from './claim-rows.ts';

/** Rows per statement. */
const SWEEP_ROWS = 1000;
/** How much longer than its last statement a sweep pauses: what is forgotten must not slow what is taken in. */
const SWEEP_PAUSE = 3;
const HOUR_MS = 3_600_000;
/**
 * Rows go by the time that was signed, which may be as much older than the claim as the largest tolerance that the
 * tenant file allows.
 */
const MARGIN_MS = HOUR_MS;

const CLAIMS = `
with gone as (
  delete from ingest.claim where ctid = any(array(
    select ctid from ingest.claim where signed_id < $2::uuid order by signed_id limit $1))
  returning request_id)
select count(*)::integer as rows, count(request_id)::integer as keys from gone`;

/** Of crashes. An hour later than their claims: a claim without its round counts as done. */
const ROUNDS = `
with gone as (
  delete from ingest.claim_round where ctid = any(array(
    select ctid from ingest.claim_round
    where lease_until < now() - make_interval(hours => $2 + 2) limit $1))
  returning 1)
select count(*)::integer as rows, 0 as keys from gone`;

/** Forgets claims and rounds that are too old, in portions with pauses; returns how many keys. */
export async function sweepClaims(pool: Pool, retentionH: number): Promise<number> {
  const swept = async (name: string, text: string, limit: unknown): Promise<number> => {
    const began = performance.now();
    const statement = { name, text, values: [SWEEP_ROWS, limit] };
    const [row] = await query<{ rows: number; keys: number }>(pool, statement);
    const { rows = 0, keys = 0 } = row ?? {};
    if (rows < SWEEP_ROWS) return keys;
    await delay(SWEEP_PAUSE * (performance.now() - began), undefined, { ref: false });
    return keys + (await swept(name, text, limit));
  };
  const oldest = Date.now() - retentionH * HOUR_MS - MARGIN_MS;
  const keys = await swept('sweep claims', CLAIMS, lowestId(oldest));
  await swept('sweep rounds', ROUNDS, retentionH);
  return keys;
}
