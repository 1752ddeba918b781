import { areEqual, ByteReader, ByteWriter } from './bytes.ts';
import type { Fix } from './fix.ts';
import { RULES } from './rule-list.ts';
import type { Shift } from './rule.ts';
import { readBorder } from './state-codec.ts';

const inner = new ByteWriter();

/** By position in `RULES`; undefined for a rule of which nothing differs. */
export type Shifts = readonly (Shift<unknown, unknown> | undefined)[];

/** A packed state by its parts. */
interface Parts {
  /** What stands in front of the rules' sections. */
  readonly front: Uint8Array;
  readonly last: Fix | undefined;
  /** By position in `RULES`; undefined for a rule that has seen nothing. */
  readonly sections: readonly (Uint8Array | undefined)[];
}

function partsOf(packed: Uint8Array): Parts {
  const reader = new ByteReader(packed);
  const { last } = readBorder(reader);
  const front = packed.subarray(0, reader.position);
  const sections: (Uint8Array | undefined)[] = RULES.map(() => undefined);
  while (reader.u8() === 1) {
    const name = reader.text();
    const section = reader.bytes();
    const index = RULES.findIndex((rule) => rule.name === name);
    if (index !== -1) sections[index] = section;
  }
  return { front, last, sections };
}

function stateAt(index: number, { sections, last }: Parts): unknown {
  const [rule, section] = [RULES[index], sections[index]];
  if (rule === undefined || section === undefined) return rule?.start;
  const reader = new ByteReader(section);
  reader.before = last;
  return rule.readState(reader);
}

/**
 * How everything that follows one packed state differs from what followed the other; undefined when it has
 * to be folded again. Compared by bytes: two that say the same in another order count as different, which
 * costs a fold more.
 */
export function shiftsBetween(now: Uint8Array, before: Uint8Array): Shifts | undefined {
  if (areEqual(now, before)) return [];
  const [a, b] = [partsOf(now), partsOf(before)];
  if (!areEqual(a.front, b.front)) return undefined;
  const shifts: (Shift<unknown, unknown> | undefined)[] = [];
  for (const [i, rule] of RULES.entries()) {
    const [x, y] = [a.sections[i], b.sections[i]];
    const isSame = x === y || (x !== undefined && y !== undefined && areEqual(x, y));
    if (isSame) continue;
    const shift = rule.shiftOf?.(stateAt(i, a), stateAt(i, b));
    if (shift === undefined) return undefined;
    shifts[i] = shift;
  }
  return shifts;
}

/** A packed state with the sums moved; undefined when none of what moves is open in it. */
export function shiftedState(packed: Uint8Array, shifts: Shifts): Uint8Array | undefined {
  const parts = partsOf(packed);
  const sections = [...parts.sections];
  let hasMoved = false;
  for (const [i, shift] of shifts.entries()) {
    if (shift === undefined) continue;
    const state = stateAt(i, parts);
    const moved = shift.state(state);
    if (moved === state) continue;
    inner.before = parts.last;
    RULES[i]?.writeState(inner, moved);
    sections[i] = inner.finish();
    hasMoved = true;
  }
  if (!hasMoved) return undefined;
  inner.append(parts.front);
  for (const [i, section] of sections.entries()) {
    if (section === undefined) continue;
    inner.u8(1);
    inner.text(RULES[i]?.name ?? '');
    inner.bytes(section);
  }
  inner.u8(0);
  return inner.finish();
}
