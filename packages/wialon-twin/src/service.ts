import type { TwinAccount } from './items.ts';
import type { Params } from './params.ts';
import type { Spent } from './quotas.ts';
import type { Session } from './session.ts';

/** What a service of the Remote API works with. */
export interface Call {
  readonly session: Session;
  readonly account: TwinAccount;
  readonly params: Params;
  /** The account's data clock, epoch seconds, whole. */
  readonly now: number;
  /** Counts against the account's limits per time; throws the limit error. */
  readonly spend: (what: Spent, amount: number) => void;
  /** Messages that the other sessions of the account hold loaded, and how many all together may. */
  readonly held: () => { readonly others: number; readonly limit: number };
}

/** One service of the Remote API. */
export interface Service {
  /** Loads messages: counts against the limit of heavy calls. */
  readonly heavy?: boolean;
  /** Excludes the other calls of the session that use the message loader. */
  readonly sharesLoader?: boolean;
  /** Refuses clients that do not accept gzip. */
  readonly needsGzip?: boolean;
  /** Answers with JSON text; throws ApiError. */
  readonly run: (call: Call) => string;
}

export type Services = Readonly<Record<string, Service>>;
