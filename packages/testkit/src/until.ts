import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 60 s: a deadline is for what never happens, not for what is slow. */
  readonly deadlineMs?: number;
  /** Pause between two looks, default 25 ms; 0 = look at every turn of the event loop. */
  readonly everyMs?: number;
  /** Ends the waiting with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Waits until `condition` gives anything but false and undefined, and returns that. What it throws
 * counts as "not yet". After the deadline throws an error that names `what` and the last error.
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions = {},
): Promise<T> {
  const { deadlineMs = 60_000, everyMs = 25, signal } = options;
  const end = performance.now() + deadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    let lastError: unknown;
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > end) {
      const why = lastError instanceof Error ? `: ${lastError.message}` : '';
      throw new Error(`waited ${deadlineMs / 1000} s for ${what}${why}`, { cause: lastError });
    }
    await (everyMs === 0 ? turn() : delay(everyMs));
  }
}
