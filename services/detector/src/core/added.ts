import type { Midway } from './checkpoints.ts';
import { slotOf, type Chunk } from './chunk.ts';
import type { Fix } from './fix.ts';
import { Closed, type FoldState } from './fold.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { ALL_RULES, Pair } from './pair.ts';
import type { Shifts } from './state-shift.ts';
import { Walk } from './walk.ts';

const NO_SHIFTS: Shifts = Object.freeze([]);

/** What folding side by side goes by. */
class Beside {
  readonly front: Walk;
  readonly walk: Walk;
  readonly old: Walk;
  readonly pair: Pair;

  constructor(state: FoldState, rules: Rules, closed: Closed) {
    this.front = new Walk(state, rules, closed);
    this.walk = new Walk(state, rules, closed);
    this.old = new Walk(state, rules, closed);
    this.pair = new Pair(this.walk, this.old);
  }
}

/** Used again, so that one of each kind is always alive: without any, V8 throws away what it compiled for them. */
let used: Beside | undefined;

/** What fixes that were added to a folded chunk change in it. */
export interface Addition {
  /** How many cuts of each rule the chunk closed before the first of them. */
  readonly kept: readonly number[];
  /** What those from there on close now, up to where all goes on as before. */
  readonly now: Closed;
  /** The same without the added ones. */
  readonly before: Closed;
  /** The states at the slots that begin in between. */
  readonly passed: readonly Passed[];
  /** Slot of the last fix that was looked at. */
  readonly slot: number;
  /** The state at the end of the chunk, where that came first. */
  readonly state: FoldState;
  /** The same without the added ones. */
  readonly old: FoldState;
  /** How all that follows differs; undefined when the end of the chunk came first. */
  readonly shifts: Shifts | undefined;
}

/** How many cuts of each rule there are. */
export function countsOf(closed: Closed): number[] {
  return RULES.map((_, rule) => closed.of(rule).length);
}

function sum(a: readonly number[], b: Closed): number[] {
  return a.map((count, rule) => count + b.of(rule).length);
}

/** A state at a slot that begins while fixes are folded side by side. */
export interface Passed extends Midway {
  /** One bit for each rule of which it holds; of the others what stood at the slot is moved by `shifts`. */
  readonly open: number;
  readonly shifts: Shifts;
}

/** Where folding with and without added fixes begins. */
export interface AddedStart extends Midway {
  /** The state there without what was added in front of it; undefined when nothing was. */
  readonly without: FoldState | undefined;
}

/** What the fixes give, one after the other. */
export interface FixReader {
  /** Undefined at the end. */
  readonly next: () => Fix | undefined;
}

/** Goes on until the first added fix, which is returned with the slot before it. */
function goUntil(
  walk: Walk,
  fixes: FixReader,
  added: ReadonlySet<number>,
  slot: number,
): { readonly fix: Fix | undefined; readonly slot: number } {
  const run: Fix[] = [];
  let fix = fixes.next();
  for (; fix !== undefined && !added.has(fix.time); fix = fixes.next()) run.push(fix);
  walk.over(run);
  const newest = run.at(-1);
  return { fix, slot: newest === undefined ? slot : slotOf(newest.time) };
}

/**
 * Folds a chunk with the added fixes and without them, side by side, until both go on in the same way but for
 * sums: for nearly every rule that is the fix behind the last added one. `read` gives the fixes from `start` on.
 */
export function foldAdded(
  read: () => FixReader,
  added: ReadonlySet<number>,
  start: AddedStart,
  rules: Rules,
): Addition {
  const addition = foldBeside(read(), added, start, rules, true);
  // A rule that was left behind is not where the chunk ends.
  return addition ?? (foldBeside(read(), added, start, rules, false) as Addition);
}

/** `leavesBehind`: a rule that differs in sums only is not folded further; undefined when others last too long. */
function foldBeside(
  fixes: FixReader,
  added: ReadonlySet<number>,
  start: AddedStart,
  rules: Rules,
  leavesBehind: boolean,
): Addition | undefined {
  const [kept, now, before] = [new Closed(), new Closed(), new Closed()];
  used ??= new Beside(start.state, rules, kept);
  const { front, walk, old } = used;
  front.begin(start.state, rules, kept);
  const first =
    start.without === undefined
      ? goUntil(front, fixes, added, start.slot)
      : { fix: fixes.next(), slot: start.slot };
  const counts = sum(start.counts, kept);
  walk.begin(front.state, rules, now);
  old.begin(start.without ?? front.state, rules, before);
  const passed: Passed[] = [];
  let { slot } = first;
  let left = added.size;
  let pair: Pair | undefined;
  for (let { fix } = first; fix !== undefined; fix = fixes.next()) {
    const fixSlot = slotOf(fix.time);
    if (fixSlot > slot) passed.push(passedAt(fixSlot, walk, sum(counts, now), pair));
    slot = fixSlot;
    walk.next(fix);
    if (left > 0 && added.has(fix.time)) {
      left -= 1;
      continue;
    }
    if (pair !== undefined) pair.compare();
    else {
      old.next(fix);
      if (left > 0 || !walk.isAbreast(old)) continue;
      pair = used.pair.begin();
    }
    if (pair.isSame) break;
    if (leavesBehind) pair.leaveBehind();
    else pair = undefined;
  }
  // At the end of the chunk some rule was left behind.
  if (pair?.isSame === false) return undefined;
  const [shifts, state] = [pair?.shifts, walk.state];
  return { kept: counts, now, before, passed, slot, shifts, state, old: old.state };
}

function passedAt(
  slot: number,
  walk: Walk,
  counts: readonly number[],
  pair: Pair | undefined,
): Passed {
  const { open = ALL_RULES, shifts = NO_SHIFTS } = pair ?? {};
  const { last, located, states, held } = walk.state;
  const state = { last, located, states: states.slice(), held };
  return { slot, state, counts, open, shifts: shifts.slice() };
}

/**
 * Puts right the stretch of what the chunk closed that the added fixes changed, and the sums behind it; returns
 * one bit for each rule of which a cut is another now.
 */
export function exchangeCuts(
  chunk: Chunk,
  { kept, now, before, shifts = NO_SHIFTS }: Addition,
): number {
  const touched = now.rules | before.rules;
  let moved = touched;
  for (const [i, count] of kept.entries()) {
    const [bit, shift] = [1 << i, shifts[i]];
    if ((touched & bit) === 0 && (shift === undefined || (chunk.rules & bit) === 0)) continue;
    const cuts = chunk.cutsOf(i);
    const from = count + before.of(i).length;
    const behind = cuts.slice(from).map((cut) => shift?.cut(cut) ?? cut);
    if ((touched & bit) === 0 && behind.every((cut, at) => cut === cuts[from + at])) continue;
    chunk.setCuts(i, [...cuts.slice(0, count), ...now.of(i), ...behind]);
    moved |= bit;
  }
  chunk.leftOut += now.leftOut - before.leftOut;
  return moved;
}

/** True when as many cuts of each rule were closed as before: the counts behind stay what they are. */
export function areAsMany({ now, before }: Addition): boolean {
  return RULES.every((_, rule) => now.of(rule).length === before.of(rule).length);
}
