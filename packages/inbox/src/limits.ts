/**
 * All numbers of the delivery queue.
 *
 * Retry of one row: attempt 1, then up to 5 retries after 1, 2, 4, 8, 16 s (each up to 30 % longer, and
 * at most 60 s): the last one about 31–40 s after the first failure.
 *
 * | attempt | waits before it | since the first |
 * | ------- | --------------- | --------------- |
 * | 2       | 1 – 1.3 s       | 1 – 1.3 s       |
 * | 3       | 2 – 2.6 s       | 3 – 3.9 s       |
 * | 4       | 4 – 5.2 s       | 7 – 9.1 s       |
 * | 5       | 8 – 10.4 s      | 15 – 19.5 s     |
 * | 6       | 16 – 20.8 s     | 31 – 40.3 s     |
 */
export interface Limits {
  readonly retries: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** Share by which a delay may be longer, 0…0.3. */
  readonly jitter: number;
  /** How long a claim lasts when its worker dies, and so how long its lanes then stand still. */
  readonly leaseMs: number;
  /** Rows of one lane that are claimed at once. */
  readonly rowsPerLane: number;
  /** A misconfigured row is looked at again after this. */
  readonly pausedRecheckMs: number;
  /** The breaker opens after so many failures in a row … */
  readonly breakerFailures: number;
  /** … of so many different lanes. */
  readonly breakerLanes: number;
  readonly firstProbeMs: number;
  readonly longestProbeMs: number;
  /** Probes take turns over this many of the oldest lanes. */
  readonly probeLanes: number;
  /** Outbox rows that are published at once. */
  readonly outboxBatch: number;
}

export const DEFAULT_LIMITS: Limits = {
  retries: 5,
  firstRetryMs: 1000,
  longestRetryMs: 60_000,
  jitter: 0.3,
  leaseMs: 6_000,
  rowsPerLane: 16,
  pausedRecheckMs: 60_000,
  breakerFailures: 5,
  breakerLanes: 3,
  firstProbeMs: 1000,
  longestProbeMs: 30_000,
  probeLanes: 5,
  outboxBatch: 500,
};

/**
 * Delay before retry `n` (from 1) in ms: doubling, capped, up to `jitter` longer; `random` in 0…1. A
 * longer wish of the far end wins.
 */
export function retryDelayMs(
  n: number,
  random: number,
  limits: Limits,
  retryAfterMs: number | undefined,
): number {
  const plain = Math.min(limits.firstRetryMs * 2 ** (n - 1), limits.longestRetryMs);
  const delay = Math.min(plain * (1 + limits.jitter * random), limits.longestRetryMs);
  return Math.round(Math.max(delay, retryAfterMs ?? 0));
}
