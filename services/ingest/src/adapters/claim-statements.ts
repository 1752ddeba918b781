import { classify, type Pool } from '@waybill/postgres';
import type { ClaimRequest, KeptAnswer } from '../ports.ts';
import type { ClaimBatch } from './claim-batch.ts';

/** Rows per statement of the sweep; a backlog takes several rounds instead of one long lock. */
const SWEEP_ROWS = 5000;
/** Of the store. */
export interface ClaimOptions {
  readonly leaseS: number;
  readonly retentionH: number;
}

type Query = <Row extends object>(
  name: string,
  text: string,
  values: readonly unknown[],
) => Promise<readonly Row[]>;

export interface Completion {
  readonly requestId: string;
  readonly answer: KeptAnswer;
}

/** One round trip each, however many requests. */
export interface Statements {
  readonly open: (batch: ClaimBatch) => Promise<Opened>;
  readonly resolve: (requests: readonly ClaimRequest[]) => Promise<ReadonlyMap<string, ClaimRow>>;
  readonly complete: (completions: readonly Completion[]) => Promise<readonly undefined[]>;
  readonly release: (requestId: string, attempt: number) => Promise<void>;
  readonly sweep: () => Promise<number>;
}

/** What became of a batch. */
export interface Opened {
  readonly requestIds: ReadonlySet<string>;
  /** Ids of signed bytes that belong to another key. */
  readonly replayed: ReadonlySet<string>;
}

/** A claim as it stood before the statement. */
export interface ClaimRow {
  readonly request_id: string;
  readonly body_sha256: string;
  readonly received_time: Date;
  readonly attempt: number;
  readonly answer_status: number | null;
  readonly answer_body: string | null;
  /** Whether this statement took it over. */
  readonly taken_over: boolean;
}

/** Binds signed bytes to the first key they come with, then opens the claims that nobody has. */
const OPEN = `
with bound as (
  insert into ingest.signature as s
    (signed_sha256, tenant_id, source_id, idempotency_key, ends_at)
  select * from unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[])
  order by 1, 2, 3
  on conflict (signed_sha256, tenant_id, source_id)
    do update set idempotency_key = s.idempotency_key
  returning signed_sha256, tenant_id, source_id, idempotency_key
), replayed as (
  select bound.* from bound
    join unnest($8::text[], $9::text[], $10::text[], $11::text[])
      as asked (signed_sha256, tenant_id, source_id, idempotency_key)
    using (signed_sha256, tenant_id, source_id)
  where bound.idempotency_key <> asked.idempotency_key
), opened as (
  insert into ingest.claim
    (request_id, tenant_id, source_id, idempotency_key, body_sha256, received_time, lease_until)
  select request_id, tenant_id, source_id, idempotency_key, body_sha256, received_time,
         now() + make_interval(secs => $13)
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
    as asked (request_id, tenant_id, source_id, idempotency_key, body_sha256, received_time, signed_sha256)
  where (signed_sha256, tenant_id, source_id)
    not in (select signed_sha256, tenant_id, source_id from replayed)
  order by request_id
  on conflict do nothing
  returning request_id
)
select request_id, null as replayed from opened
union all
select null, signed_sha256 || '/' || tenant_id || '/' || source_id from replayed`;

/** Takes over the claims whose lease ran out, and shows all of them as they were before. */
const RESOLVE = `
with asked as (
  select * from unnest($1::text[], $2::text[]) as asked (request_id, body_sha256)
), found as (
  select request_id, body_sha256, received_time, attempt, answer_status, answer_body,
         lease_until > now() as leased
  from ingest.claim where request_id = any($1) order by request_id for update
), taken as (
  update ingest.claim
  set attempt = claim.attempt + 1, lease_until = now() + make_interval(secs => $3)
  from found join asked using (request_id, body_sha256)
  where claim.request_id = found.request_id
    and not found.leased and found.answer_status is null
  returning claim.request_id
)
select found.*, taken.request_id is not null as taken_over
from found left join taken using (request_id)`;

