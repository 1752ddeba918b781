import {
  binaryArray,
  earlyRow,
  isDeadlock,
  isDuplicate,
  type EarlyRow,
  type NamedStatement,
  type Pool,
} from '@waybill/postgres';
import type { ClaimRequest } from '../ports.ts';
import { bindSigned, resolveClaims, type ClaimRow } from './claim-repeats.ts';
import { bodyId, idColumn, query, requestIdOf, signedId } from './claim-rows.ts';
import { sweepClaims } from './claim-sweep.ts';
import { formerSignatures } from './former-signatures.ts';

/** So long after a statement that met a known key, the next ones expect more of them: retries come in crowds. */
const REPEATS_MS = 10_000;
/** Tries of a statement that met others crosswise. */
const DEADLOCK_TRIES = 3;

/** Of the store. */
export interface ClaimOptions {
  readonly leaseS: number;
  readonly retentionH: number;
}

/** Ids of rounds are texts here: they count up to 2^63. */
export interface Statements {
  /** Those whose signed bytes belong to another key since before the update to one row per claim. */
  readonly former: (requests: readonly ClaimRequest[]) => Promise<ReadonlySet<ClaimRequest>>;
  /** Requests with different keys, in the order of their ids. */
  readonly open: (
    requests: readonly ClaimRequest[],
    finished: readonly string[],
  ) => Promise<Opened>;
  /** Those whose signed bytes belong to another key; what nobody has is bound. */
  readonly bind: (requests: readonly ClaimRequest[]) => Promise<ReadonlySet<ClaimRequest>>;
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
  /** Undefined: all. */
  readonly requestIds: ReadonlySet<string> | undefined;
  /** All of it is on disk; until then others who want the same keys or bytes wait. */
  readonly committed: Promise<void>;
}

/**
 * Ends the rounds that are finished, then opens the claims of which nobody has the key or the signed bytes. One row
 * comes back, with a list only where something is out of the ordinary.
 */
const openText = (onConflict: string): string => `
with finished as (
  delete from ingest.claim_round where round_id = any($5::bigint[])
), round as (
  insert into ingest.claim_round (lease_until) values (now() + make_interval(secs => $6))
  returning round_id
), opened as (
  insert into ingest.claim (signed_id, request_id, body_id, received_time, round_id)
  select signed_id, request_id, body_id, received_time, (select round_id from round)
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])
    as asked (signed_id, request_id, body_id, received_time)
  ${onConflict}
  returning request_id
)
select (select round_id from round) as round_id,
       (select coalesce(array_agg(replace(request_id::text, '-', '')), '{}') from opened
        having count(*) < cardinality($1)) as opened`;

/** Fails as a whole when somebody has one of the keys, and costs the database an eighth less. */
const OPEN_NEW = openText('');
const OPEN = openText('on conflict do nothing');

const COMPLETE = 'delete from ingest.claim_round where round_id = any($1::bigint[])';

const RELEASE = `
with back as (
  select claim.request_id
  from ingest.claim join unnest($1::uuid[], $2::bigint[]) as mine (request_id, round_id)
    using (request_id, round_id)
  order by request_id for update of claim
)
update ingest.claim set round_id = 0 from back where claim.request_id = back.request_id`;

/** The statements over one pool. They reject with a Fault of the database. */
export function createStatements(pool: Pool, options: ClaimOptions): Statements {
  let repeatsUntil = 0;
  const open = async (values: readonly unknown[]): Promise<EarlyRow<OpenRow>> => {
    if (performance.now() >= repeatsUntil) {
      try {
        return await opened(pool, { name: 'open new', text: OPEN_NEW, values });
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        repeatsUntil = performance.now() + REPEATS_MS;
      }
    }
    return opened(pool, { name: 'open', text: OPEN, values });
  };
  return {
    former: formerSignatures(pool),
    open: async (requests, finished) => {
      const values = [
        idColumn(requests, signedId),
        idColumn(requests, requestIdOf),
        idColumn(requests, bodyId),
        binaryArray(
          'instant',
          requests.map(({ receivedTime }) => receivedTime),
        ),
        rounds(finished),
        options.leaseS,
      ];
      const { row, committed } = await open(values);
      return {
        roundId: row.round_id,
        requestIds: row.opened === null ? undefined : new Set(row.opened),
        committed,
      };
    },
    bind: (requests) => bindSigned(pool, requests),
    resolve: (requests, roundId) => resolveClaims(pool, requests, roundId),
    complete: async (finished) => {
      await query(pool, { name: 'complete', text: COMPLETE, values: [rounds(finished)] });
    },
    release: async (releases) => {
      const values = [
        binaryArray(
          'uuid',
          releases.map(({ requestId }) => requestId),
        ),
        rounds(releases.map(({ roundId }) => roundId)),
      ];
      await query(pool, { name: 'release', text: RELEASE, values });
    },
    sweep: () => sweepClaims(pool, options.retentionH),
  };
}

interface OpenRow {
  readonly round_id: string;
  /** Null: all. */
  readonly opened: readonly string[] | null;
}

/**
 * Two statements wait for each other only over replays: a batch holds a key and wants signed bytes that the other
 * holds under another key, and the other wants that key. The database ends one of them after a second.
 */
async function opened(
  pool: Pool,
  statement: NamedStatement,
  tries = DEADLOCK_TRIES,
): Promise<EarlyRow<OpenRow>> {
  try {
    return await earlyRow<OpenRow>(pool, statement);
  } catch (error) {
    if (tries <= 1 || !isDeadlock(error)) throw error;
    return opened(pool, statement, tries - 1);
  }
}

function rounds(ids: readonly string[]): Buffer {
  return binaryArray(
    'bigint',
    ids.map((id) => BigInt(id)),
  );
}
