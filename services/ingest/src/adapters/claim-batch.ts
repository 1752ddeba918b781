import type { Claim, ClaimRequest } from '../ports.ts';

/** What one statement can claim: no key and no signed bytes twice. */
export interface ClaimBatch {
  /** The first request of each key: it may get the claim. */
  readonly leaders: readonly ClaimRequest[];
  /** Further requests with the key of a leader: their signed bytes are bound, their claim is not tried. */
  readonly followers: readonly ClaimRequest[];
  /** One request per signed bytes. */
  readonly signers: readonly ClaimRequest[];
  /** For the next statement: the same signed bytes under another key. */
  readonly deferred: readonly ClaimRequest[];
}

/** Splits requests so that one statement can carry them out. */
export function planBatch(requests: readonly ClaimRequest[]): ClaimBatch {
  const leaders = new Map<string, ClaimRequest>();
  const signers = new Map<string, ClaimRequest>();
  const followers: ClaimRequest[] = [];
  const deferred: ClaimRequest[] = [];
  for (const request of requests) {
    const signedId = request.signed?.id;
    const signer = signedId === undefined ? undefined : signers.get(signedId);
    if (signer !== undefined && signer.requestId !== request.requestId) {
      deferred.push(request);
      continue;
    }
    if (signedId !== undefined && signer === undefined) signers.set(signedId, request);
    if (leaders.has(request.requestId)) followers.push(request);
    else leaders.set(request.requestId, request);
  }
  return { leaders: [...leaders.values()], followers, signers: [...signers.values()], deferred };
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
