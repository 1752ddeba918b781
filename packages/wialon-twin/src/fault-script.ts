import type { SessionExpiry } from './scenario.ts';

/** What befalls a call. */
export type CallFault =
  /** An error answer instead of the call. */
  | { readonly kind: 'error'; readonly code: number; readonly reason: string | undefined }
  /** A transport failure: this HTTP status with an HTML page, the call is not made. */
  | { readonly kind: 'http'; readonly status: number }
  /** Status 200 with an HTML page: a login page of something in between. */
  | { readonly kind: 'html' }
  /** The call is made, its answer is lost: the connection is cut. */
  | { readonly kind: 'cut' }
  /** The call is made, its answer ends in the middle of the JSON. */
  | { readonly kind: 'truncate' }
  /** The call is made, its answer comes this many ms later. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** The session is gone when the call arrives: error 1. */
  | { readonly kind: 'expire' }
  /** The provider saw another address: error 1011, and the session is gone. */
  | { readonly kind: 'ip_changed' };

export interface OrderedFault {
  /** Service name, `avl_evts`, or `*` for any. */
  readonly svc: string;
  /** Absent = any account. A login has no account yet, only an order without account meets it. */
  readonly account: string | undefined;
  /** Calls that pass before the first one it meets: in mid-page, for example. */
  after: number;
  /** How many calls it meets. */
  times: number;
  readonly fault: CallFault;
}

/** The service that runs others: a fault of any service meets its entries, not itself. */
export const BATCH = 'core/batch';

/** Ordered faults and the planned session expiries; both are consumed by the calls they meet. */
export class FaultScript {
  readonly #expiries: readonly SessionExpiry[];
  readonly #calls = new Map<string, number>();
  readonly #met = new Map<string, number>();
  #ordered: OrderedFault[] = [];

  constructor(expiries: readonly SessionExpiry[]) {
    this.#expiries = expiries;
  }

  order(fault: OrderedFault): void {
    if (fault.times > 0) this.#ordered.push(fault);
  }

  /** Counts a fault that took effect, for the report. */
  count(kind: string): void {
    this.#met.set(kind, (this.#met.get(kind) ?? 0) + 1);
  }

  /** How often each kind of fault took effect. */
  met(): Record<string, number> {
    return Object.fromEntries([...this.#met].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Orders that no call has met yet. */
  pending(): number {
    return this.#ordered.length;
  }

  /** The fault that this call meets, if any. */
  next(svc: string, account: string | undefined): CallFault | undefined {
    if (this.#ordered.length === 0) return undefined;
    let met: OrderedFault | undefined;
    for (const one of this.#ordered) {
      if (one.svc !== svc && (one.svc !== '*' || svc === BATCH)) continue;
      if (one.account !== undefined && one.account !== account) continue;
      if (one.after > 0) one.after--;
      else met ??= one;
    }
    if (met === undefined) return undefined;
    met.times--;
    this.#ordered = this.#ordered.filter(({ times }) => times > 0);
    const { fault } = met;
    const reason = fault.kind === 'error' && fault.code === 1003 ? ` ${fault.reason ?? ''}` : '';
    this.count(fault.kind === 'error' ? `error ${fault.code}${reason}` : fault.kind);
    return fault;
  }

  /** Counts a call of the account's sessions; true when the plan expires the session before it. */
  expires(svc: string, account: string): boolean {
    const key = `${account} ${svc}`;
    const nth = (this.#calls.get(key) ?? 0) + 1;
    this.#calls.set(key, nth);
    return this.#expiries.some(
      (expiry) => expiry.account === account && expiry.call === svc && expiry.nth === nth,
    );
  }
}
