const encoder = new TextEncoder();
const decoder = new TextDecoder();

const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Value of a lower-case hex digit's char code. */
function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

/** Writes 32 hex digits as 16 bytes at `at`. */
export function putId(target: Uint8Array, at: number, id: string): void {
  for (let i = 0; i < 16; i += 1) {
    target[at + i] = (digit(id.charCodeAt(2 * i)) << 4) | digit(id.charCodeAt(2 * i + 1));
  }
}

/** The 32 hex digits of the 16 bytes at `at`. */
export function idAt(source: Uint8Array, at: number): string {
  let text = '';
  for (let i = 0; i < 16; i += 1) text += hexOf[source[at + i] ?? 0];
  return text;
}

/** Eight hex digits from digit `from` on as an unsigned integer. */
export function wordOf(id: string, from: number): number {
  let high = 0;
  let low = 0;
  for (let i = 0; i < 4; i += 1) {
    high = (high << 4) | digit(id.charCodeAt(from + i));
    low = (low << 4) | digit(id.charCodeAt(from + 4 + i));
  }
  return high * 65_536 + low;
}

/** What `real` tries; 3 stands for none of them. */
const SCALES = [1, 100, 1024] as const;
/** With sign and scale still a whole number that is exact. */
const MAX_SCALED = 2 ** 49;

