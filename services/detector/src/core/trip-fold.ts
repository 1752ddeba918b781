import { distanceM } from '@waybill/domain';
import { drive, NOBODY, sameDrivers, type Drivers } from './drivers.ts';
import { sameFix, type LocatedFix } from './fix.ts';
import type { TripRule } from './rules.ts';
import { NO_SETTINGS, type Assignment, type Valid } from './unit-settings.ts';

/** Sums over the fixes of a run from its start. */
export interface Tally {
  readonly distanceM: number;
  readonly fixCount: number;
  /** Sum modulo 2^64 of the first 16 hex digits of the event ids, as two words. */
  readonly inputsHigh: number;
  readonly inputsLow: number;
  readonly drivers: Drivers;
}

/** A run of moving fixes that may still grow. */
export interface Run {
  readonly start: LocatedFix;
  /** Last moving fix. */
  readonly end: LocatedFix;
  /** From start to end. */
  readonly toEnd: Tally;
  /** From start to the newest fix: becomes `toEnd` when the next moving fix comes in time. */
  readonly toLast: Tally;
}

/** A run that ended. Cuts of one unit never overlap. */
export interface TripCut {
  readonly start: LocatedFix;
  readonly end: LocatedFix;
  readonly tally: Tally;
  /** The fix that ended it; undefined when silence did. */
  readonly closing: LocatedFix | undefined;
}

const EMPTY: Tally = {
  distanceM: 0,
  fixCount: 0,
  inputsHigh: 0,
  inputsLow: 0,
  drivers: NOBODY,
};

function add(tally: Tally, fix: LocatedFix, stepM: number, drivers: Drivers): Tally {
  const sum = tally.inputsLow + fix.idLow;
  const carry = sum > 0xffff_ffff ? 1 : 0;
  return {
    distanceM: tally.distanceM + stepM,
    fixCount: tally.fixCount + 1,
    inputsHigh: (tally.inputsHigh + fix.idHigh + carry) % 0x1_0000_0000,
    inputsLow: sum % 0x1_0000_0000,
    drivers,
  };
}

function isMoving(
  fix: LocatedFix,
  near: boolean,
  stepM: number,
  gapMs: number,
  rule: TripRule,
): boolean {
  if (rule.movementSource === 'speed' && fix.speedKmh !== undefined) {
    return fix.speedKmh > rule.minSpeedKmh;
  }
  return near && (stepM / gapMs) * 3600 > rule.minSpeedKmh;
}

/**
 * The trip rule: one fix further. `last` is the fix before. A run that this fix ends is added to
 * `closed`. The fix before the first moving one opens the run when it is near; pending distance since
 * the last moving fix counts only if movement goes on in time. `assignments` say who drove where messages do
 * not.
 */
export function advanceRun(
  last: LocatedFix | undefined,
  run: Run | undefined,
  fix: LocatedFix,
  rule: TripRule,
  closed: TripCut[],
  assignments: readonly Valid<Assignment>[] = NO_SETTINGS.assignments,
): Run | undefined {
  const gapMs = last === undefined ? Infinity : fix.time - last.time;
  const before = gapMs < rule.stayMs ? last : undefined;
  const stepM = before === undefined ? 0 : distanceM(before, fix);
  let current = run;
  if (current !== undefined && fix.time - current.end.time >= rule.stayMs) {
    closed.push({ start: current.start, end: current.end, tally: current.toEnd, closing: fix });
    current = undefined;
  }
  if (isMoving(fix, before !== undefined, stepM, gapMs, rule)) {
    const opening =
      before === undefined
        ? EMPTY
        : add(EMPTY, before, 0, drive(NOBODY, before, undefined, assignments));
    const tally = current?.toLast ?? opening;
    const movedMs = before === undefined ? 0 : gapMs;
    const toEnd = add(tally, fix, stepM, drive(tally.drivers, fix, movedMs, assignments));
    return { start: current?.start ?? before ?? fix, end: fix, toEnd, toLast: toEnd };
  }
  if (current === undefined) return undefined;
  const drivers = drive(current.toLast.drivers, fix, undefined, assignments);
  return { ...current, toLast: add(current.toLast, fix, stepM, drivers) };
}

/** The cut that silence makes of a run. */
export function cutBySilence(run: Run): TripCut {
  return { start: run.start, end: run.end, tally: run.toEnd, closing: undefined };
}

/** True for equal sums. */
export function sameTally(a: Tally, b: Tally): boolean {
  return (
    a === b ||
    (a.distanceM === b.distanceM &&
      a.fixCount === b.fixCount &&
      a.inputsHigh === b.inputsHigh &&
      a.inputsLow === b.inputsLow &&
      sameDrivers(a.drivers, b.drivers))
  );
}

/** True when both runs go on in the same way whatever comes. */
export function sameRun(a: Run | undefined, b: Run | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    sameFix(a.start, b.start) &&
    sameFix(a.end, b.end) &&
    sameTally(a.toEnd, b.toEnd) &&
    sameTally(a.toLast, b.toLast)
  );
}

/** 16 hex digits over the event ids of a cut's fixes; does not depend on their order. */
export function inputsHash(tally: Tally): string {
  const word = (value: number): string => value.toString(16).padStart(8, '0');
  return word(tally.inputsHigh) + word(tally.inputsLow);
}
