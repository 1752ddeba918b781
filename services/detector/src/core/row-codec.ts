import type { RawAddress } from '@waybill/contracts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Fix } from './fix.ts';
import { identityOf } from './identity.ts';

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
const TOKEN = 3;
/** Header of a run of even rows, and of a mark. */
export const RUN = 3;
export const MARK = 7;
const POSITION = { same: 0, coarse: 1, fine: 2, none: 3 } as const;
const LATENESS = 1 << 4;
const ADDRESS = { same: 0, step: 1, whole: 2 } as const;
const SIGNALS = 1 << 7;

/** Numbers among the signals and how they are made whole; 0 stands for absent. */
const SIGNAL_COUNT = 10;
const DRIVER = 8;

const scratch = new ByteWriter();

function whole(value: number | undefined, scale: number): number {
  if (value === undefined) return 0;
  const scaled = Math.round(value * scale);
  return scaled < 0 ? scaled : scaled + 1;
}

function unscaled(value: number, scale: number): number | undefined {
  if (value === 0) return undefined;
  return (value < 0 ? value : value - 1) / scale;
}

function indexIn(list: string[], text: string): number {
  const found = list.indexOf(text);
  return found === -1 ? list.push(text) - 1 : found;
}

/**
 * A fix that was read from a row. Most rules ask for few of its fields, so these are made when they are
 * asked for: unpacking is half the cost of a late fix.
 */
class PackedFix implements Fix {
  readonly time: number;
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  readonly latenessMs: number;
  readonly #signals: readonly number[];
  readonly #drivers: readonly string[];
  readonly #topic: string;
  readonly #partition: number;
  readonly #offset: number;
  readonly #index: number;
  #identity: readonly [number, number] | undefined;

  constructor(row: Rows) {
    this.time = row.time;
    this.latitude = row.isLocated ? row.latitude / 1e7 : undefined;
    this.longitude = row.isLocated ? row.longitude / 1e7 : undefined;
    this.latenessMs = row.lateness;
    this.#signals = row.signals;
    this.#drivers = row.drivers;
    this.#topic = row.topics[row.topic] ?? '';
    this.#partition = row.partition;
    this.#offset = row.offset;
    this.#index = row.index;
  }

