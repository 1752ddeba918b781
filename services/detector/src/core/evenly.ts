import { drive } from './drivers.ts';
import { CALM, levelOf, RESTED, slotOf } from './fuel-levels.ts';
import {
  NOTHING_SINCE,
  type Anchor,
  type FuelRule,
  type FuelState,
  type Reading,
  type Since,
} from './fuel-state.ts';
import { FUEL_SILENCE_MS } from './fuel-fold.ts';
import type { IdleRule, IdleState } from './idle-fold.ts';
import { InputSum, joined } from './inputs.ts';
import { measure } from './meter.ts';
import type { MeterRule, MeterState } from './meter-fold.ts';
import { isMoving } from './movement.ts';
import type { Rules, TripRule } from './rules.ts';
import { UNEVEN, type Stretch } from './stretch.ts';
import type { Run, Tally } from './trip-fold.ts';
import { isConstant } from './unit-settings.ts';
import { insideFrom, type Presence } from './visit-fold.ts';

/*
 * What a stretch of fixes that are like the one before does to the state of each rule, in one step: the same as
 * showing them one by one. Where that is not plain the answer is UNEVEN, and they are shown one by one. What is
 * asked here about the first and the last fix holds for all between them, because only their times differ.
 */

function tallied({ toLast }: Run, stretch: Stretch, rules: Rules): Tally {
  const { first, count, inputs } = stretch;
  const meter = measure(toLast.meter, first, 0);
  const low = toLast.inputsLow + inputs.low;
  const carry = low > 0xffff_ffff ? 1 : 0;
  const further = first.odometerKm === undefined ? 0 : count - 1;
  return {
    distanceM: toLast.distanceM,
    fixCount: toLast.fixCount + count,
    inputsHigh: (toLast.inputsHigh + inputs.high + carry) % 0x1_0000_0000,
    inputsLow: low % 0x1_0000_0000,
    drivers: drive(toLast.drivers, first, undefined, rules.unit.assignments),
    meter: further === 0 ? meter : { ...meter, readings: meter.readings + further },
  };
}

/** See `advanceRun`. */
export function advanceRunEvenly(
  run: Run | undefined,
  stretch: Stretch,
  rules: Rules,
): Run | undefined | typeof UNEVEN {
  const rule: TripRule = rules.trip;
  const { before, first, last, maxGapMs } = stretch;
  if (rules.unitTrip.length > 0 || maxGapMs >= rule.gapMs) return UNEVEN;
  const gapMs = first.time - before.time;
  if (isMoving(first, { before, gapMs, stepM: 0 }, rule)) return UNEVEN;
  if (run === undefined) return undefined;
  const standingSince = run.standingSince ?? first.time;
  const stayFrom = rule.staysFromStanding ? standingSince : run.end.time;
  if (last.time - stayFrom >= rule.stayMs) return UNEVEN;
  const { start, end, toEnd } = run;
  return { start, end, toEnd, toLast: tallied(run, stretch, rules), standingSince };
}

/** See `advancePresences`. */
export function advancePresencesEvenly(
  presences: readonly Presence[],
  { first, last, maxGapMs, zoneIds, inputs }: Stretch,
  { visit }: Rules,
): readonly Presence[] | typeof UNEVEN {
  if (first.isPrivate) return presences;
  if (maxGapMs > visit.silenceMs || presences.length !== zoneIds.length) return UNEVEN;
  if (presences.length === 0) return presences;
  const next: Presence[] = [];
  for (const presence of presences) {
    if (presence.kind !== 'inside' || presence.leaving !== undefined) return UNEVEN;
    if (!zoneIds.includes(presence.zoneId)) return UNEVEN;
    const { zoneId, entered, dwelled, confirmed } = presence;
    const mayDwell = entered !== undefined && dwelled === undefined;
    if (mayDwell && last.time > entered.time + visit.dwellMs) return UNEVEN;
    // Of a stay without entry nothing is summed up.
    const all = entered === undefined ? presence.inputs : joined(presence.inputs, inputs);
    const stay = { zoneId, entered, lastInside: last, inputs: all, dwelled };
    next.push(insideFrom(stay, confirmed, undefined, presence.outside));
  }
  return next;
}

