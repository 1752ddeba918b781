import { ByteReader, ByteWriter } from './bytes.ts';
import { secondOf, type Fix } from './fix.ts';

const writer = new ByteWriter();

/** Event time that one block spans, s. */
const BLOCK_S = 21_600;
const BITMAP_BYTES = BLOCK_S / 8;

/** How long a fix is recognised after it left the retained range, ms. */
export const SEEN_MS = 172_800_000;

/** Accepted fixes: seconds, ascending, and words of identity; without words where only seconds are kept. */
export interface Marks {
  readonly seconds: readonly number[];
  readonly words: readonly number[] | undefined;
}

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

/** Even steps at the end of seconds that are written as runs. */
interface LastRun {
  /** Where its bytes begin. */
  readonly at: number;
  readonly step: number;
  readonly count: number;
  /** Its last second. */
  readonly second: number;
}

const NO_RUN: LastRun = { at: 1, step: 0, count: 0, second: 0 };

function lastRunOf(runs: Uint8Array): LastRun {
  const reader = new ByteReader(runs);
  reader.u8();
  let last = NO_RUN;
  while (!reader.isAtEnd()) {
    const at = reader.position;
    const [step, count] = [reader.varint(), reader.varint()];
    last = { at, step, count, second: last.second + step * count };
  }
  return last;
}

const NO_RUNS = Uint8Array.of(RUNS);

/** Runs with further seconds, ascending; those that are there already, repeats, are passed over. */
function withSeconds(runs: Uint8Array, seconds: readonly number[]): Uint8Array {
  const last = lastRunOf(runs);
  let { step, count, second } = last;
  writer.append(runs.subarray(0, last.at));
  const write = (): void => {
    if (count === 0) return;
    writer.varint(step);
    writer.varint(count);
  };
  for (const next of seconds) {
    if (next === second && (count > 0 || second > 0)) continue;
    if (count === 0 || next - second !== step) {
      write();
      step = next - second;
      count = 0;
    }
    count += 1;
    second = next;
  }
  write();
  return writer.finish();
}

function withBits(bitmap: Uint8Array, seconds: readonly number[]): Uint8Array {
  const bits = bitmap.slice();
  for (const second of seconds) {
    bits[1 + (second >> 3)] = (bits[1 + (second >> 3)] ?? 0) | (1 << (second & 7));
  }
  return bits;
}

function writeSeconds(seconds: readonly number[]): Uint8Array {
  const runs = withSeconds(NO_RUNS, seconds);
  if (runs.length <= BITMAP_BYTES) return runs;
  const bitmap = new Uint8Array(1 + BITMAP_BYTES);
  bitmap[0] = BITMAP;
  return withBits(bitmap, seconds);
}

/** A block with further marks, behind those that it has. */
function extended(block: Uint8Array, added: Marks): Uint8Array {
  if (block[0] === BITMAP) return withBits(block, added.seconds);
  if (block[0] === RUNS) {
    const runs = withSeconds(block, added.seconds);
    if (runs.length <= BITMAP_BYTES) return runs;
  }
  const there = readBlock(block);
  const seconds = [...there.seconds, ...added.seconds];
  if (there.words === undefined || added.words === undefined || seconds.length > MOST_MARKS) {
    return writeSeconds(seconds);
  }
  return writeMarks(seconds, [...there.words, ...added.words]);
}

function writeMarks(seconds: readonly number[], words: readonly number[]): Uint8Array {
  const block = new Uint8Array(1 + seconds.length * MARK_BYTES);
  const view = new DataView(block.buffer);
  for (const [i, second] of seconds.entries()) {
    view.setUint16(1 + i * MARK_BYTES, second);
    view.setUint32(3 + i * MARK_BYTES, words[i] ?? 0);
  }
  return block;
}

const NO_MARKS = Uint8Array.of(MARKS);

/** Marks of a block. */
function readBlock(block: Uint8Array): Marks {
  const seconds: number[] = [];
  const reader = new ByteReader(block);
  const kind = reader.u8();
  if (kind === BITMAP) {
    for (let second = 0; second < BLOCK_S; second += 1) {
      if (((block[1 + (second >> 3)] ?? 0) & (1 << (second & 7))) !== 0) seconds.push(second);
    }
  }
  if (kind === RUNS) {
    for (let second = 0; !reader.isAtEnd();) {
      const step = reader.varint();
      for (let left = reader.varint(); left > 0; left -= 1) seconds.push((second += step));
    }
  }
  if (kind !== MARKS) return { seconds, words: undefined };
  const words: number[] = [];
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  for (let at = 1; at < block.length; at += MARK_BYTES) {
    seconds.push(view.getUint16(at));
    words.push(view.getUint32(at + 2));
  }
  return { seconds, words };
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
    const { seconds, words } = readBlock(block);
    const inBlock = second - index * BLOCK_S;
    return seconds.some((at, i) => at === inBlock && (words?.[i] ?? fix.idHigh) === fix.idHigh);
  }

  /** False when only the seconds of these fixes of one block will be kept. */
  wantsWords({
    startTime,
    count,
  }: {
    readonly startTime: number;
    readonly count: number;
  }): boolean {
    const block = this.#blocks.get(Math.floor(secondOf(startTime) / BLOCK_S)) ?? NO_MARKS;
    return block[0] === MARKS && count + (block.length - 1) / MARK_BYTES <= MOST_MARKS;
  }

  /** Takes over marks of seconds since epoch, behind all before; returns changed blocks. */
  remember({ seconds, words }: Marks): readonly number[] {
    const changed: number[] = [];
    for (let from = 0; from < seconds.length;) {
      const index = Math.floor((seconds[from] as number) / BLOCK_S);
      const start = index * BLOCK_S;
      const inBlock: number[] = [];
      let to = from;
      for (; to < seconds.length && (seconds[to] as number) < start + BLOCK_S; to += 1) {
        inBlock.push((seconds[to] as number) - start);
      }
      this.#extend(index, { seconds: inBlock, words: words?.slice(from, to) });
      changed.push(index);
      from = to;
    }
    return changed;
  }

  #extend(index: number, added: Marks): void {
    const block = this.#blocks.get(index);
    this.#oldest = Math.min(this.#oldest, index);
    this.#blocks.set(index, extended(block ?? NO_MARKS, added));
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
