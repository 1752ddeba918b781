import { areAsMany, closedWith, countsOf, foldAdded, type Addition } from './added.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { Checkpoints, type Checkpoint, type Midway } from './checkpoints.ts';
import { CHUNK_SLOTS, chunkIndexOf, slotOf, type Chunk, type Insertion } from './chunk.ts';
import { isRepeat, secondOf, type Fix } from './fix.ts';
import { FixPages } from './fix-pages.ts';
import { Closed, START, type FoldState } from './fold.ts';
import { memoryPages, type UnitPages } from './pages.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import type { Mark } from './seen.ts';
import { readState, writeState } from './state-codec.ts';
import type { Shifts } from './state-shift.ts';
import { doubtEnds, released, walked } from './walk.ts';

/** Takes what a run of fixes closes; almost always it stays empty. */
const closing = new Closed();
const NOTHING = new Closed();
const writer = new ByteWriter();
const ALL_RULES = -1;

const NO_COUNTS: readonly number[] = Object.freeze(RULES.map(() => 0));

/** Where folding begins: at a chunk, by its position, or within it. */
type FoldStart = Midway & { readonly position: number };

/** What is known of a timeline beside its fixes. */
export interface SavedTimeline {
  readonly base: FoldState;
  readonly trimmedTo: number;
}

/**
 * The fixes of one unit over event time and what the rules make of them.
 *
 * `base` is the state before the oldest retained fix, `head` the state after the newest. Fixes that are
 * newer than all others wait until something is asked for, then are packed and move the head as one run:
 * constant cost. Any other fix marks its chunk dirty, and `fold`
 * goes on from that chunk's checkpoint until all is as it was without it. Both ways run the
 * same `advance` over the same sequence, so results depend on the set of fixes only.
 *
 * Invariants: chunks ascend and are never empty; the state before the first chunk is `base`; `head`, every
 * checkpoint and every `closed` are what folding from `base` gives, without the fixes that `#dirty` names and
 * as far as no chunk is to be folded whole.
 */
export class Timeline {
  head: FoldState;
  /** Fixes before this are folded into `base`, ms; a multiple of the chunk's length. */
  trimmedTo: number;
  /** What the rules say at the T of the last `look`: the head, and beyond it a fix that T freed of doubt. */
  view: { readonly state: FoldState; readonly closed: Closed };
  /** Counts chunks that came and went. */
  chunksVersion = 0;
  readonly #pages: FixPages;
  /** Undefined before the first trim: as objects it would be a good part of a unit's memory. */
  #base: Uint8Array | undefined;
  readonly #checkpoints: Checkpoints;
  #newest: number;
  #count = 0;
  /** Fixes of the newest chunk that are neither packed nor folded, and the rules that they wait with. */
  readonly #waiting: Fix[] = [];
  #waitingRules: Rules | undefined;
  /**
   * Chunks to fold again: the times of the fixes that were added to a folded one, undefined for all of it; and
   * the one from which on all are.
   */
  readonly #dirty = new Map<number, Set<number> | undefined>();
  #allDirtyFrom = Infinity;
  /** The head that `view` was made of, and whether T had freed its fix of doubt. */
  #viewed: FoldState | undefined;
  #isFree = false;
  /** One bit per rule of which cuts were closed, or cut anew, since they were asked for. */
  #moved = ALL_RULES;
  /** The checkpoints of the pages were looked at. */
  #isResumed: boolean;

  constructor(pages: UnitPages = memoryPages(), saved?: SavedTimeline) {
    this.#pages = new FixPages(pages);
    this.#checkpoints = new Checkpoints(pages.checkpoints);
    const base = saved?.base ?? START;
    this.base = base;
    this.head = base;
    this.view = { state: base, closed: NOTHING };
    this.trimmedTo = saved?.trimmedTo ?? -Infinity;
    this.#dropFolded();
    for (const chunk of this.chunks) this.#count += chunk.count;
    this.#newest = this.chunks.at(-1)?.fixes.at(-1)?.time ?? base.last?.time ?? -Infinity;
    this.#isResumed = this.chunks.length === 0;
  }

