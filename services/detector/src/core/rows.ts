import type { ByteReader } from './bytes.ts';
import type { Fix } from './fix.ts';
import { DRIVER, NO_SIGNALS, SIGNAL_COUNT } from './fix-signals.ts';
import { PackedFix } from './packed-fix.ts';

/*
 * Packed fixes of one quarter of an hour: rows in order of time, each told by its difference to the row
 * before. A header byte, then what it announces:
 *
 *  bits 0-1  time: 0 the same step as before, 1 step in s, 2 step in ms (varint), 3 no row, see below
 *  bits 2-3  position: 0 as before, 1 change in 1e-5 degree, 2 in 1e-7 degree (zigzag), 3 none
 *  bit  4    lateness changed: zigzag s times 2, or zigzag ms times 2 plus 1
 *  bits 5-6  raw address: 0 the same step as before, 1 steps of offset and index (zigzag), 2 written out
 *  bit  7    signals changed: which (varint, one bit each), then the change of each (zigzag)
 *
 * Header 3: so many further rows with header 0 (varint): a vehicle that stands and reports evenly. Header
 * 7: a fix that another one of its second outranked: second in the quarter (varint), word of identity.
 * Before the first row all is 0, absent and at the start of the quarter. Offsets are kept up to 2^52.
 */

/** In the place of a row's header: none follows, but something else. */
export const TOKEN = 3;
/** Header of a run of even rows, and of a mark. */
export const RUN = 3;
export const MARK = 7;

/** Parts of a row's header. */
export const POSITION = { same: 0, coarse: 1, fine: 2, none: 3 } as const;
export const LATENESS = 1 << 4;
export const ADDRESS = { same: 0, step: 1, whole: 2 } as const;
export const SIGNALS = 1 << 7;

/** The rows of one quarter as far as they were written or read: what the next row is told by. */
export class Rows {
  time: number;
  step = 0;
  isLocated = false;
  /** 1e-7 degree. */
  latitude = 0;
  longitude = 0;
  lateness = 0;
  topic = -1;
  partition = 0;
  offset = 0;
  index = 0;
  offsetStep = 0;
  indexStep = 0;
  signals: readonly number[] = NO_SIGNALS;
  topics: string[] = [];
  drivers: string[] = [];
  /** The fix of the newest row where it was written last. */
  written: Fix | undefined;
  /** Even rows, and runs of them, that may go on from the one before: `joinRuns` makes one of them. */
  runs = 0;

  constructor(startMs: number) {
    this.time = startMs;
  }

  /** Begins anew in front of the first row of a quarter. */
  begin(startMs: number): void {
    this.follow(NO_ROWS);
    this.time = startMs;
    this.topics = [];
    this.drivers = [];
    this.runs = 0;
  }

  #readAddress(reader: ByteReader, kind: number): void {
    if (kind === ADDRESS.whole) {
      this.topic = reader.varint();
      if (this.topic === this.topics.length) this.topics.push(reader.text());
      this.partition = reader.zigzag();
      this.offset = reader.zigzag();
      this.index = reader.zigzag();
      this.offsetStep = 0;
      this.indexStep = 0;
      return;
    }
    if (kind === ADDRESS.step) {
      this.offsetStep = reader.zigzag();
      this.indexStep = reader.zigzag();
    }
    this.offset += this.offsetStep;
    this.index += this.indexStep;
  }

  #readSignals(reader: ByteReader): void {
    const changed = reader.varint();
    const next = this.signals.slice();
    for (let i = 0; i < SIGNAL_COUNT; i += 1) {
      if ((changed & (1 << i)) !== 0) next[i] = (next[i] ?? 0) + reader.zigzag();
    }
    this.signals = next;
    if ((next[DRIVER] ?? 0) > this.drivers.length) this.drivers.push(reader.text());
  }

  /** Reads the row of that header. */
  read(reader: ByteReader, header: number): Fix {
    this.pass(reader, header);
    return this.fix();
  }

  /** The fix of the newest row. */
  fix(): Fix {
    return new PackedFix(this);
  }

  /** Reads the row of that header without making a fix of it. */
  pass(reader: ByteReader, header: number): void {
    this.written = undefined;
    const time = header & 3;
    if (time !== 0) this.step = reader.varint() * (time === 1 ? 1000 : 1);
    this.time += this.step;
    const position = (header >> 2) & 3;
    if (position === POSITION.none) this.isLocated = false;
    else if (position !== POSITION.same) {
      const scale = position === POSITION.coarse ? 100 : 1;
      this.isLocated = true;
      this.latitude += reader.zigzag() * scale;
      this.longitude += reader.zigzag() * scale;
    }
    if ((header & LATENESS) !== 0) {
      const coded = reader.varint();
      const size = Math.floor(coded / 2);
      const change = size % 2 === 0 ? size / 2 : -(size + 1) / 2;
      this.lateness += coded % 2 === 0 ? change * 1000 : change;
    }
    this.#readAddress(reader, (header >> 5) & 3);
    if ((header & SIGNALS) !== 0) this.#readSignals(reader);
  }

  /** Time of the row of that header, which is not read. */
  nextTime(reader: ByteReader, header: number): number {
    const time = header & 3;
    if (time === 0) return this.time + this.step;
    const at = reader.position;
    const step = reader.varint() * (time === 1 ? 1000 : 1);
    reader.pass(at - reader.position);
    return this.time + step;
  }

  /** Passes so many rows with header 0. */
  passEven(count: number): void {
    this.time += count * this.step;
    this.offset += count * this.offsetStep;
    this.index += count * this.indexStep;
  }

  /** Topics and drivers that were named. */
  get texts(): number {
    return this.topics.length + this.drivers.length;
  }

  /** Goes on where the other stands; texts that either reads from then on belong to both. */
  follow(other: Rows): void {
    this.written = other.written;
    this.time = other.time;
    this.step = other.step;
    this.isLocated = other.isLocated;
    this.latitude = other.latitude;
    this.longitude = other.longitude;
    this.lateness = other.lateness;
    this.topic = other.topic;
    this.partition = other.partition;
    this.offset = other.offset;
    this.index = other.index;
    this.offsetStep = other.offsetStep;
    this.indexStep = other.indexStep;
    this.signals = other.signals;
    this.topics = other.topics;
    this.drivers = other.drivers;
  }

  /** True when the next row is told by the same as from the other. */
  isLike(other: Rows): boolean {
    return (
      this.time === other.time &&
      this.step === other.step &&
      this.isLocated === other.isLocated &&
      this.latitude === other.latitude &&
      this.longitude === other.longitude &&
      this.lateness === other.lateness &&
      this.topic === other.topic &&
      this.partition === other.partition &&
      this.offset === other.offset &&
      this.index === other.index &&
      this.offsetStep === other.offsetStep &&
      this.indexStep === other.indexStep &&
      this.signals.every((signal, i) => signal === other.signals[i])
    );
  }
}

/** See `Rows.begin`. */
const NO_ROWS = new Rows(0);
