import { areEqual, ByteReader, ByteWriter } from './bytes.ts';
import type { FoldState } from './fold.ts';
import { RULES } from './rule-list.ts';
import type { Shift } from './rule.ts';
import { lastOf, newestTimeOf, partsOf, stateAt } from './state-codec.ts';

const inner = new ByteWriter();
const outer = new ByteWriter();

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

/** Bytes of a packed state to be replaced, from inclusive to exclusive. */
interface Replaced {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

const NONE: readonly Replaced[] = Object.freeze([]);

/** What moved in a packed state. */
interface Moved {
  /** One bit for each rule of which something did. */
  readonly rules: number;
  /** In order, what was not put right in place. */
  readonly replaced: readonly Replaced[];
}

/** Moves the sums of a packed state where they stand. */
export function shiftState(packed: Uint8Array, shifts: Shifts): Moved {
  const reader = new ByteReader(packed);
  const front = reader.bytes();
  let time: number | undefined;
  const newest = (): number => (time ??= newestTimeOf(front));
  let rules = 0;
  let replaced = NONE;
  for (let code = reader.u8(); code > 0; code = reader.u8()) {
    const from = reader.position;
    const size = reader.varint();
    const at = reader.position;
    reader.pass(size);
    const shift = shifts[code - 1];
    if (shift === undefined) continue;
    if (!shift.move(new ByteReader(packed.subarray(at, at + size)), newest, inner)) continue;
    rules |= 1 << (code - 1);
    const bytes = inner.take();
    if (bytes.length === size) packed.set(bytes, at);
    else {
      outer.bytes(bytes);
      replaced = [...replaced, { from, to: reader.position, bytes: outer.finish() }];
    }
  }
  return { rules, replaced };
}

/** Those of the rules that have their bit set. */
export function shiftsOfRules(shifts: Shifts, rules: number): Shifts {
  const isAll = shifts.every((shift, i) => shift === undefined || (rules & (1 << i)) !== 0);
  return isAll ? shifts : shifts.map((shift, i) => ((rules & (1 << i)) === 0 ? undefined : shift));
}

/** A later state with the sums moved. */
export function shifted(later: FoldState, shifts: Shifts): FoldState {
  const states = later.states.map((state, i) => shifts[i]?.state(state) ?? state);
  return { last: later.last, located: later.located, states, held: later.held };
}
