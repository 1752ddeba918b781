import { Chunk, chunkIndexOf, type Insertion } from './chunk.ts';
import { secondOf, type Fix } from './fix.ts';
import { advance, Closed, doubtEnds, release, sameState, START, type FoldState } from './fold.ts';
import type { Rules } from './rules.ts';

/**
 * The fixes of one unit over event time and what the rules make of them.
 *
 * `base` is the state before the oldest retained fix, `head` the state after the newest. A fix that is
 * newer than all others moves the head: constant cost. Any other fix marks its chunk dirty, and `fold`
 * goes on from that chunk's checkpoint until a later checkpoint comes out as it was. Both ways run the
 * same `advance` over the same sequence, so results depend on the set of fixes only.
 *
 * Invariants: chunks ascend and are never empty; the first chunk's checkpoint is `base`; with no chunk
 * dirty, `head` and every checkpoint are what folding from `base` gives.
 */
export class Timeline {
  base: FoldState;
  head: FoldState;
  /** Fixes before this are folded into `base`, ms; a multiple of the chunk's length. */
  trimmedTo: number;
  readonly chunks: Chunk[];
  /** What the rules say at the T of the last `look`: the head, and beyond it a fix that T freed of doubt. */
  view: { readonly state: FoldState; readonly closed: Closed };
  /** Counts changes of the closed cuts; whoever compares remembers the number. */
  cutsVersion = 0;
  /** Counts chunks that came and went. */
  chunksVersion = 0;
  #newest: number;
  #count = 0;
  #dirtyFrom = Infinity;
  #dirtyTo = -Infinity;
  /** The head that `view` was made of, and whether T had freed its fix of doubt. */
  #seen: FoldState | undefined;
  #isFree = false;

  constructor(base: FoldState = START, trimmedTo = -Infinity, chunks: Chunk[] = []) {
    this.base = base;
    this.head = base;
    this.view = { state: base, closed: new Closed() };
    this.trimmedTo = trimmedTo;
    this.chunks = chunks;
    for (const chunk of chunks) this.#count += chunk.count;
    this.#newest = chunks.at(-1)?.fixes.at(-1)?.time ?? base.last?.time ?? -Infinity;
    this.#markAll();
  }

  /** Retained fixes. */
  get count(): number {
    return this.#count;
  }

  /** Time of the newest accepted fix; -Infinity before the first. */
  get newestTime(): number {
    return this.#newest;
  }

  /** Puts a fix where it belongs; `fold` completes the work. Its time must not be before `trimmedTo`. */
  insert(fix: Fix, rules: Rules): Insertion {
    const index = chunkIndexOf(fix.time);
    if (secondOf(fix.time) > secondOf(this.#newest)) {
      this.#append(fix, index, rules);
      return 'added';
    }
    const chunk = this.#chunkFor(index);
    const insertion = chunk.insert(fix);
    if (insertion === 'added') this.#count += 1;
    if (insertion !== 'repeat' && insertion !== 'outranked') {
      this.#newest = Math.max(this.#newest, fix.time);
      this.#mark(index);
    }
    return insertion;
  }

  /** True when a fix with this identity was accepted and is still retained. */
  knows(fix: Fix): boolean {
    const index = chunkIndexOf(fix.time);
    return this.chunks.some((chunk) => chunk.index === index && chunk.knows(fix));
  }

  /** Other rules hold from now on: goes on from an adapted base, everything retained is folded anew. */
  rebase(base: FoldState): void {
    this.base = base;
    this.#markAll();
  }

  #markAll(): void {
    if (this.chunks.length === 0) {
      this.head = this.base;
      this.cutsVersion += 1;
      return;
    }
    this.#dirtyFrom = -Infinity;
    this.#dirtyTo = Infinity;
  }

