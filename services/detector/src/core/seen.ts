import { ByteReader, ByteWriter } from './bytes.ts';
import { secondOf, type Fix } from './fix.ts';

const writer = new ByteWriter();

/** Event time that one block spans, s. */
const BLOCK_S = 21_600;
const BITMAP_BYTES = BLOCK_S / 8;

/** How long a fix is recognised after it left the retained range, ms. */
export const SEEN_MS = 172_800_000;

/** Second and word of identity of an accepted fix. */
export type Mark = readonly [number, number];

/** Blocks of up to so many fixes, one in 48 s, keep the identities. */
const MOST_MARKS = 450;
const MARK_BYTES = 6;

/**
 * How a block stands, its first byte: second (u16) and word of identity (u32) of each fix; or seconds only,
 * as step and count of runs of even steps (varints), or as one bit each.
 */
const MARKS = 0;
const RUNS = 1;
const BITMAP = 2;

function writeRuns(seconds: readonly number[]): Uint8Array {
  writer.u8(RUNS);
  let before = 0;
  for (let i = 0; i < seconds.length;) {
    const step = (seconds[i] ?? 0) - before;
    let count = 0;
    for (; i < seconds.length && (seconds[i] ?? 0) - before === step; i += 1) {
      before = seconds[i] ?? 0;
      count += 1;
    }
    writer.varint(step);
    writer.varint(count);
  }
  return writer.finish();
}

function writeSeconds(marks: readonly Mark[]): Uint8Array {
  const seconds = [...new Set(marks.map(([second]) => second))];
  const runs = writeRuns(seconds);
  if (runs.length <= BITMAP_BYTES) return runs;
  const bitmap = new Uint8Array(1 + BITMAP_BYTES);
  bitmap[0] = BITMAP;
  for (const second of seconds) {
    bitmap[1 + (second >> 3)] = (bitmap[1 + (second >> 3)] ?? 0) | (1 << (second & 7));
  }
  return bitmap;
}

function writeMarks(marks: readonly Mark[]): Uint8Array {
  const block = new Uint8Array(1 + marks.length * MARK_BYTES);
  const view = new DataView(block.buffer);
  for (const [i, [second, word]] of marks.entries()) {
    view.setUint16(1 + i * MARK_BYTES, second);
    view.setUint32(3 + i * MARK_BYTES, word);
  }
  return block;
}

/** Marks of a block; without words where only seconds are kept. */
function readBlock(block: Uint8Array): { readonly marks: Mark[]; readonly hasWords: boolean } {
  const marks: Mark[] = [];
  const reader = new ByteReader(block);
  const kind = reader.u8();
  if (kind === BITMAP) {
    for (let second = 0; second < BLOCK_S; second += 1) {
      if (((block[1 + (second >> 3)] ?? 0) & (1 << (second & 7))) !== 0) marks.push([second, 0]);
    }
  }
  if (kind === RUNS) {
    for (let second = 0; !reader.isAtEnd();) {
      const step = reader.varint();
      for (let left = reader.varint(); left > 0; left -= 1) marks.push([(second += step), 0]);
    }
  }
  if (kind === MARKS) {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    for (let at = 1; at < block.length; at += MARK_BYTES) {
      marks.push([view.getUint16(at), view.getUint32(at + 2)]);
    }
  }
  return { marks, hasWords: kind === MARKS };
}

/**
 * Remembers which fixes were accepted after their chunk was trimmed: at most 2.7 kB for six hours. So a
 * message that the provider registers again hours later is a repeat and not a fix beyond grace. Of a unit
 * with more than one fix in 48 s only the seconds are kept: what comes for such a second later was
 * registered later, so it is a repeat or would be outranked. Blocks are never changed in place: they are
 * what the changelog holds.
 */
export class Seen {
  readonly #blocks: Map<number, Uint8Array>;
  /** Number of the oldest block; Infinity = there is none. */
  #oldest: number;

  constructor(blocks: Iterable<readonly [number, Uint8Array]> = []) {
    this.#blocks = new Map(blocks);
    this.#oldest = Math.min(Infinity, ...this.#blocks.keys());
  }

  /** Block numbers that exist. */
  get indexes(): readonly number[] {
    return [...this.#blocks.keys()];
  }

  block(index: number): Uint8Array | undefined {
    return this.#blocks.get(index);
  }

  knows(fix: Pick<Fix, 'time' | 'idHigh'>): boolean {
    const second = secondOf(fix.time);
    const index = Math.floor(second / BLOCK_S);
    const block = this.#blocks.get(index);
    if (block === undefined) return false;
    const { marks, hasWords } = readBlock(block);
    const inBlock = second - index * BLOCK_S;
    return marks.some(([at, word]) => at === inBlock && (!hasWords || word === fix.idHigh));
  }

  /** Takes over marks of seconds since epoch, ascending and behind all before; returns changed blocks. */
  remember(marks: readonly Mark[]): ReadonlySet<number> {
    const added = new Map<number, Mark[]>();
    for (const [second, word] of marks) {
      const index = Math.floor(second / BLOCK_S);
      const inBlock = added.get(index) ?? [];
      inBlock.push([second - index * BLOCK_S, word]);
      added.set(index, inBlock);
    }
    for (const [index, inBlock] of added) this.#extend(index, inBlock);
    return new Set(added.keys());
  }

  #extend(index: number, added: readonly Mark[]): void {
    const block = this.#blocks.get(index);
    const before = block === undefined ? undefined : readBlock(block);
    const marks = [...(before?.marks ?? []), ...added];
    const hasWords = (before?.hasWords ?? true) && marks.length <= MOST_MARKS;
    this.#oldest = Math.min(this.#oldest, index);
    this.#blocks.set(index, hasWords ? writeMarks(marks) : writeSeconds(marks));
  }

  /** End of the oldest block, ms. */
  get oldestEnd(): number {
    return (this.#oldest + 1) * BLOCK_S * 1000;
  }

  /** Drops blocks that end by `before` (ms); returns their numbers. */
  forget(before: number): readonly number[] {
    const gone = this.indexes.filter((index) => (index + 1) * BLOCK_S * 1000 <= before);
    for (const index of gone) this.#blocks.delete(index);
    if (gone.length > 0) this.#oldest = Math.min(Infinity, ...this.#blocks.keys());
    return gone;
  }
}
