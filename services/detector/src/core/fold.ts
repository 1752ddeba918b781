import { distanceM } from '@waybill/domain';
import { isLocated, sameFix, type Fix, type LocatedFix } from './fix.ts';
import { isTooFast, judge, withoutPosition } from './outlier.ts';
import { SIGNAL, type AnyRule, type Shift, type Step } from './rule.ts';
import { RULES } from './rule-list.ts';
import { tripRuleAt, type Rules } from './rules.ts';

/** What all fixes up to some point leave behind: enough to go on without them. Never changed in place. */
export interface FoldState {
  readonly last: Fix | undefined;
  /** Newest fix with a position. */
  readonly located: LocatedFix | undefined;
  /** One state per rule of `RULES`. */
  readonly states: readonly unknown[];
  /** A fix in doubt and those without a position behind it: no rule has seen them yet. Nearly always empty. */
  readonly held: readonly Fix[];
}

/** Before the first fix. */
export const START: FoldState = Object.freeze({
  last: undefined,
  located: undefined,
  states: Object.freeze(RULES.map((rule) => rule.start)),
  held: Object.freeze([]),
});

const NO_ZONES: readonly string[] = Object.freeze([]);
const NO_FIXES: readonly Fix[] = Object.freeze([]);
const NOTHING: readonly unknown[] = Object.freeze([]);

/** What ended while fixes were folded, per rule and in order. */
export class Closed {
  #count = 0;
  #rules = 0;
  /** Impossible positions that were left out. */
  leftOut = 0;
  readonly #cuts: unknown[][] = [];

  /** Cuts of all rules. */
  get count(): number {
    return this.#count;
  }

  /** One bit per rule that has cuts here, by position. */
  get rules(): number {
    return this.#rules;
  }

  get isEmpty(): boolean {
    return this.#count === 0 && this.leftOut === 0;
  }

  /** Cuts of the rule at that position. */
  of(rule: number): readonly unknown[] {
    return this.#cuts[rule] ?? NOTHING;
  }

  /** Moves what stands in the other to the end of this. */
  take(other: Closed): void {
    for (const [rule, cuts] of other.#cuts.entries()) {
      if (cuts.length > 0) this.add(rule, cuts.splice(0));
    }
    this.leftOut += other.leftOut;
    other.#count = 0;
    other.#rules = 0;
    other.leftOut = 0;
  }

  /** Moves the sums of cuts; returns one bit for each rule of which one is another now. */
  shift(shifts: readonly (Shift<unknown, unknown> | undefined)[]): number {
    let moved = 0;
    for (const [i, shift] of shifts.entries()) {
      const cuts = this.#cuts[i];
      if (shift === undefined || cuts === undefined) continue;
      const others = cuts.map(shift.cut);
      if (others.every((cut, at) => cut === cuts[at])) continue;
      this.#cuts[i] = others;
      moved |= 1 << i;
    }
    return moved;
  }

