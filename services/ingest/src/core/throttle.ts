import {
  refilled,
  secondsToFull,
  secondsToToken,
  type Bucket,
  type BucketLimit,
} from './token-bucket.ts';

/** A limit that applies to a request, under the name that the sender sees. */
export interface Policy {
  readonly name: 'source' | 'tenant';
  /** Whose bucket. */
  readonly owner: string;
  readonly limit: BucketLimit;
}

/** What the limits say to one request. */
export interface Throttled {
  readonly allowed: boolean;
  /** Names of the limits that are used up. */
  readonly violated: readonly Policy['name'][];
  /** Seconds until the request may come again; 0 when it is allowed. */
  readonly retryAfterS: number;
  /** `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Takes one token of every policy's bucket, or of none: a request that one limit refuses must not use up
 * the other. `buckets` is changed in place.
 */
export function throttle(
  buckets: Map<string, Bucket>,
  policies: readonly Policy[],
  now: number,
): Throttled {
  const states = policies.map((policy) => {
    const id = `${policy.name} ${policy.owner}`;
    return { policy, id, bucket: refilled(buckets.get(id), policy.limit, now) };
  });
  const violated = states.filter(({ bucket }) => bucket.tokens < 1);
  const allowed = violated.length === 0;
  const after = states.map(({ policy, id, bucket }) => {
    const left = allowed ? { ...bucket, tokens: bucket.tokens - 1 } : bucket;
    buckets.set(id, left);
    return { policy, bucket: left };
  });
  return {
    allowed,
    violated: violated.map(({ policy }) => policy.name),
    retryAfterS: Math.max(
      0,
      ...violated.map(({ bucket, policy }) => secondsToToken(bucket, policy.limit)),
    ),
    headers: {
      'ratelimit-policy': after.map(({ policy }) => policyItem(policy)).join(', '),
      ratelimit: after.map(({ policy, bucket }) => stateItem(policy, bucket)).join(', '),
    },
  };
}

/** q = requests, w = seconds in which they come back. */
function policyItem({ name, limit }: Policy): string {
  const window = Math.max(1, Math.ceil(limit.burst / limit.requests_per_s));
  return `"${name}";q=${limit.burst};w=${window}`;
}

/** r = requests left, t = seconds until all are there again. */
function stateItem({ name, limit }: Policy, bucket: Bucket): string {
  return `"${name}";r=${Math.floor(bucket.tokens)};t=${secondsToFull(bucket, limit)}`;
}
