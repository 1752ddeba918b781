import { transaction, type Pool } from '@waybill/postgres';
import type { ClaimRequest } from '../ports.ts';
import { atPlaces, bodyId, idColumn, query, requestIdOf, signedId } from './claim-rows.ts';

/** A claim as it stood before the statement. */
export interface ClaimRow {
  readonly request_id: string;
  readonly body_id: string;
  readonly received_time: Date;
  readonly attempt: number;
  readonly done: boolean;
  /** Whether this statement took it over. */
  readonly taken_over: boolean;
}

/** In the order of the ids, as all that may wait for each other. */
const BIND = `
insert into ingest.claim (signed_id, bound_to, received_time)
select signed_id, request_id, now() from unnest($1::uuid[], $2::uuid[]) as asked (signed_id, request_id)
order by signed_id
on conflict do nothing`;

/** A statement of its own: what BIND met may be newer than its snapshot. */
const REPLAYED = `
select asked.place::integer as place
from unnest($1::uuid[], $2::uuid[]) with ordinality as asked (signed_id, request_id, place)
join ingest.claim c using (signed_id)
where coalesce(c.bound_to, c.request_id) <> asked.request_id`;

/** The lock comes first, so that the next statement sees claims and rounds as they are behind it. */
const LOCK = `
select 1 from ingest.claim where request_id = any($1::uuid[]) order by request_id for update`;

/** Takes over the claims whose lease ran out, and shows all of them as they were before. */
const RESOLVE = `
with stood as (
  select claim.*, claim.round_id <> 0 and r.round_id is null as done,
         coalesce(r.lease_until > now(), false) as leased
  from ingest.claim left join ingest.claim_round r using (round_id)
  where request_id = any($1::uuid[])
), taken as (
  update ingest.claim set attempt = claim.attempt + 1, round_id = $3
  from stood join unnest($1::uuid[], $2::uuid[]) as asked (request_id, body_id)
    using (request_id, body_id)
  where claim.request_id = stood.request_id and not stood.done and not stood.leased
  returning claim.request_id
)
select replace(request_id::text, '-', '') as request_id, replace(body_id::text, '-', '') as body_id,
       received_time, attempt, done, taken.request_id is not null as taken_over
from stood left join taken using (request_id)`;

/** Signed bytes whose claim was forgotten before them: they would keep the key from being claimed anew. */
const UNBIND = `
delete from ingest.claim b
where b.signed_id = any($1::uuid[]) and b.bound_to is not null
  and not exists (select 1 from ingest.claim c where c.request_id = b.bound_to)`;

/**
 * Binds signed bytes to the first key they come with, for requests whose claim stands already. Returns those whose
 * bytes belong to another key.
 */
export async function bindSigned(
  pool: Pool,
  requests: readonly ClaimRequest[],
): Promise<ReadonlySet<ClaimRequest>> {
  const signed = requests.filter((request) => request.signed !== undefined);
  if (signed.length === 0) return new Set();
  const values = [idColumn(signed, signedId), idColumn(signed, requestIdOf)];
  await query(pool, { name: 'bind', text: BIND, values });
  return atPlaces(signed, await query(pool, { name: 'replayed', text: REPLAYED, values }));
}

/** The claims of these requests by request id; what was open under an old lease is now in the round. */
export function resolveClaims(
  pool: Pool,
  requests: readonly ClaimRequest[],
  roundId: string,
): Promise<ReadonlyMap<string, ClaimRow>> {
  return transaction(pool, async (client) => {
    const ids = idColumn(requests, requestIdOf);
    await query(client, { name: 'lock', text: LOCK, values: [ids] });
    const values = [ids, idColumn(requests, bodyId), roundId];
    const rows = await query<ClaimRow>(client, { name: 'resolve', text: RESOLVE, values });
    if (rows.length < requests.length) {
      const orphans = [idColumn(requests, signedId)];
      await query(client, { name: 'unbind', text: UNBIND, values: orphans });
    }
    return new Map(rows.map((row) => [row.request_id, row]));
  });
}
