import { distanceM } from '@waybill/domain';
import { isLocated, type Fix, type LocatedFix } from './fix.ts';
import { NO_FIXES, type Closed, type FoldState } from './fold.ts';
import { motionOf } from './motion.ts';
import { isTooFast, judge, withoutPosition } from './outlier.ts';
import { SIGNAL, type AnyRule, type Step } from './rule.ts';
import { RULES } from './rule-list.ts';
import { tripRuleAt, type Rules } from './rules.ts';
import { Stretch, stretchFrom, UNEVEN } from './stretch.ts';

const NO_ZONES: readonly string[] = Object.freeze([]);

/** Takes what one step of one rule closes; almost always it stays empty. */
const scratch: unknown[] = [];

/** The fix when it has a position that the rules may use. */
function placeOf(fix: Fix, rules: Rules): LocatedFix | undefined {
  if (!isLocated(fix)) return undefined;
  const { minSatellites } = tripRuleAt(rules, fix.time);
  return (fix.satellites ?? Infinity) < minSatellites ? undefined : fix;
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

/** What of a rule is asked for at every fix: of one shape for all, which rules themselves are not. */
interface Wanted {
  readonly index: number;
  readonly reads: number;
  readonly advance: AnyRule['advance'];
  readonly advanceEvenly: AnyRule['advanceEvenly'];
}

const wanted = new WeakMap<Rules, readonly Wanted[]>();

/** The rules that these settings want. */
function wantedBy(rules: Rules): readonly Wanted[] {
  let list = wanted.get(rules);
  if (list === undefined) {
    list = RULES.flatMap(({ reads, advance, advanceEvenly, isWanted }, index) =>
      isWanted(rules) ? [{ index, reads, advance, advanceEvenly }] : [],
    );
    wanted.set(rules, list);
  }
  return list;
}

type Filled<T> = { -readonly [K in keyof T]: T[K] };

/** Filled anew for each fix: no rule keeps it. */
const step: Filled<Step> = {
  last: undefined,
  // Never shown: `#fill` fills all.
  fix: undefined as unknown as Fix,
  located: undefined,
  place: undefined,
  wayM: 0,
  motion: 'unknown',
  leftOut: 0,
  zoneIds: NO_ZONES,
};

/** Filled anew for each stretch. One of its kind stays alive: without any, V8 throws away what it compiled for them. */
const current = new Stretch();

/** How long a fix in doubt waits for a neighbour, ms. */
function waitMs({ trip }: Rules): number {
  return Math.min(trip.gapMs, trip.silenceMs);
}

/** When nobody can contradict the fix in doubt any more, ms; Infinity without one. */
export function doubtEnds(state: FoldState, rules: Rules): number {
  const [suspect] = state.held;
  return suspect === undefined ? Infinity : suspect.time + waitMs(rules);
}

/** A walk that is taken along by another one. */
interface Follower {
  /** By position in `RULES`. */
  readonly states: unknown[];
  readonly closed: Closed;
}

/** A state on its way over a run of fixes: only its end becomes a state of its own. */
export class Walk {
  #last: Fix | undefined;
  #located: LocatedFix | undefined;
  #held = NO_FIXES;
  #states: unknown[] = [];
  #rules: Rules;
  #closed: Closed;
  #wanted: readonly Wanted[] = [];
  #follower: Follower | undefined;

  constructor(state: FoldState, rules: Rules, closed: Closed) {
    this.#rules = rules;
    this.#closed = closed;
    this.begin(state, rules, closed);
  }

  /** Begins anew from another state. */
  begin({ last, located, held, states }: FoldState, rules: Rules, closed: Closed): void {
    this.#last = last;
    this.#located = located;
    this.#held = held;
    this.#states = states.slice();
    this.#rules = rules;
    this.#wanted = wantedBy(rules);
    this.#closed = closed;
    this.#follower = undefined;
  }

  /** True when both are behind the same fixes, none of them in doubt: what comes means the same to both. */
  isAbreast(other: Walk): boolean {
    if (this.#last !== other.#last || this.#located !== other.#located) return false;
    return this.#held.length === 0 && other.#held.length === 0;
  }

  /** Takes the other one along from here on: it is shown what this one is, by `next`. */
  lead(other: Walk): void {
    this.#follower = { states: other.#states, closed: other.#closed };
  }

  /** By position in `RULES`. */
  get states(): readonly unknown[] {
    return this.#states;
  }

  /** Shows what comes to these rules alone, one bit each by position. */
  narrow(rules: number): void {
    this.#wanted = this.#wanted.filter(({ index }) => (rules & (1 << index)) !== 0);
  }

  /** Where it is now; good as long as it goes no further. */
  get state(): FoldState {
    return {
      last: this.#last,
      located: this.#located,
      states: this.#states,
      held: this.#held,
    };
  }

  /** All these fixes further. */
  over(fixes: readonly Fix[]): void {
    for (let at = 0; at < fixes.length;) {
      const passed = this.#evenly(fixes, at);
      if (passed === 0) this.next(fixes[at] as Fix);
      at += Math.max(1, passed);
    }
  }

  /** One fix further. */
  next(fix: Fix): void {
    const located = this.#located;
    const limitKmh = this.#rules.outlierSpeedKmh;
    if (located === undefined) {
      this.#show(fix, 0);
      return;
    }
    if (this.#held.length > 0) {
      this.#decide(located, fix);
      return;
    }
    const isDoubtful = limitKmh !== Infinity && isLocated(fix) && isTooFast(located, fix, limitKmh);
    if (isDoubtful) this.#held = [fix];
    else this.#show(fix, 0);
  }

  /** So many fixes further: as many as are like the one before; 0 = not even the first. */
  #evenly(fixes: readonly Fix[], from: number): number {
    const [before, rules] = [this.#located, this.#rules];
    if (before === undefined || before !== this.#last || this.#held.length > 0) return 0;
    // Settings of its own, and zones, may be others at each fix.
    if (rules.unitTrip.length > 0 || before.time < rules.zones.stableFrom) return 0;
    const range = stretchFrom(fixes, from, before, rules.trip.minSatellites);
    if (range === undefined) return 0;
    this.#fill(fixes[from] as Fix, 0);
    const stretch = current.fill(fixes, range, step);
    const states = this.#states;
    for (const rule of this.#wanted) {
      const next = rule.advanceEvenly(states[rule.index], stretch, rules);
      if (next === UNEVEN) this.#showEach(rule, stretch);
      else states[rule.index] = next;
    }
    this.#last = stretch.last;
    this.#located = stretch.last;
    return stretch.count;
  }

  /** Shows each fix of a stretch to one rule. */
  #showEach({ index, advance }: Wanted, stretch: Stretch): void {
    const [states, rules] = [this.#states, this.#rules];
    let { before } = stretch;
    for (let i = 0; i < stretch.count; i += 1) {
      const fix = stretch.at(i);
      step.last = before;
      step.located = before;
      step.fix = fix;
      step.place = fix;
      states[index] = advance(states[index], step, rules, scratch);
      before = fix;
    }
    if (scratch.length > 0) this.#closed.add(index, scratch.splice(0));
  }

  #decide(located: LocatedFix, fix: Fix): void {
    const rules = this.#rules;
    const limits = { limitKmh: rules.outlierSpeedKmh, waitMs: waitMs(rules) };
    switch (judge(located, this.#held, fix, limits)) {
      case 'wait':
        this.#held = [...this.#held, fix];
        return;
      case 'leave out':
        this.release(true);
        this.#show(fix, 1);
        return;
      case 'keep':
        this.release(false);
        this.next(fix);
    }
  }

  /** Shows the held fixes to the rules, all of them or without the position of the first. */
  release(isLeftOut: boolean): void {
    for (const [i, fix] of this.#held.entries()) {
      this.#show(isLeftOut && i === 0 ? withoutPosition(fix) : fix, 0);
    }
    if (!isLeftOut) return;
    this.#closed.leftOut += 1;
    if (this.#follower !== undefined) this.#follower.closed.leftOut += 1;
  }

  #fill(fix: Fix, leftOut: number): void {
    const [rules, located] = [this.#rules, this.#located];
    const place = placeOf(fix, rules);
    const stepM = located === undefined || !isLocated(fix) ? undefined : distanceM(located, fix);
    step.last = this.#last;
    step.fix = fix;
    step.located = located;
    step.place = place;
    // Such lengths have sums that do not depend on their order.
    step.wayM = place === undefined || stepM === undefined ? 0 : Math.round(stepM * 1024) / 1024;
    step.motion = motionOf(located, fix, stepM, rules.trip);
    step.leftOut = leftOut;
    step.zoneIds = place === undefined ? NO_ZONES : rules.zones.containing(place, place.time);
  }

  /** Shows a fix to the rules. */
  #show(fix: Fix, leftOut: number): void {
    this.#fill(fix, leftOut);
    const [states, rules, follower] = [this.#states, this.#rules, this.#follower];
    const hasPosition = fix.latitude !== undefined;
    let signals = -1;
    for (const { index, reads, advance } of this.#wanted) {
      // Most rules read the position: what else the fix tells is looked at for the others.
      if (!hasPosition || (reads & SIGNAL.position) === 0) {
        if (signals === -1) signals = signalsOf(fix);
        if ((reads & signals) === 0) continue;
      }
      states[index] = advance(states[index], step, rules, scratch);
      if (scratch.length > 0) this.#closed.add(index, scratch.splice(0));
      if (follower === undefined) continue;
      follower.states[index] = advance(follower.states[index], step, rules, scratch);
      if (scratch.length > 0) follower.closed.add(index, scratch.splice(0));
    }
    this.#last = fix;
    this.#located = step.place ?? step.located;
    this.#held = NO_FIXES;
  }
}

/** See `current`. */
let used: Walk | undefined;

/** A walk that nobody goes on with after the call. */
function walkFrom(state: FoldState, rules: Rules, closed: Closed): Walk {
  if (used === undefined) used = new Walk(state, rules, closed);
  else used.begin(state, rules, closed);
  return used;
}

/**
 * All these fixes further; what they end is added to `closed`. Fixes must come in order, one per second. A
 * fix that is impossibly far from the one before is held until the next one tells whether it counts.
 */
export function walked(
  state: FoldState,
  fixes: readonly Fix[],
  rules: Rules,
  closed: Closed,
): FoldState {
  if (fixes.length === 0) return state;
  const walk = walkFrom(state, rules, closed);
  walk.over(fixes);
  return walk.state;
}

/** Shows the held fixes to the rules. */
export function released(state: FoldState, rules: Rules, closed: Closed): FoldState {
  const walk = walkFrom(state, rules, closed);
  walk.release(false);
  return walk.state;
}
