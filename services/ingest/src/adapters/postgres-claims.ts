import { toInstant, type Pool } from '@waybill/postgres';
import type { Claim, ClaimRequest, ClaimStore } from '../ports.ts';
import { createBatches } from './batches.ts';
import { followerClaim, planBatch, signedIdOf, type ClaimBatch } from './claim-batch.ts';
import {
  createStatements,
  type ClaimOptions,
  type ClaimRow,
  type Statements,
} from './claim-statements.ts';

/** Requests per statement; more wait for the next one. */
const BATCH_REQUESTS = 500;

/**
 * Claims in PostgreSQL. A claim is *open* (leased, or its lease ran out) or *done* (has an answer).
 *
 * new → open → done; open with an old lease → open again for the next request, attempt + 1. All times
 * are the database's, so instances with different clocks agree on leases.
 *
 * Requests that come together share a statement and its commit. A batch takes its locks in the order of
 * the ids, signatures before claims, so two instances cannot wait for each other.
 */
export function postgresClaims(pool: Pool, options: ClaimOptions): ClaimStore {
  const statements = createStatements(pool, options);
  const claims = createBatches({
    maximum: BATCH_REQUESTS,
    run: (requests: readonly ClaimRequest[]) => claimAll(requests, statements),
  });
  const completions = createBatches({ maximum: BATCH_REQUESTS, run: statements.complete });
  return {
    claim: claims.add,
    complete: (requestId, answer) => completions.add({ requestId, answer }),
    release: statements.release,
    sweep: statements.sweep,
  };
}

/**
 * Settings that every connection of the claims' pool must have. The statements are planned once per
 * connection, often while the tables are new and small; a scan of the whole table that was right then
 * would be kept while the table grows, until the statistics are next collected.
 */
export const claimSettings: Readonly<Record<string, string>> = { enable_seqscan: 'off' };

/** All requests, as many rounds as it takes; each round settles at least its first request. */
async function claimAll(
  requests: readonly ClaimRequest[],
  statements: Statements,
): Promise<readonly Claim[]> {
  const settled = new Map<ClaimRequest, Claim>();
  let open = requests;
  while (open.length > 0) {
    // Each round needs the answer of the one before.
    // oxlint-disable-next-line eslint/no-await-in-loop
    await claimRound(planBatch(open), statements, settled);
    open = open.filter((request) => !settled.has(request));
  }
  // The loop ends only when all are settled.
  return requests.map((request) => settled.get(request) as Claim);
}

async function claimRound(
  batch: ClaimBatch,
  statements: Statements,
  settled: Map<ClaimRequest, Claim>,
): Promise<void> {
  const opened = await statements.open(batch);
  const isReplay = (request: ClaimRequest): boolean =>
    opened.replayed.has(signedIdOf(request) ?? '');
  const byId = new Map<string, ClaimRequest>();
  const taken: ClaimRequest[] = [];
  for (const leader of batch.leaders) {
    byId.set(leader.requestId, leader);
    if (isReplay(leader)) settled.set(leader, { kind: 'replayed' });
    else if (opened.requestIds.has(leader.requestId)) {
      settled.set(leader, { kind: 'granted', attempt: 1, receivedTime: leader.receivedTime });
    } else taken.push(leader);
  }
  if (taken.length > 0) {
    const rows = await statements.resolve(taken);
    for (const request of taken)
      settled.set(request, claimOf(request, rows.get(request.requestId)));
  }
  for (const follower of batch.followers) {
    const leader = byId.get(follower.requestId);
    const claim = leader && settled.get(leader);
    if (isReplay(follower)) settled.set(follower, { kind: 'replayed' });
    else if (leader !== undefined && claim !== undefined) {
      const own = followerClaim(leader, claim, follower);
      if (own !== undefined) settled.set(follower, own);
    }
  }
}

function claimOf(request: ClaimRequest, row: ClaimRow | undefined): Claim {
  // The sweep removed it between the two statements; the sender's retry starts afresh.
  if (row === undefined) return { kind: 'running' };
  if (row.body_sha256 !== request.bodySha256) return { kind: 'other_body' };
  if (row.answer_status !== null && row.answer_body !== null) {
    return { kind: 'done', answer: { status: row.answer_status, body: row.answer_body } };
  }
  if (!row.taken_over) return { kind: 'running' };
  return { kind: 'granted', attempt: row.attempt + 1, receivedTime: toInstant(row.received_time) };
}