const COMPLETE = `
update ingest.claim set answer_status = done.status, answer_body = done.body
from unnest($1::text[], $2::integer[], $3::text[]) as done (request_id, status, body)
where claim.request_id = done.request_id and answer_status is null`;

const RELEASE = `
update ingest.claim set lease_until = now()
where request_id = $1 and answer_status is null and attempt = $2`;

/** The statements over one pool. They reject with a Fault of the database. */
export function createStatements(pool: Pool, options: ClaimOptions): Statements {
  const query: Query = async (name, text, values) => {
    try {
      return (await pool.query({ name, text, values: [...values] })).rows;
    } catch (error) {
      throw classify(error);
    }
  };
  return {
    open: async ({ leaders, signers }) => {
      const rows = await query<{ request_id: string | null; replayed: string | null }>(
        'open',
        OPEN,
        [...leaderColumns(leaders), ...signerColumns(signers), options.leaseS],
      );
      const requestIds = new Set<string>();
      const replayed = new Set<string>();
      for (const row of rows) {
        if (row.request_id !== null) requestIds.add(row.request_id);
        if (row.replayed !== null) replayed.add(row.replayed);
      }
      return { requestIds, replayed };
    },
    resolve: async (requests) => {
      const rows = await query<ClaimRow>('resolve', RESOLVE, [
        requests.map((request) => request.requestId),
        requests.map((request) => request.bodySha256),
        options.leaseS,
      ]);
      return new Map(rows.map((row) => [row.request_id, row]));
    },
    complete: async (completions) => {
      await query('complete', COMPLETE, [
        completions.map(({ requestId }) => requestId),
        completions.map(({ answer }) => answer.status),
        completions.map(({ answer }) => answer.body),
      ]);
      return completions.map(() => undefined);
    },
    release: async (requestId, attempt) => {
      await query('release', RELEASE, [requestId, attempt]);
    },
    sweep: () => sweep(query, options.retentionH),
  };
}

function leaderColumns(leaders: readonly ClaimRequest[]): readonly unknown[] {
  return [
    leaders.map(({ requestId }) => requestId),
    leaders.map(({ tenantId }) => tenantId),
    leaders.map(({ sourceId }) => sourceId),
    leaders.map(({ key }) => key),
    leaders.map(({ bodySha256 }) => bodySha256),
    leaders.map(({ receivedTime }) => new Date(receivedTime).toISOString()),
    // Not null, so that it compares: no signed bytes have the empty text as their hash.
    leaders.map(({ signed }) => signed?.sha256 ?? ''),
  ];
}

function signerColumns(signers: readonly ClaimRequest[]): readonly unknown[] {
  return [
    signers.map(({ signed }) => signed?.sha256),
    signers.map(({ tenantId }) => tenantId),
    signers.map(({ sourceId }) => sourceId),
    signers.map(({ key }) => key),
    signers.map(({ signed }) => new Date(signed?.endsTime ?? 0).toISOString()),
  ];
}

async function sweep(query: Query, retentionH: number): Promise<number> {
  const swept = async (name: string, text: string, values: readonly unknown[]): Promise<number> => {
    const [row] = await query<{ count: number }>(name, text, values);
    const count = row?.count ?? 0;
    return count < SWEEP_ROWS ? count : count + (await swept(name, text, values));
  };
  await swept(
    'sweep signatures',
    `with gone as (
       delete from ingest.signature where ctid = any(array(
         select ctid from ingest.signature where ends_at < now() limit $1)) returning 1)
     select count(*)::integer as count from gone`,
    [SWEEP_ROWS],
  );
  return swept(
    'sweep claims',
    `with gone as (
       delete from ingest.claim where ctid = any(array(
         select ctid from ingest.claim
         where created_at < now() - make_interval(hours => $2) and lease_until < now() limit $1))
       returning 1)
     select count(*)::integer as count from gone`,
    [SWEEP_ROWS, retentionH],
  );
}