/** See `advanceIdle`. */
export function advanceIdleEvenly(
  state: IdleState,
  stretch: Stretch,
  rule: IdleRule,
): IdleState | typeof UNEVEN {
  const { first, last, maxGapMs, motion } = stretch;
  if (first.engineOn !== true) return state === undefined ? undefined : UNEVEN;
  if (motion === 'moving' || state === undefined) return UNEVEN;
  if (maxGapMs > rule.silenceMs) return UNEVEN;
  return {
    start: state.start,
    end: last,
    place: state.place ?? first,
    off: undefined,
    isPrivate: state.isPrivate || first.isPrivate,
    inputs: joined(state.inputs, stretch.inputs),
  };
}

/** See `advanceMeter`. */
export function advanceMeterEvenly(
  state: MeterState,
  { first, last, inputs }: Stretch,
  rule: MeterRule,
): MeterState | typeof UNEVEN {
  const { odometerKm: km, engineHoursH: hours } = first;
  if (km === undefined && hours === undefined) return state;
  const { today, known, suspect } = state;
  if (today === undefined || last.time >= today.day.to) return UNEVEN;
  const isRead = km !== undefined;
  if (isRead && (known?.km !== km || today.distanceKm > rule.maxKmPerDay)) return UNEVEN;
  return {
    today: {
      day: today.day,
      first: today.first,
      last,
      odometerKm: isRead ? km : today.odometerKm,
      engineHoursH: hours ?? today.engineHoursH,
      distanceKm: today.distanceKm,
      resetCount: today.resetCount,
      implausibleCount: today.implausibleCount,
      inputs: joined(today.inputs, inputs),
    },
    known: isRead ? { km, time: last.time } : known,
    suspect: isRead ? undefined : suspect,
  };
}

/** True when readings of this level change nothing but which of them are the newest. */
function isAtRest(state: FuelState, level: number, rule: FuelRule): boolean {
  const { anchor, since, window } = state;
  if (!state.isStanding || state.filling !== undefined || state.suspicion !== undefined)
    return false;
  if (anchor?.isRested !== true || anchor.level !== level) return false;
  if (since.hasMoved || since.wasSilent || since.movedInSilence) return false;
  if (window.length !== CALM || rule.minRefuelL <= 0 || rule.minDrainL <= 0) return false;
  for (let i = 0; i < CALM; i += 1) {
    const reading = window[i] as Reading;
    if (reading.level !== level || !reading.isStanding) return false;
  }
  return true;
}

const STOOD: Since = Object.freeze({ ...NOTHING_SINCE, hasStood: true });

/** The newest readings, those of the stretch among them; the same list where it has none. */
function windowBehind(
  window: readonly Reading[],
  stretch: Stretch,
  level: number,
): readonly Reading[] {
  let next: Reading[] | undefined;
  let slot = slotOf((window[CALM - 1] as Reading).fix);
  for (let i = 0; i < stretch.count; i += 1) {
    const fix = stretch.at(i);
    const fixSlot = slotOf(fix);
    if (fixSlot === slot) continue;
    slot = fixSlot;
    next ??= window.slice();
    if (next.length === CALM) next.shift();
    next.push({ fix, level, isStanding: true });
  }
  return next ?? window;
}

/** See `advanceFuel`. */
export function advanceFuelEvenly(
  state: FuelState,
  stretch: Stretch,
  rule: FuelRule,
): FuelState | typeof UNEVEN {
  const { first, last, motion, maxGapMs } = stretch;
  const level = levelOf(first, rule);
  if (!isConstant(rule.tanks, first.time, last.time)) return UNEVEN;
  if (level === undefined) {
    return state.window.length === 0 && state.anchor === undefined ? state : UNEVEN;
  }
  if (motion !== 'standing' || maxGapMs > FUEL_SILENCE_MS) return UNEVEN;
  if (!isAtRest(state, level, rule)) return UNEVEN;
  const window = windowBehind(state.window, stretch, level);
  const newest = window[CALM - 1] as Reading;
  const isRead = newest.fix === last;
  const { drivenM, hasStood } = state.since;
  if (window === state.window) {
    return hasStood ? state : { ...state, since: { ...STOOD, drivenM } };
  }
  const inputs = new InputSum();
  for (let i = CALM - RESTED; i < CALM; i += 1) inputs.add((window[i] as Reading).fix);
  const { spread } = state.anchor as Anchor;
  return {
    isStanding: true,
    window,
    anchor: { level, spread, fix: newest.fix, isRested: true, inputs },
    // Each reading that agrees begins anew.
    since: isRead ? NOTHING_SINCE : STOOD,
    suspicion: undefined,
    filling: undefined,
  };
}
