import type { Pool } from '@waybill/postgres';
import type { ClaimRequest } from '../ports.ts';
import { atPlaces, idColumn, query, requestIdOf } from './claim-rows.ts';

/** Signed bytes that were remembered before a claim's row held them. */
const FORMER = `
select asked.place::integer as place
from unnest($1::uuid[], $2::uuid[]) with ordinality as asked (signed_id, request_id, place)
join ingest.signature s on s.signed_id = uuid_send(asked.signed_id)
where s.request_id <> uuid_send(asked.request_id)`;

const LAST = 'select max(ends_at) as last from ingest.signature';

/**
 * Replays of what was signed and sent before the update to one row per claim: asked for as long as such bytes are
 * within tolerance, minutes after the update, and never again. Rejects with a Fault of the database.
 */
export function formerSignatures(
  pool: Pool,
): (requests: readonly ClaimRequest[]) => Promise<ReadonlySet<ClaimRequest>> {
  const none: ReadonlySet<ClaimRequest> = new Set();
  let last: number | undefined;
  return async (requests) => {
    if (last === undefined) {
      const [row] = await query<{ last: Date | null }>(pool, {
        name: 'former last',
        text: LAST,
        values: [],
      });
      last = row?.last?.getTime() ?? 0;
    }
    // Its time is the database's, which also wrote the signatures' ends; a minute for clocks that differ.
    if (Date.now() > last + 60_000) return none;
    const signed = requests.filter((request) => request.signed !== undefined);
    const values = [idColumn(signed, hashOfSigned), idColumn(signed, requestIdOf)];
    return atPlaces(signed, await query(pool, { name: 'former', text: FORMER, values }));
  };
}

function hashOfSigned({ signed }: ClaimRequest): string {
  return signed?.id ?? '';
}
