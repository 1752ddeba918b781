import { drive, NOBODY, sameDrivers, type Drivers } from './drivers.ts';
import { sameFix, type LocatedFix } from './fix.ts';
import { measure, NO_METER, odometerM, sameMeter, type Meter } from './meter.ts';
import { isMoving } from './movement.ts';
import type { TripRule } from './rules.ts';
import type { Assignment, Valid } from './unit-settings.ts';

/** Sums over the fixes of a run from its start. */
export interface Tally {
  readonly distanceM: number;
  readonly fixCount: number;
  /** Sum modulo 2^64 of the first 16 hex digits of the event ids, as two words. */
  readonly inputsHigh: number;
  readonly inputsLow: number;
  readonly drivers: Drivers;
  readonly meter: Meter;
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
  /** When the unit came to stand since `end`, ms; undefined while it moves. */
  readonly standingSince: number | undefined;
}

/** A run that ended. Cuts of one unit never overlap. */
export interface TripCut {
  readonly start: LocatedFix;
  readonly end: LocatedFix;
  readonly tally: Tally;
  /** The fix that ended it; undefined when silence did. */
  readonly closing: LocatedFix | undefined;
}

/** One fix further. */
export interface TripStep {
  /** The fix before. */
  readonly last: LocatedFix | undefined;
  readonly fix: LocatedFix;
  /** From one to the other, m; 0 where there is none before. */
  readonly wayM: number;
  /** Impossible positions that were left out between them. */
  readonly leftOut: number;
  /** Who drives where messages do not say it. */
  readonly assignments: readonly Valid<Assignment>[];
}

const EMPTY: Tally = {
  distanceM: 0,
  fixCount: 0,
  inputsHigh: 0,
  inputsLow: 0,
  drivers: NOBODY,
  meter: NO_METER,
};

function add(tally: Tally, { fix, leftOut }: TripStep, stepM: number, drivers: Drivers): Tally {
  const sum = tally.inputsLow + fix.idLow;
  const carry = sum > 0xffff_ffff ? 1 : 0;
  return {
    distanceM: tally.distanceM + stepM,
    fixCount: tally.fixCount + 1,
    inputsHigh: (tally.inputsHigh + fix.idHigh + carry) % 0x1_0000_0000,
    inputsLow: sum % 0x1_0000_0000,
    drivers,
    meter: measure(tally.meter, fix, leftOut),
  };
}

/** True when the run has ended before this fix. */
function isOver(run: Run, gapMs: number, stepM: number, fix: LocatedFix, rule: TripRule): boolean {
  if (stepM > rule.maxStepM) return true;
  if (!rule.staysFromStanding) return fix.time - run.end.time >= rule.stayMs;
  const { standingSince } = run;
  return (
    gapMs >= rule.gapMs || (standingSince !== undefined && fix.time - standingSince >= rule.stayMs)
  );
}

/**
 * The trip rule: one fix further. A run that this fix ends is added to `closed`. The fix before the first
 * moving one opens the run when it is near; pending distance since the last moving fix counts only if
 * movement goes on in time.
 */
export function advanceRun(
  step: TripStep,
  run: Run | undefined,
  rule: TripRule,
  closed: TripCut[],
): Run | undefined {
  const { last, fix, assignments } = step;
  const gapMs = last === undefined ? Infinity : fix.time - last.time;
  const near = gapMs < rule.gapMs ? last : undefined;
  const wayM = near === undefined ? 0 : step.wayM;
  let current = run;
  if (current !== undefined && isOver(current, gapMs, wayM, fix, rule)) {
    closed.push({ start: current.start, end: current.end, tally: current.toEnd, closing: fix });
    current = undefined;
  }
  const before = wayM > rule.maxStepM ? undefined : near;
  const stepM = before === undefined ? 0 : wayM;
  if (isMoving(fix, { before, gapMs, stepM }, rule)) {
    const tally = current?.toLast ?? openingOf(before, assignments);
    const movedMs = before === undefined ? 0 : gapMs;
    const toEnd = add(tally, step, stepM, drive(tally.drivers, fix, movedMs, assignments));
    const start = current?.start ?? before ?? fix;
    return { start, end: fix, toEnd, toLast: toEnd, standingSince: undefined };
  }
  if (current === undefined) return undefined;
  const drivers = drive(current.toLast.drivers, fix, undefined, assignments);
  const toLast = add(current.toLast, step, stepM, drivers);
  const { start, end, toEnd, standingSince } = current;
  return { start, end, toEnd, toLast, standingSince: standingSince ?? fix.time };
}

/** Sums over the fix that opens a run. */
function openingOf(before: LocatedFix | undefined, assignments: TripStep['assignments']): Tally {
  if (before === undefined) return EMPTY;
  const step = { last: undefined, fix: before, wayM: 0, leftOut: 0, assignments };
  return add(EMPTY, step, 0, drive(NOBODY, before, undefined, assignments));
}

/** Length as the rule wants it measured, m. */
export function lengthM(tally: Tally, rule: TripRule): number {
  const measured = rule.distanceSource === 'odometer' ? odometerM(tally.meter) : undefined;
  return measured ?? tally.distanceM;
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
      sameDrivers(a.drivers, b.drivers) &&
      sameMeter(a.meter, b.meter))
  );
}

/** True when both runs go on in the same way whatever comes. */
export function sameRun(a: Run | undefined, b: Run | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    sameFix(a.start, b.start) &&
    sameFix(a.end, b.end) &&
    a.standingSince === b.standingSince &&
    sameTally(a.toEnd, b.toEnd) &&
    sameTally(a.toLast, b.toLast)
  );
}

/** 16 hex digits over the event ids of a cut's fixes; does not depend on their order. */
export function inputsHash(tally: Tally): string {
  const word = (value: number): string => value.toString(16).padStart(8, '0');
  return word(tally.inputsHigh) + word(tally.inputsLow);
}