  add(rule: number, cuts: readonly unknown[]): void {
    this.#count += cuts.length;
    this.#rules |= 1 << rule;
    for (let i = this.#cuts.length; i <= rule; i += 1) this.#cuts.push([]);
    this.#cuts[rule]?.push(...cuts);
  }
}

/** Takes what one step of one rule closes; almost always it stays empty. */
const scratch: unknown[] = [];

/** The fix when it has a position that the rules may use. */
function placeOf(fix: Fix, rules: Rules): LocatedFix | undefined {
  if (!isLocated(fix)) return undefined;
  const { minSatellites } = tripRuleAt(rules, fix.time);
  return (fix.satellites ?? Infinity) < minSatellites ? undefined : fix;
}

/** Great circle in steps of 1/1024 m: such lengths have sums that do not depend on their order. */
function stepM(from: LocatedFix, to: LocatedFix): number {
  return Math.round(distanceM(from, to) * 1024) / 1024;
}

/** What a fix tells, as a sum of `SIGNAL` bits. */
function signalsOf(fix: Fix): number {
  let signals = fix.latitude === undefined ? 0 : SIGNAL.position;
  if (fix.speedKmh !== undefined) signals |= SIGNAL.speed;
  if (fix.engineOn !== undefined) signals |= SIGNAL.engine;
  if (fix.fuelLevelL !== undefined || fix.fuelLevelPercent !== undefined) signals |= SIGNAL.fuel;
  if (fix.odometerKm !== undefined) signals |= SIGNAL.odometer;
  if (fix.engineHoursH !== undefined) signals |= SIGNAL.engineHours;
  if (fix.driver !== undefined) signals |= SIGNAL.driver;
  return signals;
}

interface Wanted {
  readonly rule: AnyRule;
  readonly index: number;
}

const wanted = new WeakMap<Rules, readonly Wanted[]>();

/** The rules that these settings want, found once: they are asked for at every fix. */
function wantedBy(rules: Rules): readonly Wanted[] {
  let list = wanted.get(rules);
  if (list === undefined) {
    list = RULES.flatMap((rule, index) => (rule.isWanted(rules) ? [{ rule, index }] : []));
    wanted.set(rules, list);
  }
  return list;
}

/** Shows a fix to the rules. */
function show(
  state: FoldState,
  { fix, leftOut }: { readonly fix: Fix; readonly leftOut: number },
  rules: Rules,
  closed: Closed,
): FoldState {
  const place = placeOf(fix, rules);
  const zoneIds = place === undefined ? NO_ZONES : rules.zones.containing(place, place.time);
  const { last, located, states } = state;
  const wayM = place === undefined || located === undefined ? 0 : stepM(located, place);
  const step: Step = { last, fix, located, place, wayM, leftOut, zoneIds };
  const hasPosition = fix.latitude !== undefined;
  let signals: number | undefined;
  let next: unknown[] | undefined;
  for (const { rule, index } of wantedBy(rules)) {
    // Most rules read the position: what else the fix tells is looked at for the others.
    if (!hasPosition || (rule.reads & SIGNAL.position) === 0) {
      signals ??= signalsOf(fix);
      if ((rule.reads & signals) === 0) continue;
    }
    const before = states[index];
    const moved = rule.advance(before, step, rules, scratch);
    if (scratch.length > 0) closed.add(index, scratch.splice(0));
    if (moved === before) continue;
    next ??= states.slice();
    next[index] = moved;
  }
  return { last: fix, located: place ?? located, states: next ?? states, held: NO_FIXES };
}

/** How long a fix in doubt waits for a neighbour, ms. */
function waitMs({ trip }: Rules): number {
  return Math.min(trip.gapMs, trip.silenceMs);
}

/** When nobody can contradict the fix in doubt any more, ms; Infinity without one. */
export function doubtEnds(state: FoldState, rules: Rules): number {
  const [suspect] = state.held;
  return suspect === undefined ? Infinity : suspect.time + waitMs(rules);
}

/** Shows the held fixes to the rules, all of them or without the position of the first. */
export function release(
  state: FoldState,
  isLeftOut: boolean,
  rules: Rules,
  closed: Closed,
): FoldState {
  let next = state;
  for (const [i, fix] of state.held.entries()) {
    const shown = isLeftOut && i === 0 ? withoutPosition(fix) : fix;
    next = show(next, { fix: shown, leftOut: 0 }, rules, closed);
  }
  if (isLeftOut) closed.leftOut += 1;
  return next;
}

/**
 * One fix further; what it ends is added to `closed`. Fixes must come in order, one per second. A fix that
 * is impossibly far from the one before is held until the next one tells whether it counts.
 */
export function advance(state: FoldState, fix: Fix, rules: Rules, closed: Closed): FoldState {
  const { held, located } = state;
  const limitKmh = rules.outlierSpeedKmh;
  if (held.length === 0 || located === undefined) {
    const isDoubtful =
      limitKmh !== Infinity &&
      located !== undefined &&
      isLocated(fix) &&
      isTooFast(located, fix, limitKmh);
    if (isDoubtful) return { ...state, held: [fix] };
    return show(state, { fix, leftOut: 0 }, rules, closed);
  }
  switch (judge(located, held, fix, { limitKmh, waitMs: waitMs(rules) })) {
    case 'wait':
      return { ...state, held: [...held, fix] };
    case 'leave out':
      return show(release(state, true, rules, closed), { fix, leftOut: 1 }, rules, closed);
    case 'keep':
      return advance(release(state, false, rules, closed), fix, rules, closed);
  }
}

/** True when both states give the same results for whatever follows. */
export function sameState(a: FoldState, b: FoldState): boolean {
  return (
    a === b ||
    (sameFix(a.last, b.last) &&
      sameFix(a.located, b.located) &&
      a.held.length === b.held.length &&
      a.held.every((fix, i) => sameFix(fix, b.held[i])) &&
      RULES.every(
        (rule, i) => a.states[i] === b.states[i] || rule.sameState(a.states[i], b.states[i]),
      ))
  );
}