/** Grows as needed; big-endian. The counterpart of ByteReader. Meant to be kept and used again. */
export class ByteWriter {
  /** Newest of the values that are told by their difference to the one before; see fix-codec. */
  before: unknown = undefined;
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #reserve(size: number): number {
    const at = this.#length;
    if (at + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + size));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = at + size;
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  /** Leaves room for a byte that `put` or `cut` decides about; returns its place. */
  hold(): number {
    return this.#reserve(1);
  }

  /** Fills a byte that was held. */
  put(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Takes back all from that place on. */
  cut(at: number): void {
    this.#length = at;
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
  }

  i32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setInt32(at, value);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value);
  }

  /** A whole number from 0 to 2^53 - 1 in as few bytes as it needs: 7 bits each. */
  varint(value: number): void {
    let rest = value;
    if (rest < 0x8000_0000) {
      // Nearly all are small: bits are cheaper than divisions.
      for (; rest >= 0x80; rest >>>= 7) this.u8((rest & 0x7f) | 0x80);
      this.u8(rest);
      return;
    }
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** A whole number of either sign, small ones in few bytes. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Any number: a whole one, hundredths and 1,024ths in as few bytes as they need, else as it is. */
  real(value: number): void {
    for (let scale = 0; scale < SCALES.length; scale += 1) {
      const scaled = value * (SCALES[scale] as number);
      const size = Math.round(scaled);
      if (size / (SCALES[scale] as number) !== value || Math.abs(size) > MAX_SCALED) continue;
      if (Object.is(value, -0)) break;
      this.varint((size < 0 ? -2 * size - 1 : 2 * size) * 4 + scale);
      return;
    }
    this.u8(3);
    this.f64(value);
  }

  id(value: string): void {
    const at = this.#reserve(16);
    putId(this.#bytes, at, value);
  }

  text(value: string): void {
    const start = this.#length;
    this.varint(value.length);
    const at = this.#reserve(value.length);
    for (let i = 0; i < value.length; i += 1) {
      const code = value.charCodeAt(i);
      if (code > 127) {
        this.#length = start;
        this.bytes(encoder.encode(value));
        return;
      }
      this.#bytes[at + i] = code;
    }
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** Bytes without their length. */
  append(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** Moves what stands in another writer to the end of this one. */
  raw(other: ByteWriter): void {
    const length = other.#length;
    if (length === 0) return;
    this.copy(other.#bytes, 0, length);
    other.#length = 0;
  }

  /** A few bytes of another place, from inclusive to exclusive. */
  copy(source: Uint8Array, from: number, to: number): void {
    const at = this.#reserve(to - from);
    const bytes = this.#bytes;
    for (let i = from; i < to; i += 1) bytes[at + i - from] = source[i] ?? 0;
  }

  /** Bytes that were written since it started over. */
  get length(): number {
    return this.#length;
  }

  /** What was written, as a view that holds until the next change; the writer starts over. */
  take(): Uint8Array {
    this.before = undefined;
    const written = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return written;
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.varint(items.length);
    for (const item of items) write(item);
  }

  /** Writes presence, then the value when there is one. */
  optional<T>(value: T | undefined, write: (value: T) => void): void {
    this.u8(value === undefined ? 0 : 1);
    if (value !== undefined) write(value);
  }

  /** A copy of exactly what was written; the writer starts over. */
  finish(): Uint8Array {
    this.before = undefined;
    const written = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return written;
  }
}

/** True for equal bytes. */
export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Reads what ByteWriter wrote; a damaged value throws RangeError. */
export class ByteReader {
  /** See ByteWriter. */
  before: unknown = undefined;
  #bytes: Uint8Array;
  /** Made for the first number that takes one: most readers meet none. */
  #made: DataView | undefined;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#made ??= new DataView(buffer, byteOffset, byteLength);
    return this.#made;
  }

  /** Begins anew with other bytes. */
  look(bytes: Uint8Array): void {
    this.before = undefined;
    this.#bytes = bytes;
    this.#made = undefined;
    this.#at = 0;
  }

  #take(size: number): number {
    const at = this.#at;
    this.#at = at + size;
    return at;
  }

  u8(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new RangeError('value ends early');
    this.#at += 1;
    return byte;
  }

  u32(): number {
    const [at, bytes] = [this.#take(4), this.#bytes];
    if (this.#at > bytes.length) throw new RangeError('value ends early');
    const [a, b] = [bytes[at] as number, bytes[at + 1] as number];
    return (
      ((a << 24) | (b << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
    );
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  varint(): number {
    let byte = this.u8();
    let value = byte & 0x7f;
    for (let unit = 0x80; byte >= 0x80; unit *= 0x80) {
      byte = this.u8();
      value += (byte & 0x7f) * unit;
    }
    return value;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Bytes that were read. */
  get position(): number {
    return this.#at;
  }

  /** Goes on behind so many bytes. */
  pass(size: number): void {
    this.#at += size;
  }

  /** What was read so far, a view of the source. */
  get passed(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** What is left, a view of the source. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** What was read from that position on, a view of the source. */
  since(position: number): Uint8Array {
    return this.#bytes.subarray(position, this.#at);
  }

  /** True when nothing is left. */
  isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  real(): number {
    const coded = this.varint();
    const scale = coded % 4;
    if (scale === 3) return this.f64();
    const size = Math.floor(coded / 4);
    return (size % 2 === 0 ? size / 2 : -(size + 1) / 2) / (SCALES[scale] as number);
  }

  id(): string {
    return idAt(this.#bytes, this.#take(16));
  }

  text(): string {
    const bytes = this.bytes();
    let text = '';
    for (const byte of bytes) {
      if (byte > 127) return decoder.decode(bytes);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** Reads a text; true when it is this one, of ASCII. */
  isText(expected: string): boolean {
    const length = this.varint();
    const at = this.#take(length);
    if (length !== expected.length) return false;
    for (let i = 0; i < length; i += 1) {
      if (this.#bytes[at + i] !== expected.charCodeAt(i)) return false;
    }
    return true;
  }

  /** A view of the source, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    const at = this.#take(length);
    if (at + length > this.#bytes.length) throw new RangeError('value ends early');
    return this.#bytes.subarray(at, at + length);
  }

  list<T>(read: () => T): T[] {
    const length = this.varint();
    const items: T[] = [];
    for (let i = 0; i < length; i += 1) items.push(read());
    return items;
  }

  optional<T>(read: () => T): T | undefined {
    return this.u8() === 0 ? undefined : read();
  }
}
