import type { MessageStore } from './message-store.ts';
import type { LoadedEvents, Watched } from './services/events.ts';
import type { Report } from './services/reports.ts';

/** What a session wants to hear about an item. */
export interface Subscription {
  /** Data flags. */
  readonly flags: number;
  /** Number of the first message that is delivered: none from before the subscription. */
  readonly since: number;
}

/** The message set that a session loaded: one per session, fixed at the time of loading. */
export interface Loader {
  readonly numbers: readonly number[];
}

/** One login. Everything but the store and ids changes while it lives. */
export interface Session {
  readonly sid: string;
  readonly store: MessageStore;
  readonly subscriptions: Map<number, Subscription>;
  /** Messages with lower numbers were covered by earlier polls. */
  cursor: number;
  /** Changes of items with lower numbers were covered by earlier polls. */
  changesSeen: number;
  loader: Loader | undefined;
  report: Report | undefined;
  events: LoadedEvents | undefined;
  /** Units of events/update_units. */
  readonly watched: Map<number, Watched>;
  /** Which token opened it. */
  readonly token: 1 | 2;
  /** Monotonic wall time of the last request, ms. */
  usedAtMs: number;
  /** Wall times of recent polls, ms. */
  polls: number[];
  concurrent: number;
  heavy: number;
  /** A call that shares the message loader is running. */
  loading: boolean;
}

export type SessionEnd = 'idle' | 'logout' | 'script' | 'fault' | 'address' | 'token';

export interface SessionsOptions {
  /** Seconds without any request after which a session is gone. */
  readonly idleS: number;
  readonly nowMs: () => number;
  /** Gives a sid that no session had. */
  readonly newSid: () => string;
  readonly onEnd: (session: Session, how: SessionEnd) => void;
}

/** Live sessions by sid. A session ends once: by silence, logout, the fault script or the control API. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  /** Sessions that ended because the client's address changed: they answer so, not as unknown ones. */
  readonly #moved = new Set<string>();
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Opens a session; its polls start with what is registered and changed from now on. */
  open(
    store: MessageStore,
    from: { readonly cursor: number; readonly changesSeen: number; readonly token: 1 | 2 },
  ): Session {
    this.#dropIdle();
    const session: Session = {
      sid: this.#options.newSid(),
      store,
      subscriptions: new Map(),
      ...from,
      loader: undefined,
      report: undefined,
      events: undefined,
      watched: new Map(),
      usedAtMs: this.#options.nowMs(),
      polls: [],
      concurrent: 0,
      heavy: 0,
      loading: false,
    };
    this.#sessions.set(session.sid, session);
    return session;
  }

  /** The live session of a sid, marked as used now. */
  touch(sid: string): Session | undefined {
    this.#dropIdle();
    const session = this.#sessions.get(sid);
    if (session !== undefined) session.usedAtMs = this.#options.nowMs();
    return session;
  }

  /** Whether the sid was good until the client's address changed. */
  hasMoved(sid: string): boolean {
    return this.#moved.has(sid);
  }

  /** True while the session has not ended. */
  isLive(session: Session): boolean {
    return this.#sessions.has(session.sid);
  }

  end(session: Session, how: SessionEnd): void {
    if (!this.#sessions.delete(session.sid)) return;
    if (how === 'address') this.#moved.add(session.sid);
    this.#options.onEnd(session, how);
  }

  /** Live sessions, of one account when given. */
  live(account?: string): Session[] {
    this.#dropIdle();
    return [...this.#sessions.values()].filter(
      ({ store }) => account === undefined || store.account.account === account,
    );
  }

  #dropIdle(): void {
    const limit = this.#options.nowMs() - this.#options.idleS * 1000;
    for (const session of this.#sessions.values()) {
      // A running call keeps its session: idle means that nobody is asking.
      if (session.usedAtMs <= limit && session.concurrent === 0) this.end(session, 'idle');
    }
  }
}
