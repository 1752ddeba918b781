/** A message this much older than the provider's clock came late: its hour is read again. */
export const LATE_S = 600;
const QUIET_MS = 600_000;
const LONGEST_WAIT_MS = 1_800_000;
/** Beyond this many hours the nightly proof does the work. */
const MOST_HOURS = 20_000;

interface Mark {
  readonly sinceMs: number;
  lastMs: number;
}

/**
 * Hours of units in which late messages arrived. Black boxes unload for minutes, so an hour is read once it
 * was quiet for 10 min, or after 30 min; so what the feed showed late is checked within the hour. Limit:
 * 20,000 hours; what is over it is left to the nightly proof and counted. A mark stands until its hour was read:
 * *waiting* → *taken* (with a reader) → gone, or waiting again when the reader's work was given up. The unit's cursor keeps
 * what stands, so that a restart forgets none.
 */
export class DirtyHours {
  readonly #units = new Map<string, Map<number, Mark>>();
  /** Hours that a reader has. */
  readonly #taken = new Map<string, Set<number>>();
  #size = 0;
  /** Hours that found no place. */
  overflow = 0;

  get size(): number {
    return this.#size;
  }

  /** True when the mark is new. */
  mark(unit: string, hour: number, nowMs: number): boolean {
    const hours = this.#units.get(unit) ?? new Map<number, Mark>();
    const known = hours.get(hour);
    if (known !== undefined) {
      known.lastMs = nowMs;
      return false;
    }
    if (this.#size >= MOST_HOURS) {
      this.overflow += 1;
      return false;
    }
    this.#units.set(unit, hours.set(hour, { sinceMs: nowMs, lastMs: nowMs }));
    this.#size += 1;
    return true;
  }

  /** A unit whose hours are due, with those of them that follow each other; they are forgotten here. */
  take(nowMs: number): { readonly unit: string; readonly hours: readonly number[] } | undefined {
    for (const [unit, hours] of this.#units) {
      const due = [...hours]
        .filter(([, mark]) => isDue(mark, nowMs))
        .map(([hour]) => hour)
        .toSorted((a, b) => a - b);
      const run = due.filter((hour, at) => hour === (due[0] ?? hour) + at);
      if (run.length === 0) continue;
      for (const hour of run) hours.delete(hour);
      this.#size -= run.length;
      const taken = this.#taken.get(unit) ?? new Set<number>();
      this.#taken.set(unit, new Set([...taken, ...run]));
      // To the end of the line: units take turns.
      this.#units.delete(unit);
      if (hours.size > 0) this.#units.set(unit, hours);
      return { unit, hours: run };
    }
    return undefined;
  }

  /** Hours of a unit that stand, in order. */
  of(unit: string): readonly number[] {
    const waiting = this.#units.get(unit)?.keys() ?? [];
    const all = new Set([...waiting, ...(this.#taken.get(unit) ?? [])]);
    return [...all].toSorted((a, b) => a - b);
  }

  /** A reader has read these hours, or the unit is gone. */
  done(unit: string, hours: readonly number[]): void {
    const taken = this.#taken.get(unit);
    for (const hour of hours) taken?.delete(hour);
    if (taken?.size === 0) this.#taken.delete(unit);
  }

  /** What readers have is not being read any more: it waits again, due at once. */
  giveBack(): void {
    const taken = [...this.#taken];
    this.#taken.clear();
    for (const [unit, hours] of taken) for (const hour of hours) this.markDue(unit, hour);
  }

  /** Marked to be read without waiting, as the proof asks for. */
  markDue(unit: string, hour: number): void {
    this.mark(unit, hour, Number.NEGATIVE_INFINITY);
  }
}

function isDue({ sinceMs, lastMs }: Mark, nowMs: number): boolean {
  return nowMs - lastMs >= QUIET_MS || nowMs - sinceMs >= LONGEST_WAIT_MS;
}
