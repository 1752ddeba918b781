import type { Chunk } from './chunk.ts';
import { secondOf, type Fix } from './fix.ts';

/** Event time that one block spans, s. */
const BLOCK_S = 21_600;
const MARK_BYTES = 6;

/** How long a fix is recognised as a repeat after it left the retained range, ms. */
export const SEEN_MS = 172_800_000;

/**
 * Remembers which fixes were accepted after their chunk was trimmed: 6 bytes a fix (second in the
 * block, first word of the id). So a message that the provider registers again hours later is a repeat
 * and not a fix beyond grace. Blocks are never changed in place: they are what the changelog holds.
 */
export class Seen {
  readonly #blocks: Map<number, Uint8Array>;

  constructor(blocks: Iterable<readonly [number, Uint8Array]> = []) {
    this.#blocks = new Map(blocks);
  }

  /** Block numbers that exist. */
  get indexes(): readonly number[] {
    return [...this.#blocks.keys()];
  }

  block(index: number): Uint8Array | undefined {
    return this.#blocks.get(index);
  }

  knows(fix: Fix): boolean {
    const second = secondOf(fix.time);
    const index = Math.floor(second / BLOCK_S);
    const block = this.#blocks.get(index);
    if (block === undefined) return false;
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    const inBlock = second - index * BLOCK_S;
    const word = fix.idHigh;
    for (let at = 0; at < block.length; at += MARK_BYTES) {
      if (view.getUint16(at) === inBlock && view.getUint32(at + 2) === word) return true;
    }
    return false;
  }

  /** Takes over the fixes of trimmed chunks; returns the numbers of the blocks that changed. */
  remember(chunks: readonly Chunk[]): ReadonlySet<number> {
    const added = new Map<number, number[]>();
    for (const chunk of chunks) {
      chunk.eachMark((second, word) => {
        const index = Math.floor(second / BLOCK_S);
        const marks = added.get(index) ?? [];
        marks.push(second - index * BLOCK_S, word);
        added.set(index, marks);
      });
    }
    for (const [index, marks] of added) this.#extend(index, marks);
    return new Set(added.keys());
  }

  /** End of the oldest block, ms. */
  get oldestEnd(): number {
    let oldest = Infinity;
    for (const index of this.#blocks.keys())
      oldest = Math.min(oldest, (index + 1) * BLOCK_S * 1000);
    return oldest;
  }

  /** Drops blocks that end by `before` (ms); returns their numbers. */
  forget(before: number): readonly number[] {
    const gone = this.indexes.filter((index) => (index + 1) * BLOCK_S * 1000 <= before);
    for (const index of gone) this.#blocks.delete(index);
    return gone;
  }

  #extend(index: number, marks: readonly number[]): void {
    const old = this.#blocks.get(index) ?? new Uint8Array(0);
    const block = new Uint8Array(old.length + (marks.length / 2) * MARK_BYTES);
    block.set(old);
    const view = new DataView(block.buffer);
    for (let i = 0; i < marks.length; i += 2) {
      const at = old.length + (i / 2) * MARK_BYTES;
      view.setUint16(at, marks[i] ?? 0);
      view.setUint32(at + 2, marks[i + 1] ?? 0);
    }
    this.#blocks.set(index, block);
  }
}
