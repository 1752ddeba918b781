import type { RawAddress } from '@waybill/contracts';
import { ByteReader, ByteWriter, idAt, putId } from './bytes.ts';
import { outranks, secondOf, type Fix } from './fix.ts';
import { Closed, START, type FoldState } from './fold.ts';

const writer = new ByteWriter();

/** Event time that one chunk spans, ms. */
export const CHUNK_MS = 900_000;

/*
 * One packed fix, big-endian, 56 bytes:
 *  0 u32 time, ms from the chunk's start    32 u32 speed, 0.001 km/h plus 1; 0 = none
 *  4 i32 latitude, 1e-7 degree              36 u16 driver, 1-based in the chunk's list; 0 = none
 *  8 i32 longitude, 1e-7 degree             38 u16 raw topic, index in the chunk's list
 * 12 i32 lateness, ms                       40 i32 partition
 * 16 16 bytes event_id                      44 f64 offset     52 i32 index
 */
const STRIDE = 56;

/** Latitude of a fix without a position. */
const NOWHERE = -2_147_483_648;

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

function indexIn(list: string[], text: string): number {
  const found = list.indexOf(text);
  return found === -1 ? list.push(text) - 1 : found;
}

/**
 * A fix read from packed bytes, which are never written over. Folding needs neither the id's text nor
 * the raw address, so these are made only when asked for: most of the cost of a late fix was there.
 */
class PackedFix implements Fix {
  readonly time: number;
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  readonly latenessMs: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly speedKmh: number | undefined;
  readonly courseDeg = undefined;
  readonly satellites = undefined;
  readonly engineOn = undefined;
  readonly fuelLevelL = undefined;
  readonly fuelLevelPercent = undefined;
  readonly odometerKm = undefined;
  readonly engineHoursH = undefined;
  readonly isPrivate = false;
  readonly driver: string | undefined;
  private readonly view: DataView;
  private readonly at: number;
  private readonly topic: string;

  constructor(
    view: DataView,
    at: number,
    startMs: number,
    driver: string | undefined,
    topic: string,
  ) {
    const speed = view.getUint32(at + 32);
    this.time = startMs + view.getUint32(at);
    const latitude = view.getInt32(at + 4);
    this.latitude = latitude === NOWHERE ? undefined : latitude / 1e7;
    this.longitude = latitude === NOWHERE ? undefined : view.getInt32(at + 8) / 1e7;
    this.latenessMs = view.getInt32(at + 12);
    this.idHigh = view.getUint32(at + 16);
    this.idLow = view.getUint32(at + 20);
    this.speedKmh = speed === 0 ? undefined : (speed - 1) / 1000;
    this.driver = driver;
    this.view = view;
    this.at = at;
    this.topic = topic;
  }

  get id(): string {
    const { buffer, byteOffset } = this.view;
    return idAt(new Uint8Array(buffer, byteOffset + this.at + 16, 16), 0);
  }

  get address(): RawAddress {
    const { view, at, topic } = this;
    return {
      topic,
      partition: view.getInt32(at + 40),
      offset: view.getFloat64(at + 44),
      index: view.getInt32(at + 52),
    };
  }
}

/**
 * The retained fixes of a quarter of an hour: packed bytes, which are also what the changelog holds,
 * and while the chunk is in use the decoded fixes beside them.
 *
 * Invariants: fixes ascend, one per device second; `checkpoint` is the state before the first fix and
 * `closed` what folding the chunk ended, both valid unless the timeline marked the chunk dirty; `marks`
 * names the fixes that lost their second, as (second in the chunk, first word of the id), so that
 * repeats of them are recognised. `#packed` may be a view of a saved value: it is only appended to
 * after a copy.
 */
export class Chunk {
  readonly index: number;
  checkpoint: FoldState = START;
  closed: Closed = new Closed();
  /** True when the changelog does not have the present content. */
  unsaved = false;
  #fixes: Fix[] | undefined;
  #packed: Uint8Array;
  #view: DataView;
  #count: number;
  /** True when `#packed` does not hold `#fixes`. */
  #stale = false;
  readonly #topics: string[];
  readonly #drivers: string[];
  readonly #marks: number[];

  constructor(index: number, saved?: Uint8Array) {
    this.index = index;
    const reader = saved === undefined ? undefined : new ByteReader(saved);
    this.#topics = reader?.list(() => reader.text()) ?? [];
    this.#drivers = reader?.list(() => reader.text()) ?? [];
    this.#marks = reader?.list(() => reader.u32()) ?? [];
    this.#packed = reader?.bytes() ?? new Uint8Array(STRIDE * 8);
    this.#count = reader === undefined ? 0 : this.#packed.length / STRIDE;
    this.#view = this.#viewOf(this.#packed);
    if (reader === undefined) this.#fixes = [];
  }

  get count(): number {
    return this.#count;
  }

  /** End of the chunk, ms, exclusive. */
  get endTime(): number {
    return (this.index + 1) * CHUNK_MS;
  }

  get fixes(): readonly Fix[] {
    return this.#decoded();
  }