  /** A snapshot of the pages may be older than the base: it still holds quarters that were folded into it since. */
  #dropFolded(): void {
    const { chunks } = this;
    let count = 0;
    while ((chunks[count]?.endTime ?? Infinity) <= this.trimmedTo) count += 1;
    if (count === 0) return;
    const first = chunks[count];
    this.#pages.drop(count);
    this.#checkpoints.keep((index) => first !== undefined && index > first.index);
  }

  /** The state before the oldest retained fix; held packed, as it is seldom asked for. */
  get base(): FoldState {
    return this.#base === undefined ? START : readState(new ByteReader(this.#base));
  }

  set base(state: FoldState) {
    this.#base = undefined;
    if (state === START) return;
    writeState(writer, state);
    this.#base = writer.finish();
  }

  get chunks(): readonly Chunk[] {
    if (this.#waiting.length > 0) this.#takeIn();
    return this.#pages.chunks;
  }

  /** Retained fixes. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the retained fixes. */
  get bytes(): number {
    this.#takeIn();
    return this.#pages.bytes;
  }

  /** Time of the newest accepted fix; -Infinity before the first. */
  get newestTime(): number {
    return this.#newest;
  }

  /**
   * Puts a fix where it belongs; `fold` completes the work. Its time must not be before `trimmedTo`. Without
   * rules it is only put there: for fixes that were folded before and come back. `offset` is that of the
   * record in the input.
   */
  insert(fix: Fix, rules: Rules | undefined, offset = 0): Insertion {
    const index = chunkIndexOf(fix.time);
    if (secondOf(fix.time) > secondOf(this.#newest)) {
      this.#append(fix, index, rules, offset);
      this.#pages.clockStands = false;
      return 'added';
    }
    // Waiting fixes are taken in before anything is put between them.
    const chunks = this.chunks.length;
    const before = this.chunks.findLast((chunk) => chunk.index <= index);
    // A chunk may come between it and the checkpoint that says what it closed.
    if (before !== undefined && before.index < index) before.hold();
    const insertion = this.#pages.insert(fix, index, offset);
    if (this.chunks.length !== chunks || this.#pages.cameBefore(index, offset)) {
      this.chunksVersion += 1;
    }
    if (insertion === 'added') this.#count += 1;
    if (insertion !== 'repeat' && insertion !== 'outranked') {
      this.#newest = Math.max(this.#newest, fix.time);
      if (insertion === 'added' && rules !== undefined) this.#markAdded(index, fix.time);
      else this.#mark(index);
      if (rules === undefined) this.#checkpoints.keep((other) => other <= index);
    }
    return insertion;
  }

  /**
   * A fix comes back that was folded into the base since the pages were written: the checkpoints in them
   * were made without it.
   */
  forget(): void {
    this.#checkpoints.keep(() => false);
  }

  /** True when the last fix that was inserted was the third position in one device second. */
  get clockStands(): boolean {
    return this.#pages.clockStands;
  }

  /** True when a fix with this identity was accepted and is still retained. */
  knows(fix: Fix): boolean {
    const index = chunkIndexOf(fix.time);
    const chunk = this.chunks.find((other) => other.index === index);
    if (chunk === undefined) return false;
    const { fixes, marks } = this.#pages.unpack(chunk);
    const second = secondOf(fix.time) - chunk.startTime / 1000;
    return (
      fixes.some((other) => isRepeat(other, fix)) ||
      marks.some((mark, i) => i % 2 === 0 && mark === second && marks[i + 1] === fix.idHigh)
    );
  }

  /** Other rules hold from now on: goes on from an adapted base, everything retained is folded anew. */
  rebase(base: FoldState): void {
    this.base = base;
    this.#isResumed = true;
    this.#markAll();
  }

  /** The rules, one bit each by position, whose closed cuts may be others than at the last call. */
  takeMoved(): number {
    const moved = this.#moved;
    this.#moved = 0;
    return moved;
  }

  #markAll(): void {
    this.#moved = ALL_RULES;
    if (this.chunks.length === 0) {
      this.head = this.base;
      return;
    }
    this.#allDirtyFrom = -Infinity;
  }

  /** After a restart: takes the checkpoints that the pages hold, so that only what is new is folded. */
  #resume(rules: Rules): void {
    this.#isResumed = true;
    const [first, ...later] = this.chunks;
    let before = first as Chunk;
    for (const chunk of later) {
      const checkpoint = this.#checkpoints.get(chunk.index, rules);
      if (checkpoint === undefined) {
        // What the quarters from here on closed is not taken: all of them are folded.
        this.#allDirtyFrom = before.index;
        break;
      }
      before.close(checkpoint.closedBefore);
      before = chunk;
    }
    this.#mark(before.index);
  }

  get #isFolded(): boolean {
    return this.#dirty.size === 0 && this.#allDirtyFrom === Infinity;
  }

  #isDirty({ index }: Chunk): boolean {
    return index >= this.#allDirtyFrom || this.#dirty.has(index);
  }

  /**
   * Where to fold from: at the last chunk at or before the next dirty one, `from` or later, whose checkpoint is
   * known, or within it where all that is new lies behind; undefined when none is dirty.
   */
  #startOfFold(rules: Rules, from: number): FoldStart | undefined {
    let position = from;
    while (position < this.chunks.length && !this.#isDirty(this.chunks[position] as Chunk)) {
      position += 1;
    }
    const dirty = this.chunks[position];
    if (dirty === undefined) return undefined;
    const added = this.#addedTo(dirty);
    if (added !== undefined) {
      const midway = this.#checkpoints.midway(dirty.index, slotOf(Math.min(...added)), rules);
      if (midway !== undefined) return { position, ...midway };
    }
    for (; position > 0; position -= 1) {
      const { index } = this.chunks[position] as Chunk;
      const checkpoint = this.#checkpoints.get(index, rules);
      if (checkpoint !== undefined) return this.#startAt(position, checkpoint.state);
    }
    return this.#startAt(0, this.base);
  }

  #startAt(position: number, state: FoldState): FoldStart {
    const { index } = this.chunks[position] as Chunk;
    return { position, slot: index * CHUNK_SLOTS, state, counts: NO_COUNTS };
  }

  /** Brings checkpoints, closed cuts and head up to date. */
  fold(rules: Rules): void {
    this.#takeIn();
    if (!this.#isResumed) this.#resume(rules);
    let next = this.#isFolded ? undefined : this.#startOfFold(rules, 0);
    while (next !== undefined) next = this.#foldFrom(next, rules);
    this.#dirty.clear();
    this.#allDirtyFrom = Infinity;
  }

  /** Folds until all is as it was but for sums; where to go on behind that. */
  #foldFrom(start: FoldStart, rules: Rules): FoldStart | undefined {
    const { chunks } = this;
    let { state } = start;
    for (let { position } = start; position < chunks.length; position += 1) {
      const chunk = chunks[position] as Chunk;
      if (position > start.position) {
        const shifts = this.#putCheckpoint(position, state, rules);
        if (shifts !== undefined && !this.#isDirty(chunk)) {
          if (shifts.length > 0) this.#checkpoints.shiftMidway(chunk.index, 0, shifts);
          this.#shift(position + 1, shifts, this.#shiftCuts(chunk, shifts));
          return this.#startOfFold(rules, position);
        }
      }
      const added = position === start.position ? this.#addedTo(chunk) : undefined;
      this.#dirty.delete(chunk.index);
      if (added === undefined) state = this.#foldWhole(chunk, state, rules);
      else {
        const addition = foldAdded(chunk.fixesFrom(start.slot), added, start, rules);
        const isCut = this.#exchange(chunk, addition, rules);
        if (addition.shifts !== undefined) {
          this.#shift(position + 1, addition.shifts, isCut);
          return this.#startOfFold(rules, position + 1);
        }
        ({ state } = addition);
      }
    }
    this.head = state;
    return undefined;
  }

  #foldWhole(chunk: Chunk, before: FoldState, rules: Rules): FoldState {
    this.#moved |= chunk.rules;
    chunk.reopen();
    this.#checkpoints.forgetMidway(chunk.index, 0);
    return this.#walk(chunk, before, chunk.fixes, rules);
  }

  /** Goes on over fixes of a chunk, in order, and keeps the states at the slots that begin among them. */
  #walk(chunk: Chunk, before: FoldState, fixes: readonly Fix[], rules: Rules): FoldState {
    let state = before;
    for (let from = 0; from < fixes.length;) {
      const slot = slotOf((fixes[from] as Fix).time);
      const newest = state.held.at(-1) ?? state.last;
      const isBegun = newest !== undefined && slotOf(newest.time) >= slot;
      if (!isBegun && slot > chunk.index * CHUNK_SLOTS) {
        const counts = chunk.rules === 0 ? NO_COUNTS : countsOf(chunk.closed);
        this.#checkpoints.putMidway({ slot, state, counts }, rules);
      }
      let to = from + 1;
      while (to < fixes.length && slotOf((fixes[to] as Fix).time) === slot) to += 1;
      const run = from === 0 && to === fixes.length ? fixes : fixes.slice(from, to);
      state = walked(state, run, rules, closing);
      if (!closing.isEmpty) {
        this.#moved |= closing.rules;
        chunk.close(closing);
      }
      from = to;
    }
    return state;
  }

  /** The fixes that were added to a chunk since it was folded; undefined when all of it is to be folded. */
  #addedTo({ index }: Chunk): ReadonlySet<number> | undefined {
    return index >= this.#allDirtyFrom ? undefined : this.#dirty.get(index);
  }

  /** Brings `view` up to date for this T, ms. Nothing may be dirty. */
  look(rules: Rules, clock: number | undefined): void {
    const { head } = this;
    const isFree = clock !== undefined && clock >= doubtEnds(head, rules);
    if (this.#viewed === head && this.#isFree === isFree) return;
    this.#viewed = head;
    this.#isFree = isFree;
    const closed = isFree ? new Closed() : NOTHING;
    // A neighbour may still come late, so the head goes on holding the fix.
    const state = isFree ? released(head, rules, closed) : head;
    this.#moved |= closed.rules | this.view.closed.rules;
    this.view = { state, closed };
  }

  /** Puts right what a chunk closed and the states within it; false when it closed the same as before. */
  #exchange(chunk: Chunk, addition: Addition, rules: Rules): boolean {
    const { now, before, passed, slot, shifts } = addition;
    const firstSlot = chunk.index * CHUNK_SLOTS;
    if (shifts !== undefined && areAsMany(addition)) {
      if (shifts.length > 0)
        this.#checkpoints.shiftMidway(chunk.index, slot + 1 - firstSlot, shifts);
    } else this.#checkpoints.forgetMidway(chunk.index, slot + 1 - firstSlot);
    for (const midway of passed) this.#checkpoints.putMidway(midway, rules);
    if (now.isEmpty && before.isEmpty && !areIn(chunk, shifts ?? [])) return false;
    const { closed, moved } = closedWith(chunk.closed, addition);
    chunk.closed = closed;
    this.#moved |= moved;
    return moved !== 0;
  }

  /** Moves the sums of what a chunk closed; false when it has none of them. */
  #shiftCuts(chunk: Chunk, shifts: Shifts): boolean {
    if (!areIn(chunk, shifts)) return false;
    const { closed } = chunk;
    const moved = closed.shift(shifts);
    if (moved !== 0) chunk.closed = closed;
    this.#moved |= moved;
    return moved !== 0;
  }

  /**
   * All from that chunk on was folded before, and differs in sums alone: these are moved instead. `isCut`: the
   * chunk before it closed other cuts than its checkpoint says.
   */
  #shift(position: number, shifts: Shifts, isCut: boolean): void {
    let isCutBefore = isCut;
    for (let at = position; at < this.chunks.length; at += 1) {
      const chunk = this.chunks[at] as Chunk;
      const closedBefore = isCutBefore ? (this.chunks[at - 1] as Chunk).closed : undefined;
      if (shifts.length === 0 && closedBefore === undefined) return;
      // A new chunk, which is folded next, has none yet.
      if (this.#checkpoints.shift(chunk.index, shifts, closedBefore) === false) return;
      if (shifts.length > 0) this.#checkpoints.shiftMidway(chunk.index, 0, shifts);
      isCutBefore = this.#shiftCuts(chunk, shifts);
    }
    if (shifts.length === 0) return;
    const { states } = this.head;
    this.head = {
      ...this.head,
      states: states.map((state, i) => shifts[i]?.state(state) ?? state),
    };
  }

  /** How what follows differs from what followed before; undefined when it has to be folded. */
  #putCheckpoint(position: number, state: FoldState, rules: Rules): Shifts | undefined {
    const chunk = this.chunks[position] as Chunk;
    const closedBefore = (this.chunks[position - 1] as Chunk).closed;
    return this.#checkpoints.put(chunk.index, { state, closedBefore }, rules);
  }

  /** What a chunk closed stands in the checkpoint of the next one. */
  readonly #closedBehind = (chunk: Chunk): Uint8Array | undefined => {
    const next = this.chunks[this.chunks.indexOf(chunk) + 1];
    return next === undefined ? undefined : this.#checkpoints.closedBefore(next.index);
  };

  #marksOf(chunk: Chunk): Mark[] {
    const { fixes, marks } = this.#pages.unpack(chunk);
    const all = fixes.map((fix): Mark => [secondOf(fix.time), fix.idHigh]);
    for (let i = 0; i < marks.length; i += 2) {
      all.push([chunk.startTime / 1000 + (marks[i] ?? 0), marks[i + 1] ?? 0]);
    }
    return all.sort(([a], [b]) => a - b);
  }

  /** Folds whole chunks that end by `before` into the base and returns them. Nothing may be dirty. */
  trim(before: number, rules: Rules): readonly Dropped[] {
    const { chunks } = this;
    let count = 0;
    while ((chunks[count]?.endTime ?? Infinity) <= before) count += 1;
    if (count === 0) return [];
    const dropped = chunks.slice(0, count).map((chunk) => ({ chunk, marks: this.#marksOf(chunk) }));
    for (const { chunk } of dropped) chunk.hold();
    const next = chunks[count];
    if (next === undefined) this.base = this.head;
    else {
      // With nothing dirty every chunk but the first has a checkpoint.
      const checkpoint = this.#checkpoints.get(next.index, rules) as Checkpoint;
      this.base = checkpoint.state;
    }
    this.#pages.drop(count);
    this.#checkpoints.keep((index) => next !== undefined && index > next.index);
    this.trimmedTo = dropped.at(-1)?.chunk.endTime ?? this.trimmedTo;
    for (const { chunk } of dropped) this.#count -= chunk.count;
    this.chunksVersion += 1;
    return dropped;
  }

  /** Writes to the pages what waits for them; only while records are handled. */
  flush(): void {
    this.#checkpoints.flush();
    const { chunks } = this;
    for (let at = 1; at < chunks.length; at += 1) {
      const before = chunks[at - 1] as Chunk;
      if (!before.isHeld || this.#isDirty(before)) continue;
      if (this.#checkpoints.closedBefore((chunks[at] as Chunk).index) === undefined) continue;
      before.letGo(this.#closedBehind);
    }
  }

  /** When the oldest chunk may be trimmed, given how long fixes are retained, ms. */
  trimDue(retainMs: number): number {
    const first = this.chunks[0];
    return first === undefined ? Infinity : first.endTime + retainMs;
  }

  #append(fix: Fix, index: number, rules: Rules | undefined, offset: number): void {
    if (this.#pages.chunks.at(-1)?.index !== index) this.#begin(index, rules, offset);
    this.#count += 1;
    this.#newest = fix.time;
    this.#waiting.push(fix);
    this.#waitingRules = rules;
    // Fixes that come back do so outside of a turn: nobody will ask.
    if (rules === undefined) this.#takeIn();
  }

  /** Fixes that wait for `fold` move head and checkpoints by what they change: these go on without them. */
  get #goesOn(): boolean {
    return this.#isResumed && this.#allDirtyFrom === Infinity;
  }

  #begin(index: number, rules: Rules | undefined, offset: number): void {
    const { chunks } = this;
    this.#pages.begin(index, offset);
    this.chunksVersion += 1;
    if (rules !== undefined && this.#goesOn && chunks.length > 1) {
      this.#putCheckpoint(chunks.length - 1, this.head, rules);
    }
  }

  /** Packs the fixes that wait and, where all before them was folded, moves the head over them. */
  #takeIn(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const [rules, chunk] = [this.#waitingRules, this.#pages.chunks.at(-1) as Chunk];
    this.#pages.append(waiting);
    if (rules === undefined || !this.#goesOn) this.#mark(chunk.index);
    else this.head = this.#walk(chunk, this.head, waiting, rules);
    waiting.length = 0;
  }

  #mark(index: number): void {
    this.#dirty.set(index, undefined);
  }

  #markAdded(index: number, time: number): void {
    const added = this.#dirty.get(index);
    if (added !== undefined) added.add(time);
    else if (!this.#dirty.has(index)) this.#dirty.set(index, new Set([time]));
  }
}

/** True when the chunk closed cuts of rules whose sums are moved. */
function areIn({ rules }: Chunk, shifts: Shifts): boolean {
  return shifts.some((shift, i) => shift !== undefined && (rules & (1 << i)) !== 0);
}

/** A chunk that was folded into the base. */
export interface Dropped {
  readonly chunk: Chunk;
  /** Device second since epoch and word of identity of every fix that was accepted in it, by second. */
  readonly marks: readonly Mark[];
}
