import { toInstant, type Pool } from '@waybill/postgres';
import type { Claim, ClaimRequest, ClaimStore, Logger } from '../ports.ts';
import type { IngestMetrics } from '../metrics.ts';
import { createBatches } from './batches.ts';
import { followerClaim, planBatch, type ClaimBatch } from './claim-batch.ts';
import { claimRounds, type ClaimRounds } from './claim-rounds.ts';
import {
  createStatements,
  type ClaimOptions,
  type ClaimRow,
  type Statements,
} from './claim-statements.ts';

/** Requests per statement; more wait for the next one. */
const BATCH_REQUESTS = 500;
/**
 * So many, if the last statement had no more, do not wait for its commit: the next one runs while claims go to
 * disk. Fewer would cost the database more than they hasten.
 */
const BATCH_AHEAD = 16;
const DONE = Promise.resolve();
/** How long the end of a round waits for a statement that takes it along. */
const END_DELAY_MS = 5;

/**
 * Claims in PostgreSQL. A claim is *open* (its round stands, with a lease; or round 0: given back) or
 * *done* (its round is gone).
 *
 * new → open → done; open with an old lease → open again for the next request, attempt + 1. All times
 * are the database's, so instances with different clocks agree on leases.
 *
 * Requests that come together share a statement and its commit, which also ends the rounds that were
 * finished since the last one; alone that is done only when no request waits. A batch takes its locks in
 * the order of the ids, signatures before claims, so two instances cannot wait for each other; a batch whose
 * commit is under way waits for nobody, so one that meets its keys only waits for the disk.
 */
export function postgresClaims(
  pool: Pool,
  options: ClaimOptions,
  logger: Pick<Logger, 'warn'>,
  metrics?: Pick<IngestMetrics, 'step'>,
): ClaimStore {
  const statements = createStatements(pool, options);
  const rounds = claimRounds();
  const claims = createBatches({
    maximum: BATCH_REQUESTS,
    run: async (requests: readonly ClaimRequest[]) => {
      const settled = new Map<ClaimRequest, Claim>();
      const claiming: Claiming = { statements, rounds, settled, committed: DONE, metrics };
      try {
        await claimAll(requests, claiming);
      } catch (error) {
        // All of the batch are told that it failed, those with a claim, too.
        for (const [{ requestId }, { kind }] of settled) {
          if (kind === 'granted') release(requestId).catch(() => undefined);
        }
        throw error;
      } finally {
        endSoon();
      }
      return claiming;
    },
    ended: ({ committed }) => committed,
    ahead: BATCH_AHEAD,
  });
  const releases = createBatches({
    maximum: BATCH_REQUESTS,
    run: statements.release,
  });
  let ending: NodeJS.Timeout | undefined;
  let closed = false;

  async function release(requestId: string): Promise<void> {
    const roundId = rounds.roundOf(requestId);
    if (roundId === undefined) return;
    try {
      await releases.add({ requestId, roundId });
      rounds.giveBack(requestId, true);
      endSoon();
    } catch (error) {
      rounds.giveBack(requestId, false);
      throw error;
    }
  }

  async function endRounds(): Promise<void> {
    const finished = rounds.takeFinished();
    if (finished.length === 0) return;
    try {
      await statements.complete(finished);
      rounds.ended(finished);
    } catch (error) {
      // Told again with the next claims. Until then other instances take these claims for leased.
      rounds.putBack(finished);
      logger.warn({ rounds: finished.length, err: error }, 'claim.complete_failed');
    }
  }

  /** Unless claims come meanwhile: their statement takes the news along. */
  function endSoon(): void {
    if (closed || ending !== undefined || !rounds.hasFinished()) return;
    ending = setTimeout(() => {
      ending = undefined;
      if (claims.size() === 0) void endRounds();
    }, END_DELAY_MS);
  }

  return {
    claim: async (request) => {
      const { settled } = await claims.add(request);
      // The loop of `claimAll` ends only when all are settled.
      return settled.get(request) as Claim;
    },
    complete: (requestId) => {
      rounds.complete(requestId);
      endSoon();
    },
    release,
    close: async () => {
      closed = true;
      clearTimeout(ending);
      await endRounds();
    },
    sweep: statements.sweep,
  };
}

/**
 * Settings that every connection of the claims' pool must have. The statements are planned once per
 * connection, often while the tables are new and small; a scan of the whole table that was right then
 * would be kept while the table grows, until the statistics are next collected.
 */
