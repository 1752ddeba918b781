import type { Claim, ClaimRequest } from '../ports.ts';

/** What one statement can claim: no key twice. */
export interface ClaimBatch {
  /** The first request of each key: it may get the claim. By their ids, the order in which they are locked. */
  readonly leaders: readonly ClaimRequest[];
  /** Further requests with the key of a leader: their claim is not tried. */
  readonly followers: readonly ClaimRequest[];
}

/** Splits requests so that one statement can carry them out. */
export function planBatch(requests: readonly ClaimRequest[]): ClaimBatch {
  const leaders = new Map<string, ClaimRequest>();
  const followers: ClaimRequest[] = [];
  for (const request of requests) {
    if (leaders.has(request.requestId)) followers.push(request);
    else leaders.set(request.requestId, request);
  }
  const inOrder = [...leaders.values()].sort((a, b) => (a.requestId < b.requestId ? -1 : 1));
  return { leaders: inOrder, followers };
}

/**
 * What the leader's claim means for a follower that is no replay; undefined when it says nothing and the
 * follower has to try itself.
 */
export function followerClaim(
  leader: ClaimRequest,
  claim: Claim,
  follower: ClaimRequest,
): Claim | undefined {
  const sameBody = leader.bodySha256 === follower.bodySha256;
  switch (claim.kind) {
    case 'granted':
    case 'running':
      return { kind: sameBody ? 'running' : 'other_body' };
    case 'done':
      return sameBody ? claim : { kind: 'other_body' };
    case 'other_body':
      return sameBody ? claim : undefined;
    case 'replayed':
      return undefined;
  }
}
