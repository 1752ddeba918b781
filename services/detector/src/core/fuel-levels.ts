import type { Fix } from './fix.ts';
import type { Anchor, FuelRule, Reading } from './fuel-state.ts';
import { InputSum } from './inputs.ts';
import { at } from './unit-settings.ts';

/** See `slotOf`. */
const THIN_MS = 10_000;
/** Readings that must agree: at rest, and else. */
export const RESTED = 3;
export const CALM = 5;

/** Ten seconds of which one reading counts, the first: so a fix that comes late moves no later one. */
export function slotOf({ time }: Fix): number {
  return Math.floor(time / THIN_MS);
}

/** What a fix says about the level, l; undefined where it says nothing that can be true. */
export function levelOf(fix: Fix, rule: FuelRule): number | undefined {
  const tank = at(rule.tanks, fix.time);
  const { fuelLevelL: litres, fuelLevelPercent: percent } = fix;
  const level =
    litres ?? (percent === undefined || tank === undefined ? undefined : (percent / 100) * tank);
  // Zero is what a sensor says that is not there; more than fits comes from a stuck float.
  if (level === undefined || level <= 0) return undefined;
  return tank !== undefined && level > tank * 1.05 ? undefined : level;
}

/** How far readings of one level may lie apart, l. */
export function toleranceL(rule: FuelRule, fix: Fix, isRested: boolean): number {
  const tank = at(rule.tanks, fix.time) ?? 0;
  return isRested ? Math.max(1, 0.015 * tank) : Math.max(4, 0.08 * tank);
}

/** A fall of at least this is a drain, l. */
export function drainThresholdL(rule: FuelRule, fix: Fix): number {
  return Math.max(rule.minDrainL, rule.minDrainShare * (at(rule.tanks, fix.time) ?? 0));
}

/** Median of the levels of readings from position `from` on. */
export function medianOf(readings: readonly Reading[], from: number): number {
  const sorted: number[] = [];
  for (let i = from; i < readings.length; i += 1) {
    const { level } = readings[i] as Reading;
    let at = sorted.length;
    for (; at > 0 && (sorted[at - 1] as number) > level; at -= 1) {
      sorted[at] = sorted[at - 1] as number;
    }
    sorted[at] = level;
  }
  return sorted[sorted.length >> 1] ?? 0;
}

/** True when the newest readings were all taken at rest. */
function areRested(window: readonly Reading[]): boolean {
  if (window.length < RESTED) return false;
  for (let i = window.length - RESTED; i < window.length; i += 1) {
    if (window[i]?.isStanding !== true) return false;
  }
  return true;
}

/** The level that the newest readings agree on, and the first of them. */
export function agreed(window: readonly Reading[], rule: FuelRule): Agreement | undefined {
  const isRested = areRested(window);
  const last = window.at(-1);
  if (last === undefined || (!isRested && window.length < CALM)) return undefined;
  const from = isRested ? window.length - RESTED : 0;
  let least = last.level;
  let most = last.level;
  for (let i = from; i < window.length; i += 1) {
    const { level } = window[i] as Reading;
    if (level < least) least = level;
    if (level > most) most = level;
  }
  const spread = most - least;
  if (spread > toleranceL(rule, last.fix, isRested)) return undefined;
  const inputs = new InputSum();
  for (let i = from; i < window.length; i += 1) inputs.add((window[i] as Reading).fix);
  const level = spread === 0 ? least : medianOf(window, from);
  const anchor = { level, spread, fix: last.fix, isRested, inputs };
  return { anchor, first: (window[from] as Reading).fix };
}

/** A level that readings agree on, and the first of them. */
export interface Agreement {
  readonly anchor: Anchor;
  readonly first: Fix;
}
