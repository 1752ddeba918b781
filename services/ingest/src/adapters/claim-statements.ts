import { setTimeout as delay } from 'node:timers/promises';
import {
  binaryArray,
  classify,
  earlyRow,
  transaction,
  type NamedStatement,
  type Pool,
  type PoolClient,
} from '@waybill/postgres';
import type { ClaimRequest } from '../ports.ts';
import type { ClaimBatch } from './claim-batch.ts';

/** Rows per statement of the sweep. */
const SWEEP_ROWS = 1000;
/** How much longer than its last statement a sweep pauses: what is forgotten must not slow what is taken in. */
const SWEEP_PAUSE = 3;

/** Of the store. */
export interface ClaimOptions {
  readonly leaseS: number;
  readonly retentionH: number;
}

/** Ids of rounds are texts here: they count up to 2^63. */
export interface Statements {
  readonly open: (batch: ClaimBatch, finished: readonly string[]) => Promise<Opened>;
  readonly resolve: (
    requests: readonly ClaimRequest[],
    roundId: string,
  ) => Promise<ReadonlyMap<string, ClaimRow>>;
  readonly complete: (rounds: readonly string[]) => Promise<void>;
  readonly release: (releases: readonly Release[]) => Promise<void>;
  readonly sweep: () => Promise<number>;
}

/** A claim that goes back unfinished. */
export interface Release {
  readonly requestId: string;
  readonly roundId: string;
}

/** What became of a batch. */
export interface Opened {
  /** The round of all that were opened. */
  readonly roundId: string;
  /** Undefined: all leaders. */
  readonly requestIds: ReadonlySet<string> | undefined;
  /** Ids of signed bytes that belong to another key. */
  readonly replayed: ReadonlySet<string>;
  /** All of it is on disk; until then others who want the same keys or bytes wait. */
  readonly committed: Promise<void>;
}

/** A claim as it stood before the statement. */
export interface ClaimRow {
  readonly request_id: string;
  readonly body_sha256: string;
  readonly received_time: Date;
  readonly attempt: number;
  readonly answer: string;
  readonly done: boolean;
  /** Whether this statement took it over. */
  readonly taken_over: boolean;
}

/**
 * Ends the rounds that are finished, binds signed bytes to the first key they come with, then opens the
 * claims that nobody has. One row comes back, with lists only where something is out of the ordinary.
 */
const OPEN = `
with finished as (
  delete from ingest.claim_round where round_id = any($9::bigint[])
), bound as (
  insert into ingest.signature as s (signed_id, request_id, ends_at)
  select * from unnest($6::bytea[], $7::bytea[], $8::timestamptz[]) order by 1
  on conflict (signed_id) do update set request_id = s.request_id
  returning signed_id, request_id
), replayed as (
  select bound.signed_id
  from bound join unnest($6::bytea[], $7::bytea[]) as asked (signed_id, request_id) using (signed_id)
  where bound.request_id <> asked.request_id
), round as (
  insert into ingest.claim_round (lease_until) values (now() + make_interval(secs => $10))
  returning round_id
), opened as (
  insert into ingest.claim (request_id, body_sha256, answer, received_time, round_id)
  select request_id, body_sha256, answer, received_time, round_id
  from unnest($1::bytea[], $2::bytea[], $3::text[], $4::timestamptz[], $5::bytea[])
    as asked (request_id, body_sha256, answer, received_time, signed_id), round
  where signed_id not in (select signed_id from replayed)
  order by request_id
  on conflict do nothing
  returning request_id
)
select (select round_id from round) as round_id,
       (select coalesce(array_agg(encode(request_id, 'hex')), '{}') from opened
        having count(*) < cardinality($1)) as opened,
       (select array_agg(encode(signed_id, 'hex')) from replayed) as replayed`;

/** The lock comes first, so that the next statement sees claims and rounds as they are behind it. */
const LOCK = `
select 1 from ingest.claim where request_id = any($1::bytea[]) order by request_id for update`;

/** Takes over the claims whose lease ran out, and shows all of them as they were before. */
const RESOLVE = `
with stood as (
  select claim.*, claim.round_id <> 0 and r.round_id is null as done,
         coalesce(r.lease_until > now(), false) as leased
  from ingest.claim left join ingest.claim_round r using (round_id)
  where request_id = any($1::bytea[])
), taken as (
  update ingest.claim set attempt = claim.attempt + 1, round_id = $3
  from stood join unnest($1::bytea[], $2::bytea[]) as asked (request_id, body_sha256)
    using (request_id, body_sha256)
  where claim.request_id = stood.request_id and not stood.done and not stood.leased
  returning claim.request_id
)
select encode(request_id, 'hex') as request_id, encode(body_sha256, 'hex') as body_sha256,
       received_time, attempt, answer, done, taken.request_id is not null as taken_over
from stood left join taken using (request_id)`;

const COMPLETE = 'delete from ingest.claim_round where round_id = any($1::bigint[])';

