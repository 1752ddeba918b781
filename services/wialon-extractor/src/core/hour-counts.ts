/** Hours of a unit that are remembered: eleven days, so that a day of ten days ago is whole. */
const HOURS = 264;
const UNKNOWN = -1;
const HOUR_S = 3600;

/** The hour of a second, counted from 1970. */
export function hourOf(second: number): number {
  return Math.floor(second / HOUR_S);
}

/** Counts as they stand in a cursor: one number per hour from `fromHour` on, -1 = not known. */
export interface SavedCounts {
  readonly fromHour: number;
  readonly counts: readonly number[];
}

interface Unit {
  /** Count of hour h at h % HOURS. */
  readonly counts: Int32Array;
  /** Newest hour that has a place. */
  newest: number;
  /** Hours that begin from now on are known to start empty. */
  isComplete: boolean;
  /** Hours in which live messages came while the unit was being read; undefined = it is not. */
  mixed: Set<number> | undefined;
  /** Live answers up to this number may repeat what the interval held. */
  mixedUntil: number;
  changed: boolean;
}

/**
 * How many messages were extracted, by unit and hour of device time: what the nightly proof compares with
 * the provider's counts. A number is kept only where it is exact; where a message may have been counted
 * twice (an interval and the live feed overlap for a moment) the hour becomes unknown, and unknown hours
 * are read again. Memory: about 1 KiB per unit.
 */
export class HourCounts {
  readonly #units = new Map<string, Unit>();
  /** Live answers asked for so far. */
  #polls = 0;

  #unit(name: string, hour: number): Unit {
    const known = this.#units.get(name);
    if (known !== undefined) return known;
    const made: Unit = {
      counts: new Int32Array(HOURS).fill(UNKNOWN),
      newest: hour,
      isComplete: false,
      mixed: undefined,
      mixedUntil: -1,
      changed: false,
    };
    this.#units.set(name, made);
    return made;
  }

  #advance(unit: Unit, hour: number): void {
    const first = Math.max(unit.newest + 1, hour - HOURS + 1);
    for (let at = first; at <= hour; at += 1) {
      unit.counts[at % HOURS] = unit.isComplete ? 0 : UNKNOWN;
    }
    unit.newest = Math.max(unit.newest, hour);
  }

  #has(unit: Unit, hour: number): boolean {
    return hour <= unit.newest && hour > unit.newest - HOURS && hour >= 0;
  }

  #set(unit: Unit, hour: number, count: number): void {
    if (!this.#has(unit, hour)) return;
    unit.counts[hour % HOURS] = count;
    unit.changed = true;
  }

  /** A live answer is asked for; the number names it. */
  polled(): number {
    this.#polls += 1;
    return this.#polls;
  }

  /** A message of the live answer `poll`, with device time `second`. */
  live(name: string, second: number, poll: number, nowHour: number): void {
    const unit = this.#units.get(name);
    if (unit === undefined) return;
    this.#advance(unit, nowHour);
    const hour = hourOf(second);
    if (!this.#has(unit, hour)) return;
    unit.mixed?.add(hour);
    const before = this.of(name, hour);
    if (poll <= unit.mixedUntil) this.#set(unit, hour, UNKNOWN);
    else if (before !== UNKNOWN) this.#set(unit, hour, before + 1);
  }

  /** An interval of the unit begins to be read. */
  begin(name: string, nowHour: number): void {
    const unit = this.#unit(name, nowHour);
    this.#advance(unit, nowHour);
    unit.mixed ??= new Set();
  }

  /**
   * The interval from `fromS` to `toS`, both included, was read to its end and held `counts` by hour. Hours
   * that it covers in part become unknown. With `open` it reached into the future: the unit is complete.
   */
  read(
    name: string,
    interval: { readonly fromS: number; readonly toS: number; readonly open: boolean },
    counts: ReadonlyMap<number, number>,
    nowHour: number,
  ): void {
    const unit = this.#unit(name, nowHour);
    this.#advance(unit, nowHour);
    const { fromS, toS, open } = interval;
    const last = open ? unit.newest : Math.min(unit.newest, hourOf(toS));
    for (let hour = Math.max(hourOf(fromS), unit.newest - HOURS + 1); hour <= last; hour += 1) {
      const isWhole = hour * HOUR_S >= fromS && (open || (hour + 1) * HOUR_S - 1 <= toS);
      this.#set(unit, hour, isWhole ? (counts.get(hour) ?? 0) : UNKNOWN);
    }
    for (const hour of unit.mixed ?? []) this.#set(unit, hour, UNKNOWN);
    unit.mixed = undefined;
    // The answer asked for next may hold what was registered just before the interval was loaded.
    unit.mixedUntil = this.#polls + 1;
    if (open) unit.isComplete = true;
  }

  /** The count of an hour; -1 = not known. */
  of(name: string, hour: number): number {
    const unit = this.#units.get(name);
    if (unit === undefined || !this.#has(unit, hour)) return UNKNOWN;
    return unit.counts[hour % HOURS] ?? UNKNOWN;
  }

  /** What the unit's cursor keeps; undefined when nothing changed since it was last asked for. */
  save(name: string): SavedCounts | undefined {
    const unit = this.#units.get(name);
    if (unit === undefined || !unit.changed) return undefined;
    unit.changed = false;
    let from = unit.newest - HOURS + 1;
    while (from < unit.newest && this.of(name, from) === UNKNOWN) from += 1;
    const length = unit.newest - from + 1;
    return {
      fromHour: from,
      counts: Array.from({ length }, (_, at) => this.of(name, from + at)),
    };
  }

  /** Takes over what a cursor kept. What was extracted afterwards is missing: those hours will differ. */
  restore(name: string, saved: SavedCounts): void {
    const unit = this.#unit(name, saved.fromHour + saved.counts.length - 1);
    for (const [at, count] of saved.counts.entries()) this.#set(unit, saved.fromHour + at, count);
    unit.changed = false;
  }

  /** The unit is gone. */
  forget(name: string): void {
    this.#units.delete(name);
  }

  /** Units that have counts. */
  names(): IterableIterator<string> {
    return this.#units.keys();
  }
}
