import type { Clock } from './ports.ts';

const WINDOW_MS = 60_000;
/** The provider allows 120 logins and 10 failed ones per minute and address; others may share ours. */
const MAX_LOGINS = 60;
const MAX_FAILED = 5;

/** Keeps all accounts of the process together below the provider's limits on logins. */
export interface LoginGate {
  /** Resolves when a login at this host is allowed; it counts as begun. */
  readonly enter: (url: string, signal: AbortSignal) => Promise<void>;
  /** The login that was begun failed. */
  readonly failed: (url: string) => void;
}

interface Recent {
  logins: number[];
  failures: number[];
}

/** One gate per process. Limits per host: 60 logins and 5 failed ones in 60 s. */
export function createLoginGate(clock: Clock): LoginGate {
  const hosts = new Map<string, Recent>();

  function recentOf(url: string): Recent {
    const { host } = new URL(url);
    const since = clock.now() - WINDOW_MS;
    const known = hosts.get(host) ?? { logins: [], failures: [] };
    const recent = {
      logins: known.logins.filter((at) => at > since),
      failures: known.failures.filter((at) => at > since),
    };
    hosts.set(host, recent);
    return recent;
  }

  /** ms until the oldest of the newest `limit` entries leaves the window; 0 = free. */
  function heldFor(times: readonly number[], limit: number): number {
    const oldest = times.at(-limit);
    return times.length < limit || oldest === undefined
      ? 0
      : Math.max(1, oldest + WINDOW_MS - clock.now());
  }

  return {
    enter: async (url, signal) => {
      for (;;) {
        const { logins, failures } = recentOf(url);
        const waitMs = Math.max(heldFor(logins, MAX_LOGINS), heldFor(failures, MAX_FAILED));
        if (waitMs === 0) {
          logins.push(clock.now());
          return;
        }
        await clock.wait(waitMs, signal);
      }
    },
    failed: (url) => {
      recentOf(url).failures.push(clock.now());
    },
  };
}
