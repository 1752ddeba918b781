import { ByteReader, ByteWriter } from './bytes.ts';
import type { Fix } from './fix.ts';
import { Closed } from './fold.ts';
import type { RowsFrom } from './row-codec.ts';
import { readClosed, readCutsOf, withCuts, writeClosed } from './state-codec.ts';
import type { Shifts } from './state-shift.ts';

/** Event time that one chunk spans, ms. */
export const CHUNK_MS = 900_000;

/** Stretches of a chunk that a checkpoint may begin, so that a late fix need not fold all before it. */
export const CHUNK_SLOTS = 3;

/** Event time that one of them spans, ms. */
const SLOT_MS = CHUNK_MS / CHUNK_SLOTS;

/** Stretch that an event time falls into; a chunk's first one is its index times `CHUNK_SLOTS`. */
export function slotOf(time: number): number {
  return Math.floor(time / SLOT_MS);
}

/** What an insertion did. */
export type Insertion =
  /** The first fix of its second. */
  | 'added'
  /** It counts instead of the fix that stood in its second. */
  | 'replaced'
  /** An equal fix is already there. */
  | 'repeat'
  /** An equal fix was there, registered later: this copy stands for it now. */
  | 'refined'
  /** Another fix of the same second counts. */
  | 'outranked';

/** Chunk that an event time falls into. */
export function chunkIndexOf(time: number): number {
  return Math.floor(time / CHUNK_MS);
}

const writer = new ByteWriter();
/** Closed by nothing: shared by all chunks in which nothing ended. */
const NONE = new Closed();
const NOTHING_CLOSED = new Uint8Array(1);
const NO_CUTS: readonly unknown[] = Object.freeze([]);

/** Where the fixes of chunks are. */
export interface FixSource {
  /** All of a chunk. */
  readonly fixesOf: (chunk: Chunk) => readonly Fix[];
  /** Those from a time on, ms, as they are asked for. */
  readonly readFrom: (chunk: Chunk, fromMs: number) => RowsFrom;
}

/** The fixes of one unit and one quarter of an hour; their bytes stand in the pages of the unit. */
export class Chunk {
  readonly index: number;
  /** Fixes that count, one per device second. */
  count: number;
  /** Packed bytes. */
  size: number;
  /** Offset of the first record in the input that brought a fix of this chunk. */
  firstOffset: number;
  /** One bit per rule that has cuts here, by position. */
  rules = 0;
  /** Impossible positions that were left out. */
  leftOut = 0;
  #packed: Uint8Array | undefined;
  #elsewhere: ((chunk: Chunk) => Uint8Array | undefined) | undefined;
  readonly #source: FixSource;

  constructor(
    index: number,
    firstOffset: number,
    source: FixSource,
    saved: { readonly count: number; readonly size: number } = { count: 0, size: 0 },
  ) {
    this.index = index;
    this.firstOffset = firstOffset;
    this.#source = source;
    this.count = saved.count;
    this.size = saved.size;
  }

  /** Start of the chunk, ms. */
  get startTime(): number {
    return this.index * CHUNK_MS;
  }

  /** End of the chunk, ms, exclusive. */
  get endTime(): number {
    return (this.index + 1) * CHUNK_MS;
  }

  /** Unpacked anew at each call. */
  get fixes(): readonly Fix[] {
    return this.#source.fixesOf(this);
  }

  /** Those from a slot on, read one by one as they are asked for, while nothing changes. */
  fixesFrom(slot: number): RowsFrom {
    return this.#source.readFrom(this, slot * SLOT_MS);
  }

  get #bytes(): Uint8Array | undefined {
    return this.#packed ?? (this.rules === 0 ? undefined : this.#elsewhere?.(this));
  }

  /** What its fixes closed: held packed, as it is seldom looked at. */
  get closed(): Closed {
    const bytes = this.#bytes;
    if (bytes === undefined && this.leftOut === 0) return NONE;
    const closed = bytes === undefined ? new Closed() : readClosed(new ByteReader(bytes));
    closed.leftOut = this.leftOut;
    return closed;
  }

  set closed(closed: Closed) {
    this.rules = closed.rules;
    this.leftOut = closed.leftOut;
    this.#packed = undefined;
    this.#elsewhere = undefined;
    if (closed.count === 0) return;
    writeClosed(writer, closed);
    this.#packed = writer.finish();
  }

  /** The same as it is held; good until the next change. */
  get closedBytes(): Uint8Array {
    return this.#bytes ?? NOTHING_CLOSED;
  }

  /** What was closed, packed, when it stands here and nowhere else. */
  get held(): Uint8Array | undefined {
    return this.#packed;
  }

  /** Takes what was closed, packed, as it was held. */
  set held(packed: Uint8Array) {
    this.#packed = packed;
  }

  /** From now on what was closed is read, packed, where it stands too. */
  letGo(read: (chunk: Chunk) => Uint8Array | undefined): void {
    this.#packed = undefined;
    this.#elsewhere = read;
  }

  /** Takes it back: it will not stand there any more. */
  hold(): void {
    this.#packed = this.#bytes?.slice();
    this.#elsewhere = undefined;
  }

  /** Cuts of the rule at that position. */
  cutsOf(rule: number): readonly unknown[] {
    if ((this.rules & (1 << rule)) === 0) return NO_CUTS;
    const bytes = this.#bytes;
    return bytes === undefined ? NO_CUTS : readCutsOf(new ByteReader(bytes), rule);
  }

  /** Takes other cuts of one rule. */
  setCuts(rule: number, cuts: readonly unknown[]): void {
    const bit = 1 << rule;
    this.rules = cuts.length === 0 ? this.rules & ~bit : this.rules | bit;
    this.#packed = this.rules === 0 ? undefined : withCuts(this.closedBytes, rule, cuts);
    this.#elsewhere = undefined;
  }

  /** Moves the sums of what was closed; returns one bit for each rule of which a cut is another now. */
  shift(shifts: Shifts): number {
    let moved = 0;
    for (const [i, shift] of shifts.entries()) {
      if (shift === undefined || (this.rules & (1 << i)) === 0) continue;
      const cuts = this.cutsOf(i);
      const others = cuts.map(shift.cut);
      if (others.every((cut, at) => cut === cuts[at])) continue;
      this.setCuts(i, others);
      moved |= 1 << i;
    }
    return moved;
  }

  /** Adds what its newest fix closed. */
  close(cuts: Closed): void {
    const all = new Closed();
    all.take(this.closed);
    all.take(cuts);
    this.closed = all;
  }

  /** Forgets what was closed: it is folded anew. */
  reopen(): void {
    this.closed = NONE;
  }
}
