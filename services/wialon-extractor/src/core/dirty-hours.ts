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
 * 20,000 hours; what is over it is left to the nightly proof and counted.
 */
export class DirtyHours {
  readonly #units = new Map<string, Map<number, Mark>>();
  #size = 0;
  /** Hours that found no place. */
  overflow = 0;

  get size(): number {
    return this.#size;
  }

  mark(unit: string, hour: number, nowMs: number): void {
    const hours = this.#units.get(unit) ?? new Map<number, Mark>();
    const known = hours.get(hour);
    if (known !== undefined) {
      known.lastMs = nowMs;
      return;
    }
    if (this.#size >= MOST_HOURS) {
      this.overflow += 1;
      return;
    }
    this.#units.set(unit, hours.set(hour, { sinceMs: nowMs, lastMs: nowMs }));
    this.#size += 1;
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
      // To the end of the line: units take turns.
      this.#units.delete(unit);
      if (hours.size > 0) this.#units.set(unit, hours);
      return { unit, hours: run };
    }
    return undefined;
  }

  /** Marked to be read without waiting, as the proof asks for. */
  markDue(unit: string, hour: number): void {
    this.mark(unit, hour, Number.NEGATIVE_INFINITY);
  }
}

function isDue({ sinceMs, lastMs }: Mark, nowMs: number): boolean {
  return nowMs - lastMs >= QUIET_MS || nowMs - sinceMs >= LONGEST_WAIT_MS;
}
