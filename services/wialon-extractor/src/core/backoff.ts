const FIRST_MS = 1000;
const CAP_MS = 60_000;
const JITTER = 0.3;

/**
 * Wait before try `attempt` + 1 in ms: 1, 2, 4, 8 … capped at 60 s, shortened by up to 30 % so that many
 * accounts that failed together do not come back together. `random` is in [0, 1).
 * Cumulated, without jitter: 1, 3, 7, 15, 31, 63, 123, 183 s …
 */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full * (1 - JITTER * random));
}

/** Wait after a limit answer: up to 1 s per try, fully random. */
export function jitterMs(attempt: number, random: number): number {
  return Math.round(Math.min(CAP_MS, 1000 * (attempt + 1)) * random);
}
