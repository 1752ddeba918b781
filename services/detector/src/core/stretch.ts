import { isLocated, type Fix, type LocatedFix } from './fix.ts';
import { InputSum, type Inputs } from './inputs.ts';
import type { Motion } from './motion.ts';

const NO_FIXES: readonly Fix[] = Object.freeze([]);
const NO_ZONES: readonly string[] = Object.freeze([]);

/** A rule cannot tell the end of a stretch from its beginning: it has to see each fix. */
export const UNEVEN: unique symbol = Symbol('uneven');

/**
 * Fixes in order that tell the same as the one before the first of them, time and how they came aside: a
 * vehicle that stands and reports. Among them no step has a length, and none is in doubt.
 */
export class Stretch {
  #fixes: readonly Fix[] = NO_FIXES;
  #from = 0;
  #to = 0;
  /** The longest time between two of them, the one before the first included, ms. */
  maxGapMs = 0;
  /** See Step: the same for all. */
  motion: Motion = 'unknown';
  zoneIds: readonly string[] = NO_ZONES;
  #before: LocatedFix | undefined;
  #inputs: Inputs | undefined;

  /** Takes the place of the one before, which nobody keeps. */
  fill(fixes: readonly Fix[], range: StretchRange, { motion, zoneIds }: Shown): this {
    this.#fixes = fixes;
    this.#from = range.from;
    this.#to = range.to;
    this.#before = range.before;
    this.maxGapMs = range.maxGapMs;
    this.motion = motion;
    this.zoneIds = zoneIds;
    this.#inputs = undefined;
    return this;
  }

  /** The fix that all of them are like. */
  get before(): LocatedFix {
    return this.#before as LocatedFix;
  }

  /** How many there are. */
  get count(): number {
    return this.#to - this.#from;
  }

  at(index: number): LocatedFix {
    // `stretchFrom` takes only such.
    return this.#fixes[this.#from + index] as LocatedFix;
  }

  get first(): LocatedFix {
    return this.at(0);
  }

  get last(): LocatedFix {
    return this.at(this.count - 1);
  }

  /** All of them. */
  get inputs(): Inputs {
    if (this.#inputs === undefined) {
      const sum = new InputSum();
      for (let i = this.#from; i < this.#to; i += 1) sum.add(this.#fixes[i] as Fix);
      this.#inputs = sum;
    }
    return this.#inputs;
  }
}

/** What a step shows of each of them; see Step. */
type Shown = Pick<Stretch, 'motion' | 'zoneIds'>;

/** Where a stretch lies among fixes. `to` is exclusive; there is at least one. */
export interface StretchRange {
  readonly before: LocatedFix;
  readonly from: number;
  readonly to: number;
  readonly maxGapMs: number;
}

/** True when both tell every rule the same, time aside. */
export function areAlike(a: Fix, b: Fix): boolean {
  return (
    a.latitude === b.latitude &&
    a.longitude === b.longitude &&
    a.speedKmh === b.speedKmh &&
    a.engineOn === b.engineOn &&
    a.fuelLevelL === b.fuelLevelL &&
    a.fuelLevelPercent === b.fuelLevelPercent &&
    a.odometerKm === b.odometerKm &&
    a.engineHoursH === b.engineHoursH &&
    a.driver === b.driver &&
    a.isPrivate === b.isPrivate
  );
}

/** The stretch that begins at a position behind this fix; undefined when the first one is unlike it. */
export function stretchFrom(
  fixes: readonly Fix[],
  from: number,
  before: LocatedFix,
  minSatellites: number,
): StretchRange | undefined {
  let maxGapMs = 0;
  let last: Fix = before;
  let to = from;
  for (; to < fixes.length; to += 1) {
    const fix = fixes[to] as Fix;
    if (!isLocated(fix) || !areAlike(before, fix)) break;
    if (minSatellites > 0 && (fix.satellites ?? Infinity) < minSatellites) break;
    const gapMs = fix.time - last.time;
    if (gapMs > maxGapMs) maxGapMs = gapMs;
    last = fix;
  }
  return to === from ? undefined : { before, from, to, maxGapMs };
}
