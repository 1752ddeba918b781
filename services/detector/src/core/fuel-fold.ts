import { type Fix, type LocatedFix } from './fix.ts';
import {
  agreed,
  CALM,
  drainThresholdL,
  levelOf,
  medianOf,
  RESTED,
  slotOf,
  toleranceL,
  type Agreement,
} from './fuel-levels.ts';
import {
  NOTHING_SINCE,
  type Anchor,
  type FuelCut,
  type FuelKind,
  type FuelRule,
  type FuelState,
  type Reading,
  type Since,
} from './fuel-state.ts';
import { joined } from './inputs.ts';
import { wasMoved } from './motion.ts';
import type { Step } from './rule.ts';

/** Longer without a fix is a silence, ms. */
export const FUEL_SILENCE_MS = 300_000;
/** A straight step across a silence is shorter than the road. */
const DETOUR = 1.5;

/** What a standing engine may have burnt between two fixes, l. */
function idleBurnL(from: Fix, to: Fix, rule: FuelRule): number {
  if (to.engineOn === false && from.engineOn === false) return 0;
  // A device that falls silent for hours does so because the engine is off.
  return (Math.min(to.time - from.time, 3_600_000) / 3_600_000) * rule.idleBurnLPerH;
}

interface Comparison {
  readonly state: FuelState;
  readonly before: Anchor;
  readonly now: Anchor;
  /** First fix with the new level. */
  readonly first: Fix;
  readonly place: LocatedFix | undefined;
}

function cutOf(kind: FuelKind, { state, before, now, first, place }: Comparison): FuelCut {
  const isRested = before.isRested && now.isRested;
  const { hasMoved, wasSilent } = state.since;
  return {
    kind,
    start: before.fix,
    end: first,
    levelBeforeL: before.level,
    levelAfterL: now.level,
    errorL: before.spread + now.spread,
    confidence: !isRested ? 'LOW' : hasMoved || wasSilent ? 'MEDIUM' : 'HIGH',
    place,
    isPrivate: before.fix.isPrivate || now.fix.isPrivate,
    inputs: joined(before.inputs, now.inputs),
    inputsBefore: before.inputs,
  };
}

function isRefuel({ state, before, now }: Comparison, rule: FuelRule): boolean {
  const { hasStood, wasSilent } = state.since;
  if (!hasStood && !wasSilent) return false;
  const doubt = now.isRested && before.isRested ? 0 : (before.spread + now.spread) / 2;
  return now.level - before.level >= rule.minRefuelL + doubt;
}

function refuelled(comparison: Comparison, settled: FuelState, closed: FuelCut[]): FuelState {
  const { filling } = comparison.state;
  if (filling !== undefined) closed.push(filling);
  return { ...settled, filling: cutOf('REFUEL', comparison) };
}

/** In one standstill: noise does not move the anchor, the engine does; what is beyond is a suspicion. */
function whileStanding(comparison: Comparison, settled: FuelState, rule: FuelRule): FuelState {
  const { state, before, now } = comparison;
  const burnt = idleBurnL(before.fix, now.fix, rule);
  const { filling } = state;
  const tolerance = toleranceL(rule, now.fix, true);
  if (filling !== undefined && now.level > filling.levelAfterL + tolerance) {
    const inputs = joined(filling.inputsBefore, now.inputs);
    const grown = { ...filling, end: comparison.first, levelAfterL: now.level, inputs };
    return { ...settled, filling: grown };
  }
  if (before.level - now.level - burnt >= drainThresholdL(rule, now.fix)) {
    const level = before.level - burnt;
    const cut = cutOf('DRAIN', { ...comparison, before: { ...before, level } });
    return { ...settled, suspicion: { cut, movedOff: undefined } };
  }
  if (Math.abs(now.level - before.level) <= tolerance) {
    const level = Math.min(Math.max(now.level, before.level - burnt), before.level);
    const { spread, isRested } = before;
    return { ...settled, anchor: { level, spread, fix: now.fix, isRested, inputs: now.inputs } };
  }
  return state;
}

function isUnexplained({ state, before, now }: Comparison, rule: FuelRule): boolean {
  const { movedInSilence, drivenM } = state.since;
  if (!movedInSilence) return false;
  const burnt = (drivenM / 1000) * rule.driveBurnLPerKm + idleBurnL(before.fix, now.fix, rule);
  const doubt = before.spread + now.spread;
  return before.level - now.level - burnt - doubt >= drainThresholdL(rule, now.fix);
}

