import { areEqual, ByteReader, ByteWriter } from './bytes.ts';
import type { FoldState } from './fold.ts';
import { RULES } from './rule-list.ts';
import type { Shift } from './rule.ts';
import { lastOf, partsOf, stateAt, writeParts } from './state-codec.ts';

const inner = new ByteWriter();

/** By position in `RULES`; undefined for a rule of which nothing differs. */
export type Shifts = readonly (Shift<unknown, unknown> | undefined)[];

/**
 * How everything that follows one packed state differs from what followed the other; undefined when it has
 * to be folded again. Compared by bytes: two that say the same in another order count as different, which
 * costs a fold more.
 */
export function shiftsBetween(now: Uint8Array, before: Uint8Array): Shifts | undefined {
  if (areEqual(now, before)) return [];
  const [a, b] = [partsOf(new ByteReader(now)), partsOf(new ByteReader(before))];
  if (!areEqual(a.front, b.front)) return undefined;
  const last = lastOf(a);
  const shifts: (Shift<unknown, unknown> | undefined)[] = [];
  for (const [i, rule] of RULES.entries()) {
    const [x, y] = [a.sections[i], b.sections[i]];
    const isSame = x === y || (x !== undefined && y !== undefined && areEqual(x, y));
    if (isSame) continue;
    const shift = rule.shiftOf?.(stateAt(i, a, last), stateAt(i, b, last));
    if (shift === undefined) return undefined;
    shifts[i] = shift;
  }
  return shifts;
}

/** The same for two states that the same fixes lead on from. */
export function shiftsOf(now: FoldState, before: FoldState): Shifts | undefined {
  if (now.last !== before.last || now.located !== before.located) return undefined;
  if (now.held.length > 0 || before.held.length > 0) return undefined;
  const shifts: (Shift<unknown, unknown> | undefined)[] = [];
  for (const [i, rule] of RULES.entries()) {
    const [x, y] = [now.states[i], before.states[i]];
    if (x === y || rule.sameState(x, y)) continue;
    const shift = rule.shiftOf?.(x, y);
    if (shift === undefined) return undefined;
    shifts[i] = shift;
  }
  return shifts;
}

/**
 * A packed state with the sums moved, in place where its rules can; undefined when none of what moves is open
 * in it.
 */
export function shiftedState(packed: Uint8Array, shifts: Shifts): Uint8Array | undefined {
  const parts = partsOf(new ByteReader(packed));
  let hasMoved = false;
  let isWhole = true;
  for (const [i, shift] of shifts.entries()) {
    const section = parts.sections[i];
    if (shift === undefined || section === undefined) continue;
    if (shift.patch !== undefined) {
      const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
      if (shift.patch(view)) hasMoved = true;
      continue;
    }
    const last = lastOf(parts);
    const state = stateAt(i, parts, last);
    const moved = shift.state(state);
    if (moved === state) continue;
    inner.before = last;
    RULES[i]?.writeState(inner, moved);
    parts.sections[i] = inner.finish();
    hasMoved = true;
    isWhole = false;
  }
  if (!hasMoved) return undefined;
  if (isWhole) return packed;
  writeParts(inner, parts);
  return inner.finish();
}

/** A later state with the sums moved. */
export function shifted(later: FoldState, shifts: Shifts): FoldState {
  const states = later.states.map((state, i) => shifts[i]?.state(state) ?? state);
  return { ...later, states };
}
