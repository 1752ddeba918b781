/** Answers that are kept per hour and account; further ones are counted and stand in the log. */
const KEPT_PER_HOUR = 120;
const HOUR_MS = 3_600_000;

/**
 * Which unusable answers are kept. A provider that is away answers every try with the same page: equal answers
 * of one call are kept once an hour, and different ones up to a limit, so that an outage fills no topic.
 */
export class UnusableBudget {
  readonly #kept = new Map<string, number>();

  /** `kept`: keep it; else why not. */
  take(call: string, sha256: string, nowMs: number): 'kept' | 'repeated' | 'over_limit' {
    for (const [key, time] of this.#kept) {
      // In the order of their times.
      if (nowMs - time < HOUR_MS) break;
      this.#kept.delete(key);
    }
    const key = `${call} ${sha256}`;
    if (this.#kept.has(key)) return 'repeated';
    if (this.#kept.size >= KEPT_PER_HOUR) return 'over_limit';
    this.#kept.set(key, nowMs);
    return 'kept';
  }
}