/** A level that readings agree on, against the one before. */
function compare(
  state: FuelState,
  { anchor: now, first, place }: Agreement & { readonly place: LocatedFix | undefined },
  rule: FuelRule,
  closed: FuelCut[],
): FuelState {
  const { anchor: before, since, window, isStanding, suspicion, filling } = state;
  const settled: FuelState = {
    isStanding,
    window,
    anchor: now,
    since: NOTHING_SINCE,
    suspicion,
    filling,
  };
  if (before === undefined) return settled;
  const comparison: Comparison = { state, before, now, first, place };
  if (isRefuel(comparison, rule)) return refuelled(comparison, settled, closed);
  if (before.isRested && !since.hasMoved && !since.movedInSilence) {
    return now.isRested ? whileStanding(comparison, settled, rule) : state;
  }
  if (isUnexplained(comparison, rule)) closed.push(cutOf('UNEXPLAINED', comparison));
  return settled;
}

/** Decides about a suspicion once the unit has driven long enough. */
function confirmed(state: FuelState, fix: Fix, rule: FuelRule, closed: FuelCut[]): FuelState {
  const { suspicion, window } = state;
  if (suspicion?.movedOff === undefined) return state;
  if (fix.time - suspicion.movedOff.time < rule.confirmMs || window.length < RESTED) return state;
  const { cut } = suspicion;
  if (medianOf(window, 0) < (cut.levelBeforeL + cut.levelAfterL) / 2) closed.push(cut);
  return { ...state, suspicion: undefined };
}

function afterSilence(state: FuelState, since: Since, step: Step): FuelState {
  const isMoved = wasMoved(step.located, step.fix) ?? true;
  const movedInSilence = since.movedInSilence || isMoved;
  return { ...state, window: [], since: { ...since, wasSilent: true, movedInSilence } };
}

function movedBy(since: Since, { located, place, wayM }: Step, isStanding: boolean): Since {
  const hasStood = since.hasStood || isStanding;
  const hasMoved = since.hasMoved || !isStanding;
  // A unit that stands reports the same place over and over.
  if (wayM === 0 && hasStood === since.hasStood && hasMoved === since.hasMoved) return since;
  const { wasSilent, movedInSilence } = since;
  const gapMs = place === undefined || located === undefined ? 0 : place.time - located.time;
  const drivenM = since.drivenM + wayM * (gapMs > FUEL_SILENCE_MS ? DETOUR : 1);
  return { hasStood, hasMoved, wasSilent, movedInSilence, drivenM };
}

function movedOff(state: FuelState, fix: Fix, closed: FuelCut[]): FuelState {
  const { filling, suspicion } = state;
  if (filling !== undefined) closed.push(filling);
  return {
    ...state,
    filling: undefined,
    suspicion: suspicion && { ...suspicion, movedOff: suspicion.movedOff ?? fix },
  };
}

/** The state with a further reading, and what follows from the level that the newest ones agree on. */
function read(
  state: FuelState,
  reading: Reading,
  { place, located }: Step,
  rule: FuelRule,
  closed: FuelCut[],
): FuelState {
  const window = state.window.length < CALM ? state.window.slice() : state.window.slice(1);
  window.push(reading);
  const { isStanding, anchor: before, since, suspicion, filling } = state;
  const seen = { isStanding, window, anchor: before, since, suspicion, filling };
  const next = confirmed(seen, reading.fix, rule, closed);
  const agreement = agreed(window, rule);
  if (agreement === undefined) return next;
  const { anchor, first } = agreement;
  return compare(next, { anchor, first, place: place ?? located }, rule, closed);
}

/** The fuel rule: one fix further; what it completes is added to `closed`. */
export function advanceFuel(
  state: FuelState,
  step: Step,
  rule: FuelRule,
  closed: FuelCut[],
): FuelState {
  const { fix, last, motion } = step;
  const level = levelOf(fix, rule);
  // Most units have no fuel sensor: nothing is kept of them.
  if (level === undefined && state.window.length === 0 && state.anchor === undefined) return state;
  const isStanding = motion === 'unknown' ? state.isStanding : motion === 'standing';
  const since = movedBy(state.since, step, isStanding);
  let next = state;
  if (since !== state.since || isStanding !== state.isStanding) {
    const { window, anchor, suspicion, filling } = state;
    next = { isStanding, window, anchor, since, suspicion, filling };
  }
  if (last !== undefined && fix.time - last.time > FUEL_SILENCE_MS)
    next = afterSilence(next, since, step);
  if (!isStanding && state.isStanding) next = movedOff(next, fix, closed);
  const newest = next.window.at(-1);
  if (level === undefined) return next;
  if (newest !== undefined && slotOf(newest.fix) === slotOf(fix)) return next;
  return read(next, { fix, level, isStanding }, step, rule, closed);
}
