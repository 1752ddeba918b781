import type { Midway } from './checkpoints.ts';
import { slotOf } from './chunk.ts';
import type { Fix } from './fix.ts';
import { Closed, type FoldState } from './fold.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { shiftsOf, type Shifts } from './state-shift.ts';
import { walked } from './walk.ts';

/** What fixes that were added to a folded chunk change in it. */
export interface Addition {
  /** How many cuts of each rule the chunk closed before the first of them. */
  readonly kept: readonly number[];
  /** What those from there on close now, up to where all goes on as before. */
  readonly now: Closed;
  /** The same without the added ones. */
  readonly before: Closed;
  /** The states at the slots that begin in between. */
  readonly passed: readonly Midway[];
  /** The state after the last fix that was looked at, and its slot. */
  readonly state: FoldState;
  readonly slot: number;
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

/** Where folding with and without added fixes begins. */
export interface AddedStart extends Midway {
  /** The state there without what was added in front of it; undefined when nothing was. */
  readonly without: FoldState | undefined;
}

/** Goes on from the start until the first added fix, which is returned with the state before it. */
function foldUntil(
  fixes: Iterator<Fix>,
  added: ReadonlySet<number>,
  { slot, state }: AddedStart,
  rules: Rules,
  kept: Closed,
): { readonly fix: Fix | undefined; readonly state: FoldState; readonly slot: number } {
  const run: Fix[] = [];
  let next = fixes.next();
  while (next.done !== true && !added.has(next.value.time)) {
    run.push(next.value);
    next = fixes.next();
  }
  const newest = run.at(-1);
  return {
    fix: next.done === true ? undefined : next.value,
    state: walked(state, run, rules, kept),
    slot: newest === undefined ? slot : slotOf(newest.time),
  };
}

/**
 * Folds a chunk with the added fixes and without them, side by side, until both go on in the same way but for
 * sums: usually a few fixes behind the last added one. `fixes` are those from `start` on.
 */
export function foldAdded(
  fixes: Iterator<Fix>,
  added: ReadonlySet<number>,
  start: AddedStart,
  rules: Rules,
): Addition {
  const [kept, now, before] = [new Closed(), new Closed(), new Closed()];
  const first =
    start.without === undefined
      ? foldUntil(fixes, added, start, rules, kept)
      : { fix: nextOf(fixes), state: start.state, slot: start.slot };
  const keptCounts = sum(start.counts, kept);
  let { state, slot } = first;
  let old = start.without ?? state;
  const passed: Midway[] = [];
  let left = added.size;
  let shifts: Shifts | undefined;
  for (let { fix } = first; fix !== undefined; fix = nextOf(fixes)) {
    const run = [fix];
    const fixSlot = slotOf(fix.time);
    if (fixSlot > slot) passed.push({ slot: fixSlot, state, counts: sum(keptCounts, now) });
    slot = fixSlot;
    state = walked(state, run, rules, now);
    if (left > 0 && added.has(fix.time)) {
      left -= 1;
      continue;
    }
    old = walked(old, run, rules, before);
    if (left > 0) continue;
    shifts = shiftsOf(state, old);
    if (shifts !== undefined) break;
  }
  return { kept: keptCounts, now, before, passed, state, old, slot, shifts };
}

function nextOf(fixes: Iterator<Fix>): Fix | undefined {
  const next = fixes.next();
  return next.done === true ? undefined : next.value;
}

/** What the chunk closed, with the stretch that the added fixes changed, and the sums behind it, put right. */
export function closedWith(
  closed: Closed,
  { kept, now, before, shifts = [] }: Addition,
): { readonly closed: Closed; readonly moved: number } {
  const all = new Closed();
  let moved = now.rules | before.rules;
  for (const [i, count] of kept.entries()) {
    const cuts = closed.of(i);
    const shift = shifts[i];
    const from = count + before.of(i).length;
    const behind = cuts.slice(from).map((cut) => shift?.cut(cut) ?? cut);
    if (behind.some((cut, at) => cut !== cuts[from + at])) moved |= 1 << i;
    all.add(i, [...cuts.slice(0, count), ...now.of(i), ...behind]);
  }
  all.leftOut = closed.leftOut - before.leftOut + now.leftOut;
  return { closed: all, moved };
}

/** True when as many cuts of each rule were closed as before: the counts behind stay what they are. */
export function areAsMany({ now, before }: Addition): boolean {
  return RULES.every((_, rule) => now.of(rule).length === before.of(rule).length);
}