export const claimSettings: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  plan_cache_mode: 'force_generic_plan',
};

/** All requests, as many statements as it takes; each settles at least its first request. */
async function claimAll(requests: readonly ClaimRequest[], claiming: Claiming): Promise<void> {
  let open = requests;
  while (open.length > 0) {
    // Each needs the answer of the one before.
    // oxlint-disable-next-line eslint/no-await-in-loop
    await claiming.committed;
    // oxlint-disable-next-line eslint/no-await-in-loop
    await claimBatch(planBatch(open), claiming);
    open = open.filter((request) => !claiming.settled.has(request));
  }
}

interface Claiming {
  readonly statements: Statements;
  readonly rounds: ClaimRounds;
  readonly settled: Map<ClaimRequest, Claim>;
  /** Of the last statement; those before are committed. */
  committed: Promise<void>;
  readonly metrics: Pick<IngestMetrics, 'step'> | undefined;
}

async function claimBatch(batch: ClaimBatch, claiming: Claiming): Promise<void> {
  const { statements, rounds, settled } = claiming;
  const { roundId, requestIds, replayed, committed } = await opened(batch, claiming);
  claiming.committed = committed;
  const isReplay = ({ signed }: ClaimRequest): boolean =>
    signed !== undefined && replayed.has(signed.id);
  const granted: ClaimRequest[] = [];
  const taken: ClaimRequest[] = [];
  for (const leader of batch.leaders) {
    if (isReplay(leader)) settled.set(leader, { kind: 'replayed' });
    else if (requestIds === undefined || requestIds.has(leader.requestId)) {
      const { receivedTime } = leader;
      settled.set(leader, { kind: 'granted', attempt: 1, receivedTime, committed });
      granted.push(leader);
    } else taken.push(leader);
  }
  try {
    if (taken.length > 0) {
      // A claim of a round that others cannot see yet would count as done.
      await committed;
      const rows = await statements.resolve(taken, roundId);
      for (const request of taken) {
        const claim = claimOf(request, rows.get(request.requestId), rounds);
        settled.set(request, claim);
        if (claim.kind === 'granted') granted.push(request);
      }
    }
  } finally {
    rounds.add(roundId, granted);
  }
  settleFollowers(batch, settled, isReplay);
}

/** Opens what is new and tells the database which rounds are finished. */
async function opened(
  batch: ClaimBatch,
  { statements, rounds, metrics }: Claiming,
): ReturnType<Statements['open']> {
  const finished = rounds.takeFinished();
  const began = performance.now();
  try {
    const result = await statements.open(batch, finished);
    const claimed = performance.now();
    metrics?.step('claim', (claimed - began) / 1000);
    result.committed.then(
      () => {
        rounds.ended(finished);
        metrics?.step('commit', (performance.now() - claimed) / 1000);
      },
      () => rounds.putBack(finished),
    );
    return result;
  } catch (error) {
    rounds.putBack(finished);
    throw error;
  }
}

function settleFollowers(
  { leaders, followers }: ClaimBatch,
  settled: Map<ClaimRequest, Claim>,
  isReplay: (request: ClaimRequest) => boolean,
): void {
  if (followers.length === 0) return;
  const byId = new Map(leaders.map((leader) => [leader.requestId, leader]));
  for (const follower of followers) {
    const leader = byId.get(follower.requestId);
    const claim = leader && settled.get(leader);
    if (isReplay(follower)) settled.set(follower, { kind: 'replayed' });
    else if (leader !== undefined && claim !== undefined) {
      const own = followerClaim(leader, claim, follower);
      if (own !== undefined) settled.set(follower, own);
    }
  }
}

function claimOf(request: ClaimRequest, row: ClaimRow | undefined, rounds: ClaimRounds): Claim {
  // The sweep removed it between the two statements; the sender's retry starts afresh.
  if (row === undefined) return { kind: 'running' };
  if (row.body_sha256 !== request.bodySha256) return { kind: 'other_body' };
  if (row.done) return { kind: 'done', answer: row.answer };
  if (row.taken_over) {
    const receivedTime = toInstant(row.received_time);
    // Taking over waited for the disk.
    return { kind: 'granted', attempt: row.attempt + 1, receivedTime, committed: DONE };
  }
  const completed = rounds.completed(request.requestId);
  return completed === undefined ? { kind: 'running' } : { kind: 'done', answer: completed.answer };
}
