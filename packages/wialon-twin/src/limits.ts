import { ApiError, errorCode } from './params.ts';
import type { Session } from './session.ts';

/** The provider's limits that a client can run into; wall time. */
export interface Limits {
  /** Calls at the same time per session. */
  readonly concurrent: number;
  /** Message-loading calls at the same time per session. */
  readonly heavy: number;
  /** avl_evts per session in 10 s. */
  readonly polls: number;
  /** Refused logins per address and minute; then the address waits out the minute. */
  readonly failedLogins: number;
  /** Logins per address and minute. */
  readonly logins: number;
  /** Live sessions per account. */
  readonly sessions: number;
  /** Messages that the sessions of an account hold loaded together; above it a load is too large (1004). */
  readonly messagesHeld: number;
  /** Messages that an account may load per time. */
  readonly messagesPer2Min: number;
  readonly messagesPerHour: number;
  readonly messagesPerDay: number;
  /** core/check_unique per account and minute. */
  readonly uniqueChecks: number;
  /** Reports that an account runs in 5 min. */
  readonly reportRuns: number;
}

export const documentedLimits: Limits = {
  concurrent: 10,
  heavy: 3,
  polls: 10,
  failedLogins: 10,
  logins: 120,
  sessions: 100,
  messagesHeld: 15_000_000,
  messagesPer2Min: 15_000_000,
  messagesPerHour: 200_000_000,
  messagesPerDay: 1_000_000_000,
  uniqueChecks: 30,
  reportRuns: 200,
};

const MINUTE_MS = 60_000;
/** A client that polls once a second is allowed; 100 ms forgive the jitter of its arrivals. */
const POLL_WINDOW_MS = 9_900;

/** Throws the limit error unless the session may poll now; counts the poll. */
export function admitPoll(session: Session, limits: Limits, nowMs: number): void {
  session.polls = session.polls.filter((at) => at > nowMs - POLL_WINDOW_MS);
  if (session.polls.length >= limits.polls) {
    throw new ApiError(errorCode.limit, 'LIMIT avl_evts');
  }
  session.polls.push(nowMs);
}

/** Takes one of the session's places for concurrent calls; call the result to give it back. */
export function admitCall(session: Session, limits: Limits): () => void {
  if (session.concurrent >= limits.concurrent) {
    throw new ApiError(errorCode.limit, 'LIMIT api_concurrent');
  }
  session.concurrent++;
  return () => {
    session.concurrent--;
  };
}

/** As admitCall for calls that load messages; those that share the loader exclude each other. */
export function admitHeavy(session: Session, limits: Limits, sharesLoader: boolean): () => void {
  if (session.heavy >= limits.heavy) throw new ApiError(errorCode.limit, 'LIMIT api_concurrent');
  if (sharesLoader && session.loading) throw new ApiError(errorCode.limit, 'LOCKER_ERROR');
  session.heavy++;
  if (sharesLoader) session.loading = true;
  return () => {
    session.heavy--;
    if (sharesLoader) session.loading = false;
  };
}

/** Counts logins per client address. */
export class LoginGuard {
  readonly #limits: Limits;
  readonly #failed = new Map<string, number[]>();
  readonly #succeeded = new Map<string, number[]>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Throws when the address may not log in now. */
  admit(address: string, nowMs: number): void {
    const blocked = this.#recent(this.#failed, address, nowMs) >= this.#limits.failedLogins;
    const busy = this.#recent(this.#succeeded, address, nowMs) >= this.#limits.logins;
    if (blocked || busy) throw new ApiError(errorCode.limit, 'LIMIT login');
  }

  record(address: string, nowMs: number, accepted: boolean): void {
    const log = accepted ? this.#succeeded : this.#failed;
    log.set(address, [...(log.get(address) ?? []), nowMs]);
  }

  #recent(log: Map<string, number[]>, address: string, nowMs: number): number {
    const recent = (log.get(address) ?? []).filter((at) => at > nowMs - MINUTE_MS);
    if (recent.length === 0) log.delete(address);
    else log.set(address, recent);
    return recent.length;
  }
}