  /** Adds a fix that is newer than all others, by at least a second. */
  append(fix: Fix): void {
    this.#fixes?.push(fix);
    if (!this.#stale) this.#pack(fix);
    this.#count += 1;
    this.unsaved = true;
  }

  /** Puts a fix where it belongs. */
  insert(fix: Fix): Insertion {
    const fixes = this.#decoded();
    const second = secondOf(fix.time);
    let at = fixes.length;
    while (at > 0 && secondOf((fixes[at - 1] as Fix).time) >= second) at -= 1;
    const there = fixes[at];
    if (there === undefined || secondOf(there.time) !== second) {
      fixes.splice(at, 0, fix);
      this.#count += 1;
    } else if (!outranks(fix, there)) {
      if (fix.id === there.id || !this.#mark(fix)) return 'repeat';
      return 'outranked';
    } else {
      if (fix.id !== there.id) this.#mark(there);
      fixes[at] = fix;
      this.#changed();
      return fix.id === there.id ? 'refined' : 'replaced';
    }
    this.#changed();
    return 'added';
  }

  /** True when the fix, or one with the same id, was accepted here. */
  knows(fix: Fix): boolean {
    const second = secondOf(fix.time);
    if (this.#isMarked(second, fix.idHigh)) return true;
    return this.#decoded().some((other) => other.id === fix.id);
  }

  /** Calls back with (second since epoch, first word of the id) of every accepted fix. */
  eachMark(visit: (second: number, word: number) => void): void {
    const first = (this.index * CHUNK_MS) / 1000;
    this.#refresh();
    for (let i = 0; i < this.#count; i += 1) {
      const at = i * STRIDE;
      visit(first + Math.floor(this.#view.getUint32(at) / 1000), this.#view.getUint32(at + 16));
    }
    for (let i = 0; i < this.#marks.length; i += 2) {
      visit(first + (this.#marks[i] ?? 0), this.#marks[i + 1] ?? 0);
    }
  }

  /** The content for the changelog; the chunk goes on with these very bytes, without its decoded fixes. */
  save(keepDecoded: boolean): Uint8Array {
    this.#refresh();
    writer.list(this.#topics, (topic) => writer.text(topic));
    writer.list(this.#drivers, (driver) => writer.text(driver));
    writer.list(this.#marks, (mark) => writer.u32(mark));
    writer.bytes(this.#packed.subarray(0, this.#count * STRIDE));
    const saved = writer.finish();
    this.#packed = saved.subarray(saved.length - this.#count * STRIDE);
    this.#view = this.#viewOf(this.#packed);
    if (!keepDecoded) this.cool();
    this.unsaved = false;
    return saved;
  }

  /** Lets go of the decoded fixes. */
  cool(): void {
    this.#refresh();
    this.#fixes = undefined;
  }

  #changed(): void {
    this.#stale = true;
    this.unsaved = true;
  }

  #viewOf(bytes: Uint8Array): DataView {
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** False when it was already marked. */
  #mark(fix: Fix): boolean {
    const second = secondOf(fix.time);
    const word = fix.idHigh;
    if (this.#isMarked(second, word)) return false;
    this.#marks.push(second - (this.index * CHUNK_MS) / 1000, word);
    this.unsaved = true;
    return true;
  }

  #isMarked(second: number, word: number): boolean {
    const inChunk = second - (this.index * CHUNK_MS) / 1000;
    for (let i = 0; i < this.#marks.length; i += 2) {
      if (this.#marks[i] === inChunk && this.#marks[i + 1] === word) return true;
    }
    return false;
  }

  #decoded(): Fix[] {
    this.#fixes ??= Array.from({ length: this.#count }, (_, i) => this.#unpack(i * STRIDE));
    return this.#fixes;
  }

  #refresh(): void {
    if (!this.#stale) return;
    const fixes = this.#decoded();
    this.#packed = new Uint8Array(STRIDE * fixes.length);
    this.#view = this.#viewOf(this.#packed);
    this.#count = 0;
    for (const fix of fixes) {
      this.#pack(fix);
      this.#count += 1;
    }
    this.#stale = false;
  }

  #pack(fix: Fix): void {
    const at = this.#count * STRIDE;
    if (at + STRIDE > this.#packed.length) {
      const grown = new Uint8Array(Math.max(STRIDE * 8, at * 2));
      grown.set(this.#packed);
      this.#packed = grown;
      this.#view = this.#viewOf(grown);
    }
    const view = this.#view;
    const { address } = fix;
    view.setUint32(at, fix.time - this.index * CHUNK_MS);
    view.setInt32(at + 4, fix.latitude === undefined ? NOWHERE : Math.round(fix.latitude * 1e7));
    view.setInt32(at + 8, Math.round((fix.longitude ?? 0) * 1e7));
    view.setInt32(at + 12, fix.latenessMs);
    putId(this.#packed, at + 16, fix.id);
    view.setUint32(at + 32, fix.speedKmh === undefined ? 0 : Math.round(fix.speedKmh * 1000) + 1);
    view.setUint16(at + 36, fix.driver === undefined ? 0 : indexIn(this.#drivers, fix.driver) + 1);
    view.setUint16(at + 38, indexIn(this.#topics, address.topic));
    view.setInt32(at + 40, address.partition);
    view.setFloat64(at + 44, address.offset);
    view.setInt32(at + 52, address.index);
  }

  #unpack(at: number): Fix {
    const view = this.#view;
    const driver = this.#drivers[view.getUint16(at + 36) - 1];
    const topic = this.#topics[view.getUint16(at + 38)] ?? '';
    return new PackedFix(view, at, this.index * CHUNK_MS, driver, topic);
  }
}
