import { toInstant } from '@waybill/postgres';
import type { IngestMetrics } from '../metrics.ts';
import type { Claim, ClaimRequest } from '../ports.ts';
import { followerClaim, planBatch, type ClaimBatch } from './claim-batch.ts';
import type { ClaimRow } from './claim-repeats.ts';
import type { ClaimRounds } from './claim-rounds.ts';
import { bodyId } from './claim-rows.ts';
import type { Statements } from './claim-statements.ts';

/** All requests, as many statements as it takes; each settles at least its leaders. */
export async function claimAll(
  requests: readonly ClaimRequest[],
  claiming: Claiming,
): Promise<void> {
  const { statements, settled } = claiming;
  for (const request of await statements.former(requests)) {
    settled.set(request, { kind: 'replayed' });
  }
  let open = requests.filter((request) => !settled.has(request));
  while (open.length > 0) {
    // Each needs the answer of the one before.
    // oxlint-disable-next-line eslint/no-await-in-loop
    await claiming.committed;
    // oxlint-disable-next-line eslint/no-await-in-loop
    await claimBatch(planBatch(open), claiming);
    open = open.filter((request) => !settled.has(request));
  }
}

/** A batch on its way. */
export interface Claiming {
  readonly statements: Statements;
  readonly rounds: ClaimRounds;
  readonly settled: Map<ClaimRequest, Claim>;
  /** Of the last statement; those before are committed. */
  committed: Promise<void>;
  readonly metrics: Pick<IngestMetrics, 'step'> | undefined;
}

async function claimBatch(batch: ClaimBatch, claiming: Claiming): Promise<void> {
  const { rounds, settled } = claiming;
  const { roundId, requestIds, committed } = await opened(batch, claiming);
  claiming.committed = committed;
  const granted: ClaimRequest[] = [];
  const taken: ClaimRequest[] = [];
  for (const leader of batch.leaders) {
    if (requestIds === undefined || requestIds.has(leader.requestId)) {
      const { receivedTime } = leader;
      settled.set(leader, { kind: 'granted', attempt: 1, receivedTime, committed });
      granted.push(leader);
    } else taken.push(leader);
  }
  try {
    if (taken.length + batch.followers.length > 0) {
      granted.push(...(await settleRepeats({ batch, taken, roundId }, claiming)));
    }
  } finally {
    rounds.add(roundId, granted);
  }
}

interface Repeats {
  readonly batch: ClaimBatch;
  /** Leaders whose key or signed bytes somebody has. */
  readonly taken: readonly ClaimRequest[];
  readonly roundId: string;
}

/** Returns those that took over a claim. */
async function settleRepeats(
  { batch, taken, roundId }: Repeats,
  { statements, rounds, settled, committed }: Claiming,
): Promise<readonly ClaimRequest[]> {
  // A claim of a round that others cannot see yet would count as done.
  await committed;
  const replayed = await statements.bind([...taken, ...batch.followers]);
  const granted: ClaimRequest[] = [];
  const known = taken.filter((request) => !replayed.has(request));
  const rows = known.length === 0 ? undefined : await statements.resolve(known, roundId);
  for (const request of taken) {
    const claim: Claim = replayed.has(request)
      ? { kind: 'replayed' }
      : claimOf(request, rows?.get(request.requestId), rounds);
    settled.set(request, claim);
    if (claim.kind === 'granted') granted.push(request);
  }
  settleFollowers(batch, settled, replayed);
  return granted;
}

/** Opens what is new and tells the database which rounds are finished. */
async function opened(
  { leaders }: ClaimBatch,
  { statements, rounds, metrics }: Claiming,
): ReturnType<Statements['open']> {
  const finished = rounds.takeFinished();
  const began = performance.now();
  try {
    const result = await statements.open(leaders, finished);
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
  replayed: ReadonlySet<ClaimRequest>,
): void {
  const byId = new Map(leaders.map((leader) => [leader.requestId, leader]));
  for (const follower of followers) {
    const leader = byId.get(follower.requestId);
    const claim = leader && settled.get(leader);
    if (replayed.has(follower)) settled.set(follower, { kind: 'replayed' });
    else if (leader !== undefined && claim !== undefined) {
      const own = followerClaim(leader, claim, follower);
      if (own !== undefined) settled.set(follower, own);
    }
  }
}

function claimOf(request: ClaimRequest, row: ClaimRow | undefined, rounds: ClaimRounds): Claim {
  // The sweep removed it meanwhile; the sender's retry starts afresh.
  if (row === undefined) return { kind: 'running' };
  if (row.body_id !== bodyId(request)) return { kind: 'other_body' };
  if (row.done) return { kind: 'done' };
  if (row.taken_over) {
    const receivedTime = toInstant(row.received_time);
    // Taking over waited for the disk.
    return {
      kind: 'granted',
      attempt: row.attempt + 1,
      receivedTime,
      committed: Promise.resolve(),
    };
  }
  return { kind: rounds.isCompleted(request.requestId) ? 'done' : 'running' };
}
