import { holds, marksOf } from './accepted.ts';
import { chunkIndexOf, type Chunk, type Insertion } from './chunk.ts';
import { secondOf, type Fix } from './fix.ts';
import { FixPages } from './fix-pages.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { Closed, type FoldState } from './fold.ts';
import { Folding } from './folding.ts';
import { HeldState } from './held-state.ts';
import type { Moved } from './moved.ts';
import { memoryPages, type UnitPages } from './pages.ts';
import type { Rules } from './rules.ts';
import type { Marks } from './seen.ts';
import { doubtEnds, released } from './walk.ts';

const NOTHING = new Closed();

/** What is known of a timeline beside its fixes. */
export interface SavedTimeline {
  readonly base: HeldState;
  readonly trimmedTo: number;
  /** What `writeLive` wrote; undefined when only the pages know it. */
  readonly live?: ByteReader | undefined;
}

/**
 * The fixes of one unit over event time and what the rules make of them.
 *
 * `base` is the state before the oldest retained fix, `head` the state after the newest. Fixes that are
 * newer than all others wait until something is asked for, then are packed and move the head as one run:
 * constant cost. Any other fix marks its chunk dirty, and `fold` goes on
 * from that chunk's checkpoint until all is as it was without it. Both ways run the same `advance` over the
 * same sequence, so results depend on the set of fixes only.
 *
 * Invariants: chunks ascend and are never empty; what was folded of them is as `Folding` says.
 */
export class Timeline {
  /** Fixes before this are folded into `base`, ms; a multiple of the chunk's length. */
  trimmedTo: number;
  /** What the rules say at the T of the last `look`: the head, and beyond it a fix that T freed of doubt. */
  view: { readonly state: FoldState; readonly closed: Closed };
  /** Counts chunks that came and went. */
  chunksVersion = 0;
  readonly #pages: FixPages;
  readonly #folding: Folding;
  #newest: number;
  #count = 0;
  /** Fixes of the newest chunk that are neither packed nor folded, and the rules that they wait with. */
  readonly #waiting: Fix[] = [];
  #waitingRules: Rules | undefined;
  /** The head that `view` was made of, and whether T had freed its fix of doubt. */
  #viewed: FoldState | undefined;
  #isFree = false;

