/** Resolves after `ms` milliseconds, or at once when the signal aborts. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** Doubling delay in milliseconds: `first`, 2·first, … up to `cap`. `attempt` counts from 0. */
export function backoff(attempt: number, first: number, cap: number): number {
  return Math.min(cap, first * 2 ** Math.min(attempt, 20));
}

/** Resolves when `work` has ended in either way, or after `ms`: stopping must not wait for ever. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timeout = new AbortController();
  await Promise.race([work.catch(() => undefined), delay(ms, timeout.signal)]);
  timeout.abort();
}
