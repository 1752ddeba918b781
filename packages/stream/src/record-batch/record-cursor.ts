import { viewOf } from './crc32c.ts';

const TRACEPARENT = Buffer.from('traceparent');
const NOTHING = Buffer.alloc(0);
const NONE = -1;

/** The records of one batch that a reader of committed records may see. */
export interface VisibleBatch {
  readonly baseOffset: number;
  /** Epoch ms; negative = none. */
  readonly baseTimestamp: number;
  readonly count: number;
  /** Where the records stand; for compressed batches a buffer of their own. */
  readonly bytes: Buffer;
  readonly start: number;
}

/** Where a cursor stands; made by `mark`, good for `rewind` of the same cursor. */
export interface CursorMark {
  readonly batch: number;
  readonly left: number;
  readonly at: number;
}

/**
 * Walks over the records of a fetched partition without making an object per record: `next` moves, the
 * fields say where the parts of the present record stand in `bytes`. Records before `from` are passed.
 */
export class RecordCursor {
  /** Offset of the present record. */
  offset: number = NONE;
  /** When the present record was published, in epoch ms; negative = unknown. */
  timestamp: number = NONE;
  bytes: Buffer = NOTHING;
  keyStart = 0;
  /** Length of the key, −1 = null. */
  keyLength: number = NONE;
  valueStart = 0;
  /** Length of the value, −1 = tombstone. */
  valueLength: number = NONE;
  readonly #batches: readonly VisibleBatch[];
  readonly #from: number;
  #batch = -1;
  #baseOffset = 0;
  #baseTimestamp = NONE;
  #left = 0;
  #view: DataView = viewOf(NOTHING);
  #at = 0;
  #end = 0;
  #headersAt = 0;

  constructor(batches: readonly VisibleBatch[], from: number) {
    this.#batches = batches;
    this.#from = from;
  }

  /** True when nothing was left behind the present record when its batch was written. */
  get atEnd(): boolean {
    return this.#left === 0 && this.#batch >= this.#batches.length - 1;
  }

  mark(): CursorMark {
    return { batch: this.#batch, left: this.#left, at: this.#end };
  }

  rewind({ batch, left, at }: CursorMark): void {
    this.#open(batch);
    this.#left = left;
    this.#end = at;
  }

  /** Moves to the next record; false behind the last one. */
  next(): boolean {
    do {
      while (this.#left === 0) {
        if (this.#batch >= this.#batches.length - 1) return false;
        this.#open(this.#batch + 1);
      }
      this.#read();
    } while (this.offset < this.#from);
    return true;
  }

  #open(index: number): void {
    this.#batch = index;
    const batch = this.#batches[index];
    if (batch === undefined) return;
    if (batch.bytes !== this.bytes) this.#view = viewOf(batch.bytes);
    this.bytes = batch.bytes;
    this.#baseOffset = batch.baseOffset;
    this.#baseTimestamp = batch.baseTimestamp;
    this.#left = batch.count;
    this.#end = batch.start;
  }

  #read(): void {
    this.#at = this.#end;
    this.#left -= 1;
    const length = this.#varint();
    this.#end = this.#at + length;
    this.#at += 1;
    this.timestamp = this.#baseTimestamp + this.#varlong();
    this.offset = this.#baseOffset + this.#varint();
    this.keyLength = this.#varint();
    this.keyStart = this.#at;
    if (this.keyLength > 0) this.#at += this.keyLength;
    this.valueLength = this.#varint();
    this.valueStart = this.#at;
    if (this.valueLength > 0) this.#at += this.valueLength;
    this.#headersAt = this.#at;
  }

  /** A zigzag varint of at most 32 bits. */
  #varint(): number {
    const view = this.#view;
    let byte = view.getUint8(this.#at++);
    let zigzag = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      byte = view.getUint8(this.#at++);
      zigzag |= (byte & 0x7f) << shift;
    }
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /** A zigzag varint of up to 53 bits: timestamp deltas outgrow 32. */
  #varlong(): number {
    let byte = this.#view.getUint8(this.#at++);
    let zigzag = byte & 0x7f;
    for (let factor = 128; byte > 0x7f; factor *= 128) {
      byte = this.#view.getUint8(this.#at++);
      zigzag += (byte & 0x7f) * factor;
    }
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  /** Where the value of the header `traceparent` stands; undefined without one. */
  traceparent(): Buffer | undefined {
    this.#at = this.#headersAt;
    for (let left = this.#varint(); left > 0; left -= 1) {
      const nameLength = this.#varint();
      const nameAt = this.#at;
      this.#at += nameLength;
      const length = this.#varint();
      const valueAt = this.#at;
      if (length > 0) this.#at += length;
      const isIt =
        nameLength === TRACEPARENT.length &&
        TRACEPARENT.compare(this.bytes, nameAt, nameAt + nameLength) === 0;
      if (isIt && length >= 0) return this.bytes.subarray(valueAt, valueAt + length);
    }
    return undefined;
  }
}