  constructor(pages: UnitPages = memoryPages(), saved?: SavedTimeline) {
    const live = saved?.live;
    const base = saved?.base ?? new HeldState();
    this.#pages = new FixPages(pages, live);
    this.#folding = new Folding(pages.checkpoints, this.#pages.chunks, base, live);
    this.view = { state: this.head, closed: NOTHING };
    this.trimmedTo = saved?.trimmedTo ?? -Infinity;
    if (live === undefined) this.#dropFolded();
    for (const chunk of this.chunks) this.#count += chunk.count;
    if (live === undefined) {
      this.#newest = this.chunks.at(-1)?.fixes.at(-1)?.time ?? this.head.last?.time ?? -Infinity;
      if (this.chunks.length === 0) this.#folding.begin();
      return;
    }
    this.#newest = live.real();
    this.#viewed = this.head;
    for (const chunk of this.chunks) {
      if (chunk.held === undefined) chunk.letGo(this.#folding.closedBehind);
    }
  }

  /** Nothing waits: all that it holds beside its pages is in `saved` and what `writeLive` writes. */
  get isAtRest(): boolean {
    const isViewed = this.#viewed === this.head && !this.#isFree;
    return isViewed && this.#waiting.length === 0 && this.#folding.isAtRest;
  }

  /** What is known beside the fixes. */
  get saved(): SavedTimeline {
    return { base: this.#folding.heldBase, trimmedTo: this.trimmedTo };
  }

  /** Nobody will ask for a while; only at rest, while records are handled. */
  rest(): void {
    this.#pages.rest();
    this.#folding.checkpoints.rest();
  }

  /** Writes what only memory knows, for the constructor; only at rest. */
  writeLive(writer: ByteWriter): void {
    this.#pages.writeLive(writer);
    this.#folding.writeLive(writer);
    writer.real(this.#newest);
  }

  /** A snapshot of the pages may be older than the base: it still holds quarters that were folded into it since. */
  #dropFolded(): void {
    const { chunks } = this;
    let count = 0;
    while ((chunks[count]?.endTime ?? Infinity) <= this.trimmedTo) count += 1;
    if (count === 0) return;
    const first = chunks[count];
    this.#pages.drop(count);
    this.#folding.checkpoints.keep((index) => first !== undefined && index > first.index);
  }

  /** The state before the oldest retained fix. */
  get base(): FoldState {
    return this.#folding.base;
  }

  /** The state after the newest fix. */
  get head(): FoldState {
    return this.#folding.head;
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
    const { chunks } = this.#pages;
    const count = chunks.length;
    // Waiting fixes are taken in before anything is put between them; what is put before their quarter is no matter.
    if (index === chunks.at(-1)?.index) this.#takeIn();
    const before = chunks.findLast((chunk) => chunk.index <= index);
    // A chunk may come between it and the checkpoint that says what it closed.
    if (before !== undefined && before.index < index) before.hold();
    const insertion = this.#pages.insert(fix, index, offset);
    if (chunks.length !== count || this.#pages.cameBefore(index, offset)) {
      this.chunksVersion += 1;
    }
    if (insertion === 'added') this.#count += 1;
    if (insertion !== 'repeat' && insertion !== 'outranked') {
      this.#newest = Math.max(this.#newest, fix.time);
      if (insertion === 'added' && rules !== undefined)
        this.#folding.dirty.markAdded(index, fix.time);
      else this.#folding.dirty.mark(index);
      if (rules === undefined) this.#folding.checkpoints.keep((other) => other <= index);
    }
    return insertion;
  }

  /**
   * A fix comes back that was folded into the base since the pages were written: the checkpoints in them
   * were made without it.
   */
  forget(): void {
    this.#folding.checkpoints.keep(() => false);
  }

  /** True when the last fix that was inserted was the third position in one device second. */
  get clockStands(): boolean {
    return this.#pages.clockStands;
  }

  /** True when a fix with this identity was accepted and is still retained. */
  knows(fix: Fix): boolean {
    const index = chunkIndexOf(fix.time);
    const chunk = this.chunks.find((other) => other.index === index);
    return chunk !== undefined && holds(this.#pages.unpack(chunk), chunk, fix);
  }

  /** Other rules hold from now on: goes on from an adapted base, everything retained is folded anew. */
  rebase(base: FoldState): void {
    this.#takeIn();
    this.#folding.rebase(base);
  }

  /** What was closed otherwise since the last call. */
  takeMoved(): Moved {
    return this.#folding.moved.take();
  }

  /** Brings checkpoints, closed cuts and head up to date. */
  fold(rules: Rules): void {
    this.#takeIn();
    this.#folding.fold(rules);
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
    this.#folding.moved.note(closed.rules | this.view.closed.rules);
    this.view = { state, closed };
  }

  /**
   * Folds whole chunks that end by `before` into the base and returns them, with words of identity of those
   * that `wantsWords`. Nothing may be dirty.
   */
  trim(
    before: number,
    rules: Rules,
    wantsWords: (chunk: Chunk) => boolean = () => true,
  ): readonly Dropped[] {
    const { chunks } = this;
    let count = 0;
    while ((chunks[count]?.endTime ?? Infinity) <= before) count += 1;
    if (count === 0) return [];
    const dropped = chunks.slice(0, count).map((chunk) => ({
      chunk,
      marks: wantsWords(chunk)
        ? marksOf(this.#pages.unpack(chunk), chunk)
        : { seconds: this.#pages.secondsOf(chunk), words: undefined },
    }));
    for (const { chunk } of dropped) chunk.hold();
    const next = chunks[count];
    if (next !== undefined) this.#folding.beginAt(next, rules);
    else {
      this.#folding.base = this.head;
      this.#folding.checkpoints.keep(() => false);
    }
    this.#pages.drop(count);
    this.trimmedTo = dropped.at(-1)?.chunk.endTime ?? this.trimmedTo;
    for (const { chunk } of dropped) this.#count -= chunk.count;
    this.chunksVersion += 1;
    return dropped;
  }

  /** Writes to the pages what waits for them; only while records are handled. */
  flush(): void {
    this.#folding.checkpoints.flush();
    const { chunks } = this;
    for (let at = 1; at < chunks.length; at += 1) {
      const before = chunks[at - 1] as Chunk;
      if (before.held === undefined || this.#folding.dirty.has(before.index)) continue;
      if (this.#folding.checkpoints.closedBefore((chunks[at] as Chunk).index) === undefined)
        continue;
      before.letGo(this.#folding.closedBehind);
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

  #begin(index: number, rules: Rules | undefined, offset: number): void {
    const { chunks } = this;
    this.#pages.begin(index, offset);
    this.chunksVersion += 1;
    if (rules !== undefined && this.#folding.goesOn && chunks.length > 1) {
      this.#folding.putCheckpoint(chunks.length - 1, this.head, rules);
    }
  }

  /** Packs the fixes that wait and, where all before them was folded, moves the head over them. */
  #takeIn(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const [rules, chunk] = [this.#waitingRules, this.#pages.chunks.at(-1) as Chunk];
    this.#pages.append(waiting);
    if (rules === undefined || !this.#folding.goesOn) this.#folding.dirty.mark(chunk.index);
    else this.#folding.append(chunk, waiting, rules);
    waiting.length = 0;
  }
}

/** A chunk that was folded into the base. */
export interface Dropped {
  readonly chunk: Chunk;
  /** Every fix that was accepted in it. */
  readonly marks: Marks;
}
