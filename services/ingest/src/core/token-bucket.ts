/** How much may come: a steady rate, and how much of it at once. */
export interface BucketLimit {
  readonly requests_per_s: number;
  readonly burst: number;
}

/** What is left of a burst as of a moment; refills at the limit's rate. */
export interface Bucket {
  readonly tokens: number;
  /** ms since epoch. */
  readonly time: number;
}

/** The bucket as of `now`. A clock that goes back refills nothing; a smaller limit takes effect at once. */
export function refilled(bucket: Bucket | undefined, limit: BucketLimit, now: number): Bucket {
  if (bucket === undefined) return { tokens: limit.burst, time: now };
  const passedS = Math.max(0, now - bucket.time) / 1000;
  const tokens = Math.min(limit.burst, bucket.tokens + passedS * limit.requests_per_s);
  return { tokens, time: Math.max(now, bucket.time) };
}

/** Whole seconds until the bucket holds one token again; 0 = now. */
export function secondsToToken(bucket: Bucket, limit: BucketLimit): number {
  return Math.max(0, Math.ceil((1 - bucket.tokens) / limit.requests_per_s));
}

/** Whole seconds until the bucket is full again. */
export function secondsToFull(bucket: Bucket, limit: BucketLimit): number {
  return Math.max(0, Math.ceil((limit.burst - bucket.tokens) / limit.requests_per_s));
}