const RELEASE = `
with back as (
  select claim.request_id
  from ingest.claim join unnest($1::bytea[], $2::bigint[]) as mine (request_id, round_id)
    using (request_id, round_id)
  order by request_id for update of claim
)
update ingest.claim set round_id = 0 from back where claim.request_id = back.request_id`;

/** The statements over one pool. They reject with a Fault of the database. */
export function createStatements(pool: Pool, options: ClaimOptions): Statements {
  return {
    open: async (batch, finished) => {
      const values = [
        ...leaderColumns(batch.leaders),
        ...signerColumns(batch.signers),
        rounds(finished),
        options.leaseS,
      ];
      const statement = { name: 'open', text: OPEN, values };
      const { row, committed } = await earlyRow<OpenRow>(pool, statement);
      return {
        roundId: row.round_id,
        requestIds: row.opened === null ? undefined : new Set(row.opened),
        replayed: new Set(row.replayed),
        committed,
      };
    },
    resolve: (requests, roundId) =>
      transaction(pool, async (client) => {
        const ids = hexColumn(requests.map(({ requestId }) => requestId));
        const bodies = hexColumn(requests.map(({ bodySha256 }) => bodySha256));
        await query(client, { name: 'lock', text: LOCK, values: [ids] });
        const resolve = { name: 'resolve', text: RESOLVE, values: [ids, bodies, roundId] };
        const rows = await query<ClaimRow>(client, resolve);
        return new Map(rows.map((row) => [row.request_id, row]));
      }),
    complete: async (finished) => {
      await query(pool, { name: 'complete', text: COMPLETE, values: [rounds(finished)] });
    },
    release: async (releases) => {
      const values = [
        hexColumn(releases.map(({ requestId }) => requestId)),
        rounds(releases.map(({ roundId }) => roundId)),
      ];
      await query(pool, { name: 'release', text: RELEASE, values });
    },
    sweep: () => sweep(pool, options.retentionH),
  };
}

interface OpenRow {
  readonly round_id: string;
  /** Null: all. */
  readonly opened: readonly string[] | null;
  readonly replayed: readonly string[] | null;
}

async function query<Row extends object>(
  on: Pool | PoolClient,
  statement: NamedStatement,
): Promise<readonly Row[]> {
  try {
    return (await on.query({ ...statement, values: [...statement.values] })).rows as Row[];
  } catch (error) {
    throw classify(error);
  }
}

/** Ids as one parameter; a missing one is the empty bytes, which no id equals. */
function hexColumn(ids: readonly (string | undefined)[]): Buffer {
  return binaryArray(
    'hex',
    ids.map((id) => id ?? ''),
  );
}

function rounds(ids: readonly string[]): Buffer {
  return binaryArray(
    'bigint',
    ids.map((id) => BigInt(id)),
  );
}

function leaderColumns(leaders: readonly ClaimRequest[]): readonly unknown[] {
  return [
    hexColumn(leaders.map(({ requestId }) => requestId)),
    hexColumn(leaders.map(({ bodySha256 }) => bodySha256)),
    binaryArray(
      'text',
      leaders.map(({ answer }) => answer),
    ),
    binaryArray(
      'instant',
      leaders.map(({ receivedTime }) => receivedTime),
    ),
    hexColumn(leaders.map(({ signed }) => signed?.id)),
  ];
}

function signerColumns(signers: readonly ClaimRequest[]): readonly unknown[] {
  return [
    hexColumn(signers.map(({ signed }) => signed?.id)),
    hexColumn(signers.map(({ requestId }) => requestId)),
    binaryArray(
      'instant',
      signers.map(({ signed }) => signed?.endsTime),
    ),
  ];
}

async function sweep(pool: Pool, retentionH: number): Promise<number> {
  const swept = async (name: string, text: string, values: readonly unknown[]): Promise<number> => {
    const began = performance.now();
    const [row] = await query<{ count: number }>(pool, { name, text, values });
    const count = row?.count ?? 0;
    if (count < SWEEP_ROWS) return count;
    await delay(SWEEP_PAUSE * (performance.now() - began), undefined, { ref: false });
    return count + (await swept(name, text, values));
  };
  await swept(
    'sweep signatures',
    `with gone as (
       delete from ingest.signature where ctid = any(array(
         select ctid from ingest.signature where ends_at < now() limit $1)) returning 1)
     select count(*)::integer as count from gone`,
    [SWEEP_ROWS],
  );
  const claims = await swept(
    'sweep claims',
    `with gone as (
       delete from ingest.claim where ctid = any(array(
         select ctid from ingest.claim
         where created_at < now() - make_interval(hours => $2) limit $1))
       returning 1)
     select count(*)::integer as count from gone`,
    [SWEEP_ROWS, retentionH],
  );
  // Of crashes. An hour later than their claims: a claim without its round counts as done.
  await swept(
    'sweep rounds',
    `with gone as (
       delete from ingest.claim_round where ctid = any(array(
         select ctid from ingest.claim_round
         where lease_until < now() - make_interval(hours => $2 + 1) limit $1))
       returning 1)
     select count(*)::integer as count from gone`,
    [SWEEP_ROWS, retentionH],
  );
  return claims;
}
