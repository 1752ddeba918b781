/** A longer line is no packet; a black box of 500 messages fits. Also of what a compressed packet holds. */
export const LINE_BYTES_MAX = 65_536;
/** A block of a picture or file is recommended to have 50 KB. */
const BLOCK_BYTES_MAX = 1_048_576;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** First byte of a compressed packet; no line begins with it. */
const PACKED = 0xff;
/** That byte, and the length of the data, little-endian. */
const PACKED_HEAD_BYTES = 3;

/** One packet as it came. */
export interface IpsFrame {
  /** A line without its end, or the compressed data of one. */
  readonly bytes: Buffer;
  readonly isPacked: boolean;
}

/**
 * How many bytes follow the line of a packet: blocks of pictures (`I`), files (`T`), firmware (`US`) and
 * configuration (`UC`). 0 = none; undefined = there are some, and nobody can say how many.
 */
export function blockBytes(line: Buffer): number | undefined {
  const head = line.toString('latin1', 0, 64);
  const [, type] = /^#(I|T|US|UC)#/.exec(head) ?? [];
  if (type === undefined) return 0;
  const [, size] = (type === 'T' ? /^#T#[^;]*;(\d{1,9});/ : /^#[A-Z]+#(\d{1,9});/).exec(head) ?? [];
  return size === undefined ? undefined : Number(size);
}

/**
 * Cuts what a sender's connection brings into packets. Blocks of binary data behind a line are passed over,
 * not kept; the line is given out when its block has come. Source of the format: the description of the
 * protocol, version 2.0 (commands, data compression).
 */
export class IpsFrames {
  #rest: Buffer = Buffer.alloc(0);
  #skip = 0;
  #held: Buffer | undefined;

  /** True while a packet has come in part. */
  get isBegun(): boolean {
    return this.#rest.length > 0 || this.#held !== undefined;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
  }

  /** The next packet that has come whole; undefined while there is none. */
  next(): IpsFrame | 'too_long' | undefined {
    if (this.#held !== undefined) return this.#pass(this.#held);
    if (this.#rest[0] === PACKED) return this.#packed();
    const end = this.#rest.indexOf(LINE_FEED);
    if (end > LINE_BYTES_MAX + 1 || (end < 0 && this.#rest.length > LINE_BYTES_MAX)) {
      return 'too_long';
    }
    if (end < 0) return undefined;
    const line = this.#take(end > 0 && this.#rest[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
    this.#rest = this.#rest.subarray(end - line.length + 1);
    this.#skip = blockBytes(line) ?? 0;
    if (this.#skip > BLOCK_BYTES_MAX) return 'too_long';
    return this.#pass(line);
  }

  /** The line of a block, once all of the block has come. */
  #pass(line: Buffer): IpsFrame | undefined {
    const passed = Math.min(this.#skip, this.#rest.length);
    this.#rest = this.#rest.subarray(passed);
    this.#skip -= passed;
    this.#held = this.#skip > 0 ? line : undefined;
    return this.#held === undefined ? { bytes: line, isPacked: false } : undefined;
  }

  #packed(): IpsFrame | undefined {
    if (this.#rest.length < PACKED_HEAD_BYTES) return undefined;
    const end = PACKED_HEAD_BYTES + this.#rest.readUInt16LE(1);
    if (this.#rest.length < end) return undefined;
    this.#rest = this.#rest.subarray(PACKED_HEAD_BYTES);
    return { bytes: this.#take(end - PACKED_HEAD_BYTES), isPacked: true };
  }

  /** A copy: the record outlives the chunk that it came in. */
  #take(bytes: number): Buffer {
    const taken = Buffer.from(this.#rest.subarray(0, bytes));
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }
}
