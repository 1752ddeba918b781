import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteWriter } from './core/bytes.ts';
import type { Pages } from './core/pages.ts';

/** Written into again and again: what is put is copied into pages at once. */
const writer = new ByteWriter();

/** Bytes of the packed part (u32), of what it unpacks to (u32), and how many of these are gone (u32). */
const HEADER_BYTES = 12;
/** Before each block: its bytes (u32), and what it unpacks to (u32). */
const BLOCK_HEADER_BYTES = 8;

/** So many plain bytes are worth a block: less packs badly, more stand plain for too long. */
const BLOCK_BYTES = 4_096;

/** The least work, and little memory while it is done: half of the bytes go all the same. */
const DEFLATE = { level: 1, windowBits: 13, memLevel: 6 } as const;
const INFLATE = { windowBits: 13 } as const;
/** What zlib writes into lives until the next turn of the event loop: so it is made as large as it is needed. */
const LEAST_CHUNK = 64;
/** Nearly always enough; what packs worse takes a second piece. */
const PACKED_SHARE = 0.7;

interface Header {
  readonly packed: number;
  readonly unpacked: number;
  readonly gone: number;
}

const NONE: Header = Object.freeze({ packed: 0, unpacked: 0, gone: 0 });

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function uint32s(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What blocks hold, one after the other. */
function unpack(blocks: Uint8Array, length: number): Uint8Array {
  const all = new Uint8Array(length);
  const view = viewOf(blocks);
  let filled = 0;
  for (let at = 0; at < blocks.length;) {
    const from = at + BLOCK_HEADER_BYTES;
    const size = view.getUint32(at + 4);
    at = from + view.getUint32(at);
    const plain = inflateRawSync(blocks.subarray(from, at), {
      ...INFLATE,
      chunkSize: Math.max(LEAST_CHUNK, size),
    });
    all.set(plain, filled);
    filled += plain.length;
  }
  return all;
}

/** Blocks without those that hold nothing but what is gone, and how much of the rest is gone. */
function shortened(
  blocks: Uint8Array,
  { unpacked, gone }: Header,
): { readonly blocks: Uint8Array; readonly header: Header } {
  const view = viewOf(blocks);
  let [at, left, before] = [0, unpacked, gone];
  while (at < blocks.length && view.getUint32(at + 4) <= before) {
    before -= view.getUint32(at + 4);
    left -= view.getUint32(at + 4);
    at += BLOCK_HEADER_BYTES + view.getUint32(at);
  }
  const rest = blocks.subarray(at);
  return { blocks: rest, header: { packed: rest.length, unpacked: left, gone: before } };
}

/** What the packed parts hold that were asked for last: many units are looked at when a task starts. */
const lately = new Map<PackedPages, Uint8Array>();
const MOST_UNPACKED = 8;

/**
 * Bytes of which the older part is packed (deflate) while nobody asks for it: a header, blocks, and behind them
 * what came since, plain. Appending and reading what is plain cost as much as without; reading what is packed
 * unpacks all of it, and is remembered for a few of them.
 */
export class PackedPages implements Pages {
  readonly #pages: Pages;
  #header: Header = NONE;

  constructor(pages: Pages) {
    this.#pages = pages;
    if (pages.length() === 0) return;
    const view = viewOf(pages.read(0, HEADER_BYTES));
    this.#header = {
      packed: view.getUint32(0),
      unpacked: view.getUint32(4),
      gone: view.getUint32(8),
    };
  }

  /** Bytes that are packed and not gone. */
  get #older(): number {
    return this.#header.unpacked - this.#header.gone;
  }

  /** Where the plain bytes begin. */
  get #plainAt(): number {
    return HEADER_BYTES + this.#header.packed;
  }

  get #plainLength(): number {
    return Math.max(0, this.#pages.length() - this.#plainAt);
  }

  length(): number {
    return this.#older + this.#plainLength;
  }

  #readOlder(from: number, to: number): Uint8Array {
    const { unpacked, gone } = this.#header;
    let all = lately.get(this);
    if (all === undefined) {
      all = unpack(this.#pages.read(HEADER_BYTES, this.#plainAt), unpacked);
      lately.set(this, all);
      const [oldest] = lately.keys();
      if (lately.size > MOST_UNPACKED && oldest !== undefined) lately.delete(oldest);
    }
    return all.subarray(gone + from, gone + to);
  }

  #readPlain(from: number, to: number): Uint8Array {
    return this.#pages.read(this.#plainAt + from, this.#plainAt + to);
  }

  read(from: number, to: number): Uint8Array {
    const older = this.#older;
    if (from >= older) return this.#readPlain(from - older, to - older);
    if (to <= older) return this.#readOlder(from, to);
    return joined(this.#readOlder(from, older), this.#readPlain(0, to - older));
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#pages.length() === 0) this.set(bytes);
    else this.#pages.append(bytes);
  }

  set(bytes: Uint8Array): void {
    this.#put(NONE, bytes);
  }

  #put(header: Header, ...parts: readonly Uint8Array[]): void {
    lately.delete(this);
    this.#header = header;
    const isEmpty = parts.every(({ length }) => length === 0);
    if (!isEmpty)
      for (const word of [header.packed, header.unpacked, header.gone]) writer.u32(word);
    for (const part of parts) writer.append(part);
    this.#pages.set(writer.take());
  }

  dropFront(count: number): void {
    if (count <= 0) return;
    const older = this.#older;
    const plain = this.#readPlain(Math.max(0, count - older), Infinity);
    if (count >= older) {
      this.#put(NONE, plain);
      return;
    }
    const { unpacked, gone, packed } = this.#header;
    const all = this.#pages.read(HEADER_BYTES, this.#plainAt);
    const { blocks, header } = shortened(all, { packed, unpacked, gone: gone + count });
    this.#put(header, blocks, plain);
  }

  rest(): void {
    const length = this.#plainLength;
    if (length < BLOCK_BYTES) return;
    const chunkSize = Math.ceil(length * PACKED_SHARE);
    const block = deflateRawSync(this.#readPlain(0, length), { ...DEFLATE, chunkSize });
    const { packed, unpacked, gone } = this.#header;
    const header = {
      packed: packed + BLOCK_HEADER_BYTES + block.length,
      unpacked: unpacked + length,
      gone,
    };
    const blocks = this.#pages.read(HEADER_BYTES, this.#plainAt);
    this.#put(header, blocks, uint32s(block.length, length), block);
  }
}
