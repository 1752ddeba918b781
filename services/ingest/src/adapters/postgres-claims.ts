import { classify, toInstant, transaction, type Pool, type PoolClient } from '@waybill/postgres';
import type { Claim, ClaimId, ClaimRequest, ClaimStore } from '../ports.ts';

/** Rows per statement of the sweep; a backlog takes several rounds instead of one long lock. */
const SWEEP_ROWS = 5000;

interface ClaimRow {
  readonly body_sha256: string;
  readonly received_time: Date;
  readonly attempt: number;
  readonly answer_status: number | null;
  readonly answer_body: string | null;
  readonly leased: boolean;
}

/**
 * Claims in PostgreSQL. A claim is *open* (leased, or its lease ran out) or *done* (has an answer).
 *
 * new → open → done; open with an old lease → open again for the next request, attempt + 1. All times
 * are the database's, so instances with different clocks agree on leases.
 */
export function postgresClaims(
  pool: Pool,
  options: { readonly leaseS: number; readonly retentionH: number },
): ClaimStore {
  const run = async (sql: string, values: readonly unknown[]): Promise<number> => {
    try {
      return (await pool.query(sql, [...values])).rowCount ?? 0;
    } catch (error) {
      throw classify(error);
    }
  };
  return {
    // The signature row comes first: a replay leaves no claim behind.
    claim: (request) =>
      transaction(pool, async (client) =>
        (await isReplay(client, request))
          ? { kind: 'replayed' }
          : ((await insert(client, request, options.leaseS)) ??
            (await takeOver(client, request, options.leaseS))),
      ),
    complete: async (id, answer) => {
      await run(
        `update ingest.claim set answer_status = $4, answer_body = $5
         where tenant_id = $1 and source_id = $2 and idempotency_key = $3 and answer_status is null`,
        [...keyOf(id), answer.status, answer.body],
      );
    },
    release: async (id, attempt) => {
      await run(
        `update ingest.claim set lease_until = now()
         where tenant_id = $1 and source_id = $2 and idempotency_key = $3
           and answer_status is null and attempt = $4`,
        [...keyOf(id), attempt],
      );
    },
    sweep: async () => {
      await run(
        `delete from ingest.signature where ctid = any(array(
           select ctid from ingest.signature where ends_at < now() limit $1))`,
        [SWEEP_ROWS],
      );
      return run(
        `delete from ingest.claim where ctid = any(array(
           select ctid from ingest.claim
           where created_at < now() - make_interval(hours => $2) and lease_until < now() limit $1))`,
        [SWEEP_ROWS, options.retentionH],
      );
    },
  };
}

function keyOf(id: ClaimId): readonly [string, string, string] {
  return [id.tenantId, id.sourceId, id.key];
}

/** Binds the signed bytes to the first key they come with. */
async function isReplay(client: PoolClient, request: ClaimRequest): Promise<boolean> {
  const { tenantId, sourceId, key, signed } = request;
  if (signed === undefined) return false;
  const { rows } = await client.query<{ idempotency_key: string }>(
    `insert into ingest.signature as s (tenant_id, source_id, signed_sha256, idempotency_key, ends_at)
     values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, source_id, signed_sha256)
       do update set idempotency_key = s.idempotency_key
     returning idempotency_key`,
    [tenantId, sourceId, signed.sha256, key, new Date(signed.endsTime)],
  );
  return rows[0]?.idempotency_key !== key;
}

async function insert(
  client: PoolClient,
  request: ClaimRequest,
  leaseS: number,
): Promise<Claim | undefined> {
  const { rowCount } = await client.query(
    `insert into ingest.claim
       (tenant_id, source_id, idempotency_key, request_id, body_sha256, received_time, lease_until)
     values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
     on conflict do nothing`,
    [
      ...keyOf(request),
      request.requestId,
      request.bodySha256,
      new Date(request.receivedTime),
      leaseS,
    ],
  );
  return rowCount === 1
    ? { kind: 'granted', attempt: 1, receivedTime: request.receivedTime }
    : undefined;
}

async function takeOver(client: PoolClient, request: ClaimRequest, leaseS: number): Promise<Claim> {
  const { rows } = await client.query<ClaimRow>(
    `select body_sha256, received_time, attempt, answer_status, answer_body,
            lease_until > now() as leased
     from ingest.claim
     where tenant_id = $1 and source_id = $2 and idempotency_key = $3 for update`,
    [...keyOf(request)],
  );
  const [row] = rows;
  // The sweep removed it between the two statements; the sender's retry starts afresh.
  if (row === undefined) return { kind: 'running' };
  if (row.body_sha256 !== request.bodySha256) return { kind: 'other_body' };
  if (row.answer_status !== null && row.answer_body !== null) {
    return { kind: 'done', answer: { status: row.answer_status, body: row.answer_body } };
  }
  if (row.leased) return { kind: 'running' };
  await client.query(
    `update ingest.claim
     set attempt = attempt + 1, lease_until = now() + make_interval(secs => $4)
     where tenant_id = $1 and source_id = $2 and idempotency_key = $3`,
    [...keyOf(request), leaseS],
  );
  return {
    kind: 'granted',
    attempt: row.attempt + 1,
    receivedTime: toInstant(row.received_time),
  };
}
