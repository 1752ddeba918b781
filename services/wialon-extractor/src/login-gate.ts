import type { Clock } from './ports.ts';

const WINDOW_MS = 60_000;
/** The provider allows 120 logins and 10 failed ones per minute and address; others may share ours. */
const MAX_LOGINS = 60;
const MAX_FAILED = 5;
/** A provider that does not answer is not asked more often, however many accounts wait for it. */
const MAX_UNANSWERED = 10;
/** An account whose last login failed leaves so many of them to those that may be well. */
const KEPT_FREE = 2;
/** While so many logins are on their way that all together could fail too often. */
const UNDER_WAY_MS = 100;

/** A login that is allowed. */
export interface LoginTurn {
  /** To be called once; until then it may still be refused. */
  readonly end: (outcome: 'accepted' | 'refused' | 'unanswered') => void;
}

/** Keeps all accounts of the process together below the provider's limits on logins. */
export interface LoginGate {
  /** Resolves when a login at this host is allowed. `isAgain`: the account's last one failed. */
  readonly enter: (url: string, isAgain: boolean, signal: AbortSignal) => Promise<LoginTurn>;
}

interface Recent {
  logins: number[];
  failures: number[];
  unanswered: number[];
  underWay: number;
}

/** One gate per process. Limits per host in 60 s: 60 logins, 5 refused and 10 unanswered ones. */
export function createLoginGate(clock: Clock): LoginGate {
  const hosts = new Map<string, Recent>();

  function recentOf(host: string): Recent {
    const since = clock.now() - WINDOW_MS;
    const recent = hosts.get(host) ?? { logins: [], failures: [], unanswered: [], underWay: 0 };
    recent.logins = recent.logins.filter((at) => at > since);
    recent.failures = recent.failures.filter((at) => at > since);
    recent.unanswered = recent.unanswered.filter((at) => at > since);
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

  function waitFor(recent: Recent, isAgain: boolean): number {
    const { logins, failures, unanswered, underWay } = recent;
    const limit = isAgain ? MAX_FAILED - KEPT_FREE : MAX_FAILED;
    const heldMs = Math.max(
      heldFor(logins, MAX_LOGINS),
      heldFor(failures, limit),
      heldFor(unanswered, MAX_UNANSWERED),
    );
    // Whoever is under way may still fail, and then it would have been one too many.
    const isFull =
      failures.length + underWay >= limit || unanswered.length + underWay >= MAX_UNANSWERED;
    return heldMs === 0 && isFull ? UNDER_WAY_MS : heldMs;
  }

  function begin(recent: Recent): LoginTurn {
    recent.logins.push(clock.now());
    recent.underWay += 1;
    return {
      end: (outcome) => {
        recent.underWay -= 1;
        if (outcome === 'refused') recent.failures.push(clock.now());
        if (outcome === 'unanswered') recent.unanswered.push(clock.now());
      },
    };
  }

  return {
    enter: async (url, isAgain, signal) => {
      const { host } = new URL(url);
      for (;;) {
        const recent = recentOf(host);
        const waitMs = waitFor(recent, isAgain);
        if (waitMs === 0) return begin(recent);
        await clock.wait(waitMs, signal);
      }
    },
  };
}
