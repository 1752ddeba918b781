import {
  areAsMany,
  countsOf,
  exchangeCuts,
  foldAdded,
  type AddedStart,
  type Addition,
  type FixReader,
  type Passed,
} from './added.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import { Checkpoints, type Midway } from './checkpoints.ts';
import { CHUNK_SLOTS, slotOf, type Chunk } from './chunk.ts';
import { DirtyChunks } from './dirty-chunks.ts';
import type { Fix } from './fix.ts';
import { Closed, START, type FoldState } from './fold.ts';
import type { HeldState } from './held-state.ts';
import { MovedCuts } from './moved.ts';
import type { Pages } from './pages.ts';
import { ALL_RULES } from './pair.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { readPacked, rulesIn, writePacked } from './state-codec.ts';
import { shifted, shiftsOfRules, type Shifts } from './state-shift.ts';
import { walked } from './walk.ts';

/** Takes what a run of fixes closes; almost always it stays empty. */
const closing = new Closed();

const NO_COUNTS: readonly number[] = Object.freeze(RULES.map(() => 0));

const NO_TIMES: ReadonlySet<number> = new Set();

/** Where folding begins: at a chunk, by its position, or within it. */
interface FoldStart extends AddedStart {
  readonly position: number;
}

type Filled<T> = { -readonly [K in keyof T]: T[K] };

/** Filled anew for each start: nobody keeps it. Always alive: without any, V8 throws away what it compiled for them. */
const start: Filled<FoldStart> = {
  position: 0,
  slot: 0,
  state: START,
  counts: NO_COUNTS,
  without: undefined,
};

/** Folding begins there, with nothing added in front of it. */
function startAt(position: number, { slot, state, counts }: Midway): FoldStart {
  start.position = position;
  start.slot = slot;
  start.state = state;
  start.counts = counts;
  start.without = undefined;
  return start;
}

/** Folding goes on at the beginning of a chunk, with what was added in front of it and without. */
function goOnAt(chunk: Chunk, state: FoldState, without: FoldState | undefined): FoldStart {
  start.slot = chunk.index * CHUNK_SLOTS;
  start.state = state;
  start.counts = NO_COUNTS;
  start.without = without;
  return start;
}

/**
 * What the rules make of the chunks of one unit: `base` is the state before the first of them, `head` the state
 * after the newest fix. Invariant: `head`, every checkpoint and what every chunk closed are what folding from
 * `base` gives, without the fixes that `dirty` names and as far as no chunk is to be folded whole.
 */
export class Folding {
  head: FoldState;
  readonly dirty: DirtyChunks = new DirtyChunks();
  readonly checkpoints: Checkpoints;
  readonly moved: MovedCuts;
  readonly #chunks: readonly Chunk[];
  readonly #base: HeldState;
  /** The checkpoints of the pages were looked at. */
  #isResumed = false;

  /** `chunks` are those of the unit, ascending, whatever becomes of them. */
  constructor(pages: Pages, chunks: readonly Chunk[], base: HeldState, live?: ByteReader) {
    this.#chunks = chunks;
    this.#base = base;
    this.moved = new MovedCuts(live !== undefined);
    if (live === undefined) {
      this.checkpoints = new Checkpoints(pages);
      this.head = base.state;
      return;
    }
    this.checkpoints = new Checkpoints(pages, live.real());
    this.head = readPacked(live);
    this.#isResumed = true;
  }

  /** Everything is folded, asked for and written. */
  get isAtRest(): boolean {
    return this.goesOn && this.dirty.isEmpty && this.moved.isNothing && this.checkpoints.isFlushed;
  }

  /** Writes what stands in no page, for the constructor; only at rest. */
  writeLive(writer: ByteWriter): void {
    writer.real(this.checkpoints.newest);
    writePacked(writer, this.head);
  }

  /** The state before the first chunk, packed. */
  get heldBase(): HeldState {
    return this.#base;
  }

  /** The state before the first chunk. */
  get base(): FoldState {
    return this.#base.state;
  }

  set base(state: FoldState) {
    this.#base.state = state;
  }

  /** Nothing was folded before the first of the chunks is, or all of it stands in the checkpoints. */
  begin(): void {
    this.#isResumed = true;
  }

  /** Fixes that wait for `fold` move head and checkpoints by what they change: newer ones go on without them. */
  get goesOn(): boolean {
    return this.#isResumed && !this.dirty.hasAllFrom;
  }

  /** Goes on from another base: everything is folded anew. */
  rebase(base: FoldState): void {
    this.base = base;
    this.#isResumed = true;
    this.moved.noteRecut(ALL_RULES);
    if (this.#chunks.length === 0) this.head = base;
    else this.dirty.markFrom(-Infinity);
  }

  /** What a chunk closed stands in the checkpoint of the next one. */
  readonly closedBehind = (chunk: Chunk): Uint8Array | undefined => {
    const next = this.#chunks[this.#chunks.indexOf(chunk) + 1];
    return next === undefined ? undefined : this.checkpoints.closedBefore(next.index);
  };

  /** After a restart: takes the checkpoints that the pages hold, so that only what is new is folded. */
  #resume(rules: Rules): void {
    this.#isResumed = true;
    const [first, ...later] = this.#chunks;
    let before = first as Chunk;
    for (const chunk of later) {
      const closed = this.checkpoints.closedBy(chunk.index, rules);
      if (closed === undefined) {
        // What the quarters from here on closed is not taken: all of them are folded.
        this.dirty.markFrom(before.index);
        break;
      }
      before.rules = rulesIn(new ByteReader(closed));
      before.letGo(this.closedBehind);
      before = chunk;
    }
    this.dirty.mark(before.index);
  }

