import { isLocated, sameFix, type Fix, type LocatedFix } from './fix.ts';
import { SIGNAL, type Step } from './rule.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';

/** What all fixes up to some point leave behind: enough to go on without them. Never changed in place. */
export interface FoldState {
  readonly last: Fix | undefined;
  /** Newest fix with a position. */
  readonly located: LocatedFix | undefined;
  /** One state per rule of `RULES`. */
  readonly states: readonly unknown[];
}

/** Before the first fix. */
export const START: FoldState = Object.freeze({
  last: undefined,
  located: undefined,
  states: Object.freeze(RULES.map((rule) => rule.start)),
});

const NO_ZONES: readonly string[] = Object.freeze([]);
const NOTHING: readonly unknown[] = Object.freeze([]);

/** What ended while fixes were folded, per rule and in order. */
export class Closed {
  #count = 0;
  readonly #cuts: unknown[][] = [];

  /** Cuts of all rules. */
  get count(): number {
    return this.#count;
  }

  /** Cuts of the rule at that position. */
  of(rule: number): readonly unknown[] {
    return this.#cuts[rule] ?? NOTHING;
  }

  add(rule: number, cuts: readonly unknown[]): void {
    this.#count += cuts.length;
    for (let i = this.#cuts.length; i <= rule; i += 1) this.#cuts.push([]);
    this.#cuts[rule]?.push(...cuts);
  }
}

/** Takes what one step of one rule closes; almost always it stays empty. */
const scratch: unknown[] = [];

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

/** One fix further; what it ends is added to `closed`. Fixes must come in order, one per second. */
export function advance(state: FoldState, fix: Fix, rules: Rules, closed: Closed): FoldState {
  const place = isLocated(fix) ? fix : undefined;
  const zoneIds = place === undefined ? NO_ZONES : rules.zones.containing(place, place.time);
  const step: Step = { last: state.last, located: state.located, fix, place, zoneIds };
  const signals = signalsOf(fix);
  const { states } = state;
  let next: unknown[] | undefined;
  for (let i = 0; i < RULES.length; i += 1) {
    const rule = RULES[i];
    if (rule === undefined || (rule.reads & signals) === 0 || !rule.isWanted(rules)) continue;
    const moved = rule.advance(states[i], step, rules, scratch);
    if (scratch.length > 0) closed.add(i, scratch.splice(0));
    if (moved === states[i]) continue;
    next ??= states.slice();
    next[i] = moved;
  }
  return { last: fix, located: place ?? state.located, states: next ?? states };
}

/** True when both states give the same results for whatever follows. */
export function sameState(a: FoldState, b: FoldState): boolean {
  return (
    a === b ||
    (sameFix(a.last, b.last) &&
      sameFix(a.located, b.located) &&
      RULES.every(
        (rule, i) => a.states[i] === b.states[i] || rule.sameState(a.states[i], b.states[i]),
      ))
  );
}
