import type { Fix } from './fix.ts';
import { Closed } from './fold.ts';

/** Event time that one chunk spans, ms. */
export const CHUNK_MS = 900_000;

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

/** Closed by nothing: shared by all chunks in which nothing ended. */
const NONE = new Closed();

/** The fixes of one unit and one quarter of an hour; their bytes stand in the pages of the unit. */
export class Chunk {
  readonly index: number;
  /** Fixes that count, one per device second. */
  count: number;
  /** Packed bytes. */
  size: number;
  /** Offset of the first record in the input that brought a fix of this chunk. */
  firstOffset: number;
  closed: Closed = NONE;
  readonly #read: (chunk: Chunk) => readonly Fix[];

  constructor(
    index: number,
    firstOffset: number,
    read: (chunk: Chunk) => readonly Fix[],
    saved: { readonly count: number; readonly size: number } = { count: 0, size: 0 },
  ) {
    this.index = index;
    this.firstOffset = firstOffset;
    this.#read = read;
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
    return this.#read(this);
  }

  /** Adds what its newest fix closed. */
  close(cuts: Closed): void {
    if (this.closed === NONE) this.closed = new Closed();
    this.closed.take(cuts);
  }

  /** Forgets what was closed: it is folded anew. */
  reopen(): void {
    this.closed = NONE;
  }
}
