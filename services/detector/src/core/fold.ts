import { sameFix, type Fix, type LocatedFix } from './fix.ts';
import { RULES } from './rule-list.ts';

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

/** None is in doubt. */
export const NO_FIXES: readonly Fix[] = Object.freeze([]);

/** Before the first fix. */
export const START: FoldState = Object.freeze({
  last: undefined,
  located: undefined,
  states: Object.freeze(RULES.map((rule) => rule.start)),
  held: NO_FIXES,
});

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

  /** Adds the cuts of the other, which keeps them. */
  addAll(other: Closed): void {
    for (const [rule, cuts] of other.#cuts.entries()) this.add(rule, cuts);
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

  add(rule: number, cuts: readonly unknown[]): void {
    if (cuts.length === 0) return;
    this.#count += cuts.length;
    this.#rules |= 1 << rule;
    for (let i = this.#cuts.length; i <= rule; i += 1) this.#cuts.push([]);
    this.#cuts[rule]?.push(...cuts);
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