  /**
   * Where to fold from: at the last chunk at or before the next dirty one, `from` or later, whose checkpoint is
   * known, or within it where all that is new lies behind; undefined when none is dirty.
   */
  #startOfFold(rules: Rules, from: number): FoldStart | undefined {
    let position = from;
    while (
      position < this.#chunks.length &&
      !this.dirty.has((this.#chunks[position] as Chunk).index)
    ) {
      position += 1;
    }
    const dirty = this.#chunks[position];
    if (dirty === undefined) return undefined;
    const added = this.dirty.addedTo(dirty.index);
    if (added !== undefined) {
      const midway = this.checkpoints.midway(dirty.index, slotOf(Math.min(...added)), rules);
      if (midway !== undefined) return startAt(position, midway);
    }
    for (; position > 0; position -= 1) {
      const { index } = this.#chunks[position] as Chunk;
      const checkpoint = this.checkpoints.get(index, rules);
      if (checkpoint !== undefined) return this.#startAt(position, checkpoint.state);
    }
    return this.#startAt(0, this.base);
  }

  #startAt(position: number, state: FoldState): FoldStart {
    const { index } = this.#chunks[position] as Chunk;
    return startAt(position, { slot: index * CHUNK_SLOTS, state, counts: NO_COUNTS });
  }

  /** Brings checkpoints, closed cuts and head up to date. */
  fold(rules: Rules): void {
    if (!this.#isResumed) this.#resume(rules);
    if (this.dirty.isEmpty) return;
    this.checkpoints.take();
    let next = this.#startOfFold(rules, 0);
    while (next !== undefined) next = this.#foldFrom(next, rules);
    this.dirty.clear();
  }

  /** Folds until all is as it was but for sums; where to go on behind that. */
  #foldFrom(begin: FoldStart, rules: Rules): FoldStart | undefined {
    const chunks = this.#chunks;
    let { state } = begin;
    const first = begin.position;
    // Beside it, while what was added bears on a state in more than sums.
    let without: FoldState | undefined;
    for (let position = first; position < chunks.length; position += 1) {
      const chunk = chunks[position] as Chunk;
      if (position > first) {
        const shifts = this.putCheckpoint(position, state, rules);
        if (shifts !== undefined && !this.dirty.has(chunk.index)) {
          if (shifts.length > 0) this.checkpoints.shiftMidway(chunk.index, 0, shifts);
          this.#shift(position + 1, shifts, this.#shiftCuts(chunk, shifts));
          return this.#startOfFold(rules, position);
        }
      }
      const isFirst = position === first;
      const added = isFirst || without !== undefined ? this.#addedTo(chunk) : undefined;
      this.dirty.delete(chunk.index);
      if (added === undefined) {
        state = this.#foldWhole(chunk, state, rules);
        without = undefined;
      } else {
        const from = isFirst ? begin : goOnAt(chunk, state, without);
        const read = (): FixReader => chunk.fixesFrom(from.slot);
        const addition = foldAdded(read, added, from, rules);
        const isCut = this.#exchange(chunk, addition, rules);
        if (addition.shifts !== undefined) {
          this.#shift(position + 1, addition.shifts, isCut);
          return this.#startOfFold(rules, position + 1);
        }
        ({ state, old: without } = addition);
      }
    }
    this.head = state;
    return undefined;
  }

