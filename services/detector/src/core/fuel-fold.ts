import { type Fix, type LocatedFix } from './fix.ts';
import { InputSum, joined, type Inputs } from './inputs.ts';
import { wasMoved } from './motion.ts';
import type { Step } from './rule.ts';
import { at, type Valid } from './unit-settings.ts';

/** What decides about fuel events; volumes in litres. */
export interface FuelRule {
  /** A rise of at least this is a refuel. */
  readonly minRefuelL: number;
  /** A fall of at least this, or of that share of the tank when it is more, is a drain. */
  readonly minDrainL: number;
  readonly minDrainShare: number;
  /** Capacity of the tank as of event time, l; empty where nobody knows it. */
  readonly tanks: readonly Valid<number>[];
  /** The same of units that have their own. */
  readonly ownTanks: ReadonlyMap<string, readonly Valid<number>[]>;
  /** What a standing engine burns at most, l/h. */
  readonly idleBurnLPerH: number;
  /** What a drive burns at most, l/km. */
  readonly driveBurnLPerKm: number;
  /** A drain counts when the level is still low this long after moving off, ms. */
  readonly confirmMs: number;
}

/** A level with the fix that carried it, l. */
export interface Reading {
  readonly fix: Fix;
  readonly level: number;
  readonly isStanding: boolean;
}

/** A level that several readings agree on. */
export interface Anchor {
  /** l; falls by what a standing engine burns. */
  readonly level: number;
  /** How far the readings differ from each other, l. */
  readonly spread: number;
  /** Newest fix whose level agrees with it. */
  readonly fix: Fix;
  /** The unit stood for all of it. */
  readonly isRested: boolean;
  /** Its readings. */
  readonly inputs: Inputs;
}

export type FuelKind = 'REFUEL' | 'DRAIN' | 'UNEXPLAINED';

/** HIGH: rested before and after in one watched standstill; MEDIUM: rested; LOW: a side was not rested. */
export type FuelConfidence = 'HIGH' | 'MEDIUM' | 'LOW';

/** A change of level as cut from the fixes. Cuts of one unit never overlap. */
export interface FuelCut {
  readonly kind: FuelKind;
  /** Last fix with the level before. */
  readonly start: Fix;
  /** First fix with the level after. */
  readonly end: Fix;
  readonly levelBeforeL: number;
  readonly levelAfterL: number;
  /** How far the volume may be off, l. */
  readonly errorL: number;
  readonly confidence: FuelConfidence;
  /** Where the unit was when the new level was seen. */
  readonly place: LocatedFix | undefined;
  readonly isPrivate: boolean;
  /** The readings before and after. */
  readonly inputs: Inputs;
  /** Those before: what comes after changes while a refuel grows. */
  readonly inputsBefore: Inputs;
}

/** A drain that waits for its confirmation. */
export interface Suspicion {
  readonly cut: FuelCut;
  /** First moving fix after it; undefined while the unit stands. */
  readonly movedOff: Fix | undefined;
}

/** What happened since the anchor. */
export interface Since {
  readonly hasStood: boolean;
  readonly hasMoved: boolean;
  readonly wasSilent: boolean;
  /** The unit was elsewhere after a silence, or nobody can tell. */
  readonly movedInSilence: boolean;
  /** Straight steps between positions, km. */
  readonly drivenM: number;
}

/** What all fixes up to some point leave behind. */
export interface FuelState {
  readonly isStanding: boolean;
  /** Newest readings since the last silence, oldest first. */
  readonly window: readonly Reading[];
  readonly anchor: Anchor | undefined;
  readonly since: Since;
  readonly suspicion: Suspicion | undefined;
  /** The newest refuel while it may still grow. */
  readonly filling: FuelCut | undefined;
}

const NOTHING: Since = Object.freeze({
  hasStood: false,
  hasMoved: false,
  wasSilent: false,
  movedInSilence: false,
  drivenM: 0,
});

/** Before the first fix. */
export const FUEL_START: FuelState = Object.freeze({
  isStanding: false,
  window: Object.freeze([]),
  anchor: undefined,
  since: NOTHING,
  suspicion: undefined,
  filling: undefined,
});

/** Of so much device time one reading counts, the first: so a fix that comes late moves no later one. */
const THIN_MS = 10_000;
/** Readings that must agree: at rest, and else. */
const RESTED = 3;
const CALM = 5;
/** Longer without a fix is a silence, ms. */
const SILENCE_MS = 300_000;
/** A straight step across a silence is shorter than the road. */
const DETOUR = 1.5;

function slotOf({ time }: Fix): number {
  return Math.floor(time / THIN_MS);
}

function levelOf(fix: Fix, rule: FuelRule): number | undefined {
  const tank = at(rule.tanks, fix.time);
  const { fuelLevelL: litres, fuelLevelPercent: percent } = fix;
  const level =
    litres ?? (percent === undefined || tank === undefined ? undefined : (percent / 100) * tank);
  // Zero is what a sensor says that is not there; more than fits comes from a stuck float.
  if (level === undefined || level <= 0) return undefined;
  return tank !== undefined && level > tank * 1.05 ? undefined : level;
}

/** How far readings of one level may lie apart, l. */
function toleranceL(rule: FuelRule, fix: Fix, isRested: boolean): number {
  const tank = at(rule.tanks, fix.time) ?? 0;
  return isRested ? Math.max(1, 0.015 * tank) : Math.max(4, 0.08 * tank);
}

function drainThresholdL(rule: FuelRule, fix: Fix): number {
  return Math.max(rule.minDrainL, rule.minDrainShare * (at(rule.tanks, fix.time) ?? 0));
}

/** Median of the levels of readings from position `from` on. */
function medianOf(readings: readonly Reading[], from: number): number {
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
function agreed(
  window: readonly Reading[],
  rule: FuelRule,
): Pick<Agreement, 'anchor' | 'first'> | undefined {
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

/** What a standing engine may have burnt between two fixes, l. */
function idleBurnL(from: Fix, to: Fix, rule: FuelRule): number {
  if (to.engineOn === false && from.engineOn === false) return 0;
  // A device that falls silent for hours does so because the engine is off.
  return (Math.min(to.time - from.time, 3_600_000) / 3_600_000) * rule.idleBurnLPerH;
}

/** A level that readings agree on, and the first of them. */
interface Agreement {
  readonly anchor: Anchor;
  readonly first: Fix;
  readonly place: LocatedFix | undefined;
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
  { anchor: now, first, place }: Agreement,
  rule: FuelRule,
  closed: FuelCut[],
): FuelState {
  const { anchor: before, since, window, isStanding, suspicion, filling } = state;
  const settled: FuelState = {
    isStanding,
    window,
    anchor: now,
    since: NOTHING,
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
  const drivenM = since.drivenM + wayM * (gapMs > SILENCE_MS ? DETOUR : 1);
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
  if (last !== undefined && fix.time - last.time > SILENCE_MS)
    next = afterSilence(next, since, step);
  if (!isStanding && state.isStanding) next = movedOff(next, fix, closed);
  const newest = next.window.at(-1);
  if (level === undefined) return next;
  if (newest !== undefined && slotOf(newest.fix) === slotOf(fix)) return next;
  return read(next, { fix, level, isStanding }, step, rule, closed);
}
