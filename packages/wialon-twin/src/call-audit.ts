import type { SessionEnd } from './session.ts';

interface CallCount {
  total: number;
  /** Error code → how often. */
  errors: Record<string, number>;
}

interface LoginCount {
  logins: number;
  /** Token number → accepted logins. */
  by_token: Record<'1' | '2', number>;
  ended: Record<SessionEnd, number>;
}

/** Counters of GET /twin/calls. */
export interface AuditReport {
  readonly calls: Readonly<Record<string, Readonly<CallCount>>>;
  /** Error code → refused logins. */
  readonly refused_logins: Readonly<Record<string, number>>;
  readonly accounts: readonly (LoginCount & { readonly account: string; readonly live: number })[];
}

/** What the twin saw: the far end's view for audits and tests. Counters only, no tokens, no sids. */
export class CallAudit {
  readonly #calls = new Map<string, CallCount>();
  readonly #accounts: Record<string, LoginCount> = {};
  readonly #refusedLogins: Record<string, number> = {};

  constructor(accounts: readonly string[]) {
    for (const account of accounts) {
      this.#accounts[account] = {
        logins: 0,
        by_token: { 1: 0, 2: 0 },
        ended: { idle: 0, logout: 0, script: 0, fault: 0, address: 0, token: 0 },
      };
    }
  }

  /** One answered call; code 0 is a success. Entries of a batch count one by one. */
  called(svc: string, code: number): void {
    const count = this.#calls.get(svc) ?? { total: 0, errors: {} };
    this.#calls.set(svc, count);
    count.total++;
    if (code !== 0) count.errors[code] = (count.errors[code] ?? 0) + 1;
    if (svc === 'token/login' && code !== 0) {
      this.#refusedLogins[code] = (this.#refusedLogins[code] ?? 0) + 1;
    }
  }

  loggedIn(account: string, token: 1 | 2): void {
    const count = this.#accounts[account];
    if (count === undefined) return;
    count.logins++;
    count.by_token[token]++;
  }

  ended(account: string, how: SessionEnd): void {
    const count = this.#accounts[account];
    if (count !== undefined) count.ended[how]++;
  }

  /** Counters for GET /twin/calls; `live` gives the open sessions of an account. */
  report(live: (account: string) => number): AuditReport {
    return {
      calls: Object.fromEntries(this.#calls),
      refused_logins: this.#refusedLogins,
      accounts: Object.entries(this.#accounts).map(([account, count]) => ({
        account,
        ...count,
        live: live(account),
      })),
    };
  }
}