  /** The fixes that were added to a chunk since it was folded; undefined when all of it is to be folded. */
  #addedTo({ index }: Chunk): ReadonlySet<number> | undefined {
    return this.dirty.has(index) ? this.dirty.addedTo(index) : NO_TIMES;
  }

  #foldWhole(chunk: Chunk, before: FoldState, rules: Rules): FoldState {
    this.moved.noteRecut(chunk.rules);
    chunk.reopen();
    this.checkpoints.forgetMidway(chunk.index, 0);
    const cuts = new Closed();
    const state = this.#walk(chunk, before, chunk.fixes, { rules, cuts });
    this.moved.noteRecut(cuts.rules);
    return state;
  }

  /** Goes on over fixes that are newer than all that was folded, of the newest chunk. */
  append(chunk: Chunk, fixes: readonly Fix[], rules: Rules): void {
    const cuts = this.moved.appended;
    this.head = this.#walk(chunk, this.head, fixes, { rules, cuts });
    this.moved.noteAppended();
  }

  /**
   * Goes on over fixes of a chunk, in order, and keeps the states at the slots that begin among them. What is
   * closed is added to `cuts` too.
   */
  #walk(
    chunk: Chunk,
    before: FoldState,
    fixes: readonly Fix[],
    { rules, cuts }: { readonly rules: Rules; readonly cuts: Closed },
  ): FoldState {
    let state = before;
    for (let from = 0; from < fixes.length;) {
      const slot = slotOf((fixes[from] as Fix).time);
      const newest = state.held.at(-1) ?? state.last;
      const isBegun = newest !== undefined && slotOf(newest.time) >= slot;
      if (!isBegun && slot > chunk.index * CHUNK_SLOTS) {
        const counts = chunk.rules === 0 ? NO_COUNTS : countsOf(chunk.closed);
        this.checkpoints.putMidway({ slot, state, counts }, rules);
      }
      let to = from + 1;
      while (to < fixes.length && slotOf((fixes[to] as Fix).time) === slot) to += 1;
      const run = from === 0 && to === fixes.length ? fixes : fixes.slice(from, to);
      state = walked(state, run, rules, closing);
      if (!closing.isEmpty) {
        cuts.addAll(closing);
        chunk.close(closing);
      }
      from = to;
    }
    return state;
  }

  /** Puts right what a chunk closed and the states within it; false when it closed the same as before. */
  #exchange(chunk: Chunk, addition: Addition, rules: Rules): boolean {
    const { passed, slot, shifts } = addition;
    const firstSlot = chunk.index * CHUNK_SLOTS;
    if (shifts !== undefined && areAsMany(addition)) {
      if (shifts.length > 0)
        this.checkpoints.shiftMidway(chunk.index, slot + 1 - firstSlot, shifts);
    } else this.checkpoints.forgetMidway(chunk.index, slot + 1 - firstSlot);
    for (const each of passed) this.#putPassed(chunk, each, addition, rules);
    const moved = exchangeCuts(chunk, addition);
    this.moved.noteRecut(moved);
    return moved !== 0;
  }

  /** Keeps a state that was passed; what was left behind by then is taken from what stands there. */
  #putPassed({ index }: Chunk, passed: Passed, { now, before }: Addition, rules: Rules): void {
    const { slot, state, counts, open } = passed;
    if (open === ALL_RULES) {
      this.checkpoints.putMidway(passed, rules);
      return;
    }
    const there = this.checkpoints.midway(index, slot, rules);
    // Older ones are not kept any more.
    if (there?.slot !== slot) return;
    const isPassed = (rule: number): boolean => (open & (1 << rule)) !== 0;
    const moved = shifted(there.state, passed.shifts);
    const states = state.states.map((each, i) => (isPassed(i) ? each : moved.states[i]));
    const more = (rule: number): number => now.of(rule).length - before.of(rule).length;
    const all = counts.map((count, i) => (isPassed(i) ? count : (there.counts[i] ?? 0) + more(i)));
    const { last, located, held } = state;
    const put = { last, located, states, held };
    this.checkpoints.putMidway({ slot, state: put, counts: all }, rules);
  }

  /** Moves the sums of what a chunk closed; false when it has none of them. */
  #shiftCuts(chunk: Chunk, shifts: Shifts): boolean {
    const moved = chunk.shift(shifts);
    this.moved.noteRecut(moved);
    return moved !== 0;
  }

  /**
   * All from that chunk on was folded before, and differs in sums alone: these are moved instead. `isCut`: the
   * chunk before it closed other cuts than its checkpoint says.
   */
  #shift(position: number, shifts: Shifts, isCut: boolean): void {
    let isCutBefore = isCut;
    let open = shifts;
    for (let at = position; at < this.#chunks.length; at += 1) {
      const chunk = this.#chunks[at] as Chunk;
      const closedBefore = isCutBefore ? (this.#chunks[at - 1] as Chunk).closedBytes : undefined;
      if (open.length === 0 && closedBefore === undefined) return;
      const moved = this.checkpoints.shift(chunk.index, open, closedBefore);
      if (moved === 0) return;
      // A new chunk, which is folded next, has none yet. What has ended is not met again.
      if (moved !== undefined) open = shiftsOfRules(open, moved);
      if (open.length > 0) this.checkpoints.shiftMidway(chunk.index, 0, open);
      isCutBefore = this.#shiftCuts(chunk, open);
    }
    if (open.length === 0) return;
    this.head = shifted(this.head, open);
  }

  /** All before a chunk that is not the first one is let go, with nothing dirty. */
  beginAt({ index }: Chunk, rules: Rules): void {
    // Every chunk but the first has a checkpoint then.
    this.#base.take(this.checkpoints.packedAt(index, rules) as Uint8Array);
    this.checkpoints.dropTo(index);
  }

  /** How what follows differs from what followed before; undefined when it has to be folded. */
  putCheckpoint(position: number, state: FoldState, rules: Rules): Shifts | undefined {
    const chunk = this.#chunks[position] as Chunk;
    const { closedBytes } = this.#chunks[position - 1] as Chunk;
    return this.checkpoints.put(chunk.index, state, closedBytes, rules);
  }
}
