import type { UnitCount } from './entries.ts';

/** A registered message; times are epoch seconds. */
export interface StoredMessage {
  readonly unitId: number;
  readonly t: number;
  readonly rt: number;
  readonly json: string;
  /** `pos` as JSON; undefined for malformed messages and those without a position. */
  readonly position: string | undefined;
  /** `f`: what the filters of message calls look at. Malformed messages pass every filter. */
  readonly flags: number;
  /** Polls do not show it: only an interval finds it. */
  readonly silent: boolean;
}

/** Which account a store belongs to. */
export interface StoreAccount {
  readonly account: string;
  readonly resource_id: number;
}

/**
 * The messages of an account in order of registration. A message's place in that order is its number: polls
 * remember the number they came to, so nothing is delivered twice or skipped. `now` is the account's data
 * clock in whole epoch seconds and never falls.
 */
export interface MessageStore {
  readonly account: StoreAccount;
  /** Epoch seconds of elapsed 0. */
  readonly base: number;
  /** Unit ids by vehicle id. */
  readonly units: ReadonlyMap<string, number>;
  /** How many messages are registered at `now`: the numbers 0 to that minus one. */
  registered(now: number): number;
  /** The message of number g; throws RangeError when there is none. */
  message(g: number): StoredMessage;
  /** Numbers of the unit's messages registered by `now` with time in [from, to], by time, then registration. */
  interval(unitId: number, from: number, to: number, now: number): number[];
  /** The unit's well-formed message with the greatest time among those registered by `now`. */
  last(unitId: number, now: number): StoredMessage | undefined;
  /** What is registered by `now`, per unit in order of their ids. */
  counts(now: number): UnitCount[];
}