  #identified(): readonly [number, number] {
    this.#identity ??= identityOf(this.time, this.latitude, this.longitude);
    return this.#identity;
  }

  get idHigh(): number {
    return this.#identified()[0];
  }

  get idLow(): number {
    return this.#identified()[1];
  }

  get speedKmh(): number | undefined {
    return unscaled(this.#signals[0] ?? 0, 1000);
  }

  get courseDeg(): number | undefined {
    return unscaled(this.#signals[1] ?? 0, 1);
  }

  get satellites(): number | undefined {
    return unscaled(this.#signals[2] ?? 0, 1);
  }

  get engineOn(): boolean | undefined {
    const engine = this.#signals[3] ?? 0;
    return engine === 0 ? undefined : engine === 2;
  }

  get fuelLevelL(): number | undefined {
    return unscaled(this.#signals[4] ?? 0, 100);
  }

  get fuelLevelPercent(): number | undefined {
    return unscaled(this.#signals[5] ?? 0, 100);
  }

  get odometerKm(): number | undefined {
    return unscaled(this.#signals[6] ?? 0, 100);
  }

  get engineHoursH(): number | undefined {
    return unscaled(this.#signals[7] ?? 0, 100);
  }

  get driver(): string | undefined {
    const driver = this.#signals[DRIVER] ?? 0;
    return driver === 0 ? undefined : this.#drivers[driver - 1];
  }

  get isPrivate(): boolean {
    return this.#signals[9] === 1;
  }

  get address(): RawAddress {
    const [topic, partition] = [this.#topic, this.#partition];
    return { topic, partition, offset: this.#offset, index: this.#index };
  }
}

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
  /** Even rows, and runs of them, that may go on from the one before: `joinRuns` makes one of them. */
  runs = 0;

  constructor(startMs: number) {
    this.time = startMs;
  }

  #writeTime(time: number): number {
    const step = time - this.time;
    this.time = time;
    if (step === this.step) return 0;
    this.step = step;
    if (step % 1000 !== 0) {
      scratch.varint(step);
      return 2;
    }
    scratch.varint(step / 1000);
    return 1;
  }

  #writePosition({ latitude, longitude }: Fix): number {
    if (latitude === undefined || longitude === undefined) {
      const before = this.isLocated;
      this.isLocated = false;
      return before ? POSITION.none : POSITION.same;
    }
    const y = Math.round(latitude * 1e7);
    const x = Math.round(longitude * 1e7);
    const north = y - this.latitude;
    const east = x - this.longitude;
    if (north === 0 && east === 0 && this.isLocated) return POSITION.same;
    this.isLocated = true;
    this.latitude = y;
    this.longitude = x;
    const isCoarse = north % 100 === 0 && east % 100 === 0;
    scratch.zigzag(isCoarse ? north / 100 : north);
    scratch.zigzag(isCoarse ? east / 100 : east);
    return isCoarse ? POSITION.coarse : POSITION.fine;
  }

  #writeLateness(lateness: number): number {
    const change = lateness - this.lateness;
    if (change === 0) return 0;
    this.lateness = lateness;
    const isWhole = change % 1000 === 0;
    const size = isWhole ? change / 1000 : change;
    scratch.varint((size < 0 ? -2 * size - 1 : 2 * size) * 2 + (isWhole ? 0 : 1));
    return LATENESS;
  }

  #writeAddress({ topic, partition, offset, index }: RawAddress): number {
    const known = this.topics.length;
    const at = this.topics[this.topic] === topic ? this.topic : indexIn(this.topics, topic);
    const offsetStep = offset - this.offset;
    const indexStep = index - this.index;
    const isNear = at === this.topic && partition === this.partition;
    const isEven = isNear && offsetStep === this.offsetStep && indexStep === this.indexStep;
    this.offset = offset;
    this.index = index;
    if (isEven) return ADDRESS.same;
    this.offsetStep = isNear ? offsetStep : 0;
    this.indexStep = isNear ? indexStep : 0;
    if (isNear) {
      scratch.zigzag(offsetStep);
      scratch.zigzag(indexStep);
      return ADDRESS.step;
    }
    this.topic = at;
    this.partition = partition;
    scratch.varint(at);
    if (at === known) scratch.text(topic);
    for (const value of [partition, offset, index]) scratch.zigzag(value);
    return ADDRESS.whole;
  }

  #writeSignals(fix: Fix): number {
    const known = this.drivers.length;
    const before = this.signals;
    const next = signalsOf(fix, this.drivers, before);
    if (next === before) return 0;
    let changed = 0;
    for (let i = 0; i < SIGNAL_COUNT; i += 1) if (next[i] !== before[i]) changed |= 1 << i;
    this.signals = next;
    scratch.varint(changed);
    for (let i = 0; i < SIGNAL_COUNT; i += 1) {
      if ((changed & (1 << i)) !== 0) scratch.zigzag((next[i] ?? 0) - (before[i] ?? 0));
    }
    if (this.drivers.length > known) scratch.text(this.drivers[known] ?? '');
    return SIGNALS;
  }

  /** The header of the next row; what it announces stands in `scratch`. */
  #writeRow(fix: Fix): number {
    return (
      this.#writeTime(fix.time) |
      (this.#writePosition(fix) << 2) |
      this.#writeLateness(fix.latenessMs) |
      (this.#writeAddress(fix.address) << 5) |
      this.#writeSignals(fix)
    );
  }

  /** Writes the next fix, of a later second than all before. */
  write(writer: ByteWriter, fix: Fix): void {
    const header = this.#writeRow(fix);
    if (header === 0) this.runs += 1;
    writer.u8(header);
    writer.raw(scratch);
  }

  /** Writes fixes of later seconds in order, even ones as a run. */
  writeAll(writer: ByteWriter, fixes: readonly Fix[]): void {
    let run = 0;
    for (const fix of fixes) {
      const header = this.#writeRow(fix);
      if (header === 0) {
        run += 1;
        continue;
      }
      writeRun(writer, run);
      run = 0;
      writer.u8(header);
      writer.raw(scratch);
    }
    writeRun(writer, run);
    if (run > 0) this.runs += 1;
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

/** Not frozen, because arrays that are read here should be of one kind; never changed. */
const NO_SIGNALS: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/** The signals of a fix as whole numbers; the list before where they are the same. */
function signalsOf(fix: Fix, drivers: string[], before: readonly number[]): readonly number[] {
  const { engineOn, driver: name } = fix;
  const speed = whole(fix.speedKmh, 1000);
  const course = whole(fix.courseDeg, 1);
  const satellites = whole(fix.satellites, 1);
  const engine = engineOn === undefined ? 0 : engineOn ? 2 : 1;
  const litres = whole(fix.fuelLevelL, 100);
  const percent = whole(fix.fuelLevelPercent, 100);
  const odometer = whole(fix.odometerKm, 100);
  const hours = whole(fix.engineHoursH, 100);
  const driver = name === undefined ? 0 : indexIn(drivers, name) + 1;
  const isPrivate = fix.isPrivate ? 1 : 0;
  const isSame =
    before[0] === speed &&
    before[1] === course &&
    before[2] === satellites &&
    before[3] === engine &&
    before[4] === litres &&
    before[5] === percent &&
    before[6] === odometer &&
    before[7] === hours &&
    before[DRIVER] === driver &&
    before[9] === isPrivate;
  if (isSame) return before;
  // prettier-ignore
  return [speed, course, satellites, engine, litres, percent, odometer, hours, driver, isPrivate];
}

/** What the rows of a quarter hold. */
export interface Unpacked {
  readonly fixes: Fix[];
  /** Pairs of second in the quarter and word of identity: fixes that others of their second outranked. */
  readonly marks: number[];
  /** Where the next row goes on. */
  readonly rows: Rows;
}

/** Reads the rows of a quarter that starts at `startMs`; damaged bytes throw RangeError. */
export function unpackRows(bytes: Uint8Array, startMs: number): Unpacked {
  const reader = new ByteReader(bytes);
  const rows = new Rows(startMs);
  const fixes: Fix[] = [];
  const marks: number[] = [];
  while (!reader.isAtEnd()) {
    const header = reader.u8();
    if (header === MARK) marks.push(reader.varint(), reader.u32());
    else if (header === RUN) {
      rows.runs += 1;
      for (let left = reader.varint(); left > 0; left -= 1) fixes.push(rows.read(reader, 0));
    } else if ((header & TOKEN) === TOKEN) throw new RangeError(`no row has header ${header}`);
    else {
      if (header === 0) rows.runs += 1;
      fixes.push(rows.read(reader, header));
    }
  }
  return { fixes, marks, rows };
}

/** Rows as they were written, but even ones in succession as one run. */
export function joinRuns(writer: ByteWriter, bytes: Uint8Array, startMs: number): void {
  const reader = new ByteReader(bytes);
  const rows = new Rows(startMs);
  let run = 0;
  while (!reader.isAtEnd()) {
    const from = reader.position;
    const header = reader.u8();
    if (header === 0) run += 1;
    else if (header === RUN) run += reader.varint();
    else {
      if (header === MARK) {
        reader.varint();
        reader.u32();
      } else rows.pass(reader, header);
      writeRun(writer, run);
      run = 0;
      writer.copy(bytes, from, reader.position);
    }
  }
  writeRun(writer, run);
}

/** The rows of a quarter as short as they go, and where the next one goes on. */
export function packRows(
  writer: ByteWriter,
  { fixes, marks }: Pick<Unpacked, 'fixes' | 'marks'>,
  startMs: number,
): Rows {
  const rows = new Rows(startMs);
  rows.writeAll(writer, fixes);
  for (let i = 0; i < marks.length; i += 2) writeMark(writer, marks[i] ?? 0, marks[i + 1] ?? 0);
  return rows;
}

/** Writes so many rows with header 0. */
export function writeRun(writer: ByteWriter, count: number): void {
  if (count === 1) writer.u8(0);
  if (count > 1) {
    writer.u8(RUN);
    writer.varint(count);
  }
}

/** Notes a fix that another one of its second outranked. */
export function writeMark(writer: ByteWriter, second: number, word: number): void {
  writer.u8(MARK);
  writer.varint(second);
  writer.u32(word);
}
