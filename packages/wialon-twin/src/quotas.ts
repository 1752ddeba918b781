import type { Limits } from './limits.ts';
import { ApiError, errorCode } from './params.ts';

/** What a user may have only so much of per time, over all sessions. */
export type Spent = 'messages' | 'unique_checks' | 'report_runs';

const SLOTS = 60;
const MINUTE_MS = 60_000;

/** Amounts of the last `windowMs`, forgotten in steps of a 60th of it. */
class SlidingSum {
  readonly #slotMs: number;
  readonly #slots = new Map<number, number>();
  #sum = 0;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  at(nowMs: number): number {
    const oldest = Math.floor(nowMs / this.#slotMs) - SLOTS;
    for (const [slot, amount] of this.#slots) {
      if (slot > oldest) break;
      this.#slots.delete(slot);
      this.#sum -= amount;
    }
    return this.#sum;
  }

  add(amount: number, nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + amount);
    this.#sum += amount;
  }
}

interface Quota {
  readonly limit: number;
  readonly spent: SlidingSum;
}

/** The provider's limits per user and time. Wall time. */
export class Quotas {
  readonly #limits: Limits;
  readonly #quotas = new Map<string, readonly Quota[]>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Counts what an account spends; throws the limit error, and counts nothing, when it has no more left. */
  spend(account: string, what: Spent, amount: number, nowMs: number): void {
    const quotas = this.#of(account, what);
    if (quotas.some(({ limit, spent }) => spent.at(nowMs) + amount > limit)) {
      throw new ApiError(errorCode.limit, 'limit exceeded');
    }
    for (const { spent } of quotas) spent.add(amount, nowMs);
  }

  #of(account: string, what: Spent): readonly Quota[] {
    const key = `${what} ${account}`;
    const known = this.#quotas.get(key);
    if (known !== undefined) return known;
    const made = this.#windows(what).map(([limit, minutes]) => ({
      limit,
      spent: new SlidingSum(minutes * MINUTE_MS),
    }));
    this.#quotas.set(key, made);
    return made;
  }

  #windows(what: Spent): readonly (readonly [limit: number, minutes: number])[] {
    const limits = this.#limits;
    switch (what) {
      case 'messages':
        return [
          [limits.messagesPer2Min, 2],
          [limits.messagesPerHour, 60],
          [limits.messagesPerDay, 1440],
        ];
      case 'unique_checks':
        return [[limits.uniqueChecks, 1]];
      case 'report_runs':
        return [[limits.reportRuns, 5]];
    }
  }
}
