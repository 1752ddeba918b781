import type { AnyRule, Shift } from './rule.ts';
import { RULES } from './rule-list.ts';
import type { Shifts } from './state-shift.ts';
import type { Walk } from './walk.ts';

/** One bit for each rule, by position. */
export const ALL_RULES: number = (1 << RULES.length) - 1;

/**
 * Two walks that the same fixes lead on, with and without added ones before, until they differ in sums only. A
 * rule that does so may be left behind: what follows of it is moved by what it differs in then. Readings of fuel
 * stay in their window for a minute; all other rules nearly always go on alike behind the next fix.
 */
export class Pair {
  readonly #walk: Walk;
  readonly #old: Walk;
  #shifts: (Shift<unknown, unknown> | undefined)[] = [];
  #open = ALL_RULES;
  /** Those that are shown further fixes together; 0 as long as each walk goes by itself. */
  #led = 0;

  constructor(walk: Walk, old: Walk) {
    this.#walk = walk;
    this.#old = old;
  }

  /** Begins anew: both walks are abreast. */
  begin(): this {
    this.#open = ALL_RULES;
    this.#led = 0;
    this.#shifts = [];
    this.compare();
    return this;
  }

  /** The rules that differ by more than sums, one bit each by position. */
  get open(): number {
    return this.#open;
  }

  /** How what follows differs, of all other rules. */
  get shifts(): Shifts {
    return this.#shifts;
  }

  get isSame(): boolean {
    return this.#open === 0;
  }

  /** From now on `walk` takes the other one along, and only the rules that still differ. */
  leaveBehind(): void {
    if (this.#led === this.#open) return;
    this.#led = this.#open;
    this.#walk.lead(this.#old);
    this.#walk.narrow(this.#open);
  }

  /** Looks at both again, a fix further. */
  compare(): void {
    const [now, before] = [this.#walk.states, this.#old.states];
    for (let i = 0; i < RULES.length; i += 1) {
      const rule = RULES[i] as AnyRule;
      if ((this.#open & (1 << i)) === 0) continue;
      if (now[i] !== before[i] && !rule.sameState(now[i], before[i])) {
        const shift = rule.shiftOf?.(now[i], before[i]);
        if (shift === undefined) continue;
        this.#shifts[i] = shift;
      }
      this.#open &= ~(1 << i);
    }
  }
}
