import type { SessionExpiry } from './scenario.ts';

/** A fault ordered by the control API for the next calls of a service. */
export type CallFault =
  /** An error answer instead of the call. */
  | { readonly kind: 'error'; readonly code: number; readonly reason: string | undefined }
  /** A transport failure: this HTTP status with an HTML page, the call is not made. */
  | { readonly kind: 'http'; readonly status: number }
  /** The call is made, its answer is lost: the connection is cut. */
  | { readonly kind: 'cut' };

export interface OrderedFault {
  /** Service name, `avl_evts`, or `*` for any. */
  readonly svc: string;
  /** Absent = any account. A login has no account yet, only an order without account meets it. */
  readonly account: string | undefined;
  /** How many calls it meets. */
  times: number;
  readonly fault: CallFault;
}

/** Ordered faults and the planned session expiries; both are consumed by the calls they meet. */
export class FaultScript {
  readonly #expiries: readonly SessionExpiry[];
  readonly #calls = new Map<string, number>();
  #ordered: OrderedFault[] = [];

  constructor(expiries: readonly SessionExpiry[]) {
    this.#expiries = expiries;
  }

  order(fault: OrderedFault): void {
    if (fault.times > 0) this.#ordered.push(fault);
  }

  /** The fault that this call meets, if any. */
  next(svc: string, account: string | undefined): CallFault | undefined {
    const ordered = this.#ordered.find(
      (one) =>
        (one.svc === svc || one.svc === '*') &&
        (one.account === undefined || one.account === account),
    );
    if (ordered === undefined) return undefined;
    ordered.times--;
    this.#ordered = this.#ordered.filter(({ times }) => times > 0);
    return ordered.fault;
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