  /** Brings checkpoints, closed cuts and head up to date. */
  fold(rules: Rules): void {
    if (this.#dirtyFrom === Infinity) return;
    this.cutsVersion += 1;
    let position = this.chunks.findIndex((chunk) => chunk.index >= this.#dirtyFrom);
    let state = position <= 0 ? this.base : (this.chunks[position]?.checkpoint ?? this.base);
    for (; position < this.chunks.length; position += 1) {
      const chunk = this.chunks[position] as Chunk;
      if (chunk.index > this.#dirtyTo && sameState(chunk.checkpoint, state)) break;
      chunk.checkpoint = state;
      chunk.closed = new Closed();
      for (const fix of chunk.fixes) state = advance(state, fix, rules, chunk.closed);
      if (position < this.chunks.length - 1 && !chunk.unsaved) chunk.cool();
    }
    if (position === this.chunks.length) this.head = state;
    this.#dirtyFrom = Infinity;
    this.#dirtyTo = -Infinity;
  }

  /** Brings `view` up to date for this T, ms. Nothing may be dirty. */
  look(rules: Rules, clock: number | undefined): void {
    const { head } = this;
    const isFree = clock !== undefined && clock >= doubtEnds(head, rules);
    if (this.#seen === head && this.#isFree === isFree) return;
    this.#seen = head;
    this.#isFree = isFree;
    const closed = new Closed();
    // A neighbour may still come late, so the head goes on holding the fix.
    const state = isFree ? release(head, false, rules, closed) : head;
    if (closed.count + this.view.closed.count > 0) this.cutsVersion += 1;
    this.view = { state, closed };
  }

  /** Folds whole chunks that end by `before` into the base and returns them. Nothing may be dirty. */
  trim(before: number): readonly Chunk[] {
    let kept = 0;
    while ((this.chunks[kept]?.endTime ?? Infinity) <= before) kept += 1;
    if (kept === 0) return [];
    const dropped = this.chunks.splice(0, kept);
    this.base = this.chunks[0]?.checkpoint ?? this.head;
    this.trimmedTo = dropped.at(-1)?.endTime ?? this.trimmedTo;
    for (const chunk of dropped) this.#count -= chunk.count;
    this.cutsVersion += 1;
    this.chunksVersion += 1;
    return dropped;
  }

  /** When the oldest chunk may be trimmed, given how long fixes are retained, ms. */
  trimDue(retainMs: number): number {
    const first = this.chunks[0];
    return first === undefined ? Infinity : first.endTime + retainMs;
  }

  #append(fix: Fix, index: number, rules: Rules): void {
    let chunk = this.chunks.at(-1);
    if (chunk === undefined || chunk.index !== index) {
      if (chunk !== undefined && !chunk.unsaved) chunk.cool();
      chunk = new Chunk(index);
      chunk.checkpoint = this.head;
      this.chunks.push(chunk);
      this.chunksVersion += 1;
    }
    chunk.append(fix);
    this.#count += 1;
    this.#newest = fix.time;
    if (this.#dirtyFrom !== Infinity) {
      this.#mark(index);
      return;
    }
    const before = chunk.closed.count;
    this.head = advance(this.head, fix, rules, chunk.closed);
    if (chunk.closed.count !== before) this.cutsVersion += 1;
  }

  /** The chunk of that index; made when it is missing. */
  #chunkFor(index: number): Chunk {
    let position = this.chunks.length;
    while (position > 0 && (this.chunks[position - 1] as Chunk).index >= index) position -= 1;
    const there = this.chunks[position];
    if (there?.index === index) return there;
    const chunk = new Chunk(index);
    // Nothing stood between here and the next chunk, so its state before holds here too.
    chunk.checkpoint = position === 0 ? this.base : (there?.checkpoint ?? this.head);
    this.chunks.splice(position, 0, chunk);
    this.chunksVersion += 1;
    return chunk;
  }

  #mark(index: number): void {
    this.#dirtyFrom = Math.min(this.#dirtyFrom, index);
    this.#dirtyTo = Math.max(this.#dirtyTo, index);
  }
}
