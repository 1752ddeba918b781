import type { RawAddress } from '@waybill/contracts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { identityOf } from './identity.ts';
import { isLocated, type Fix, type FixReference, type LocatedFix } from './fix.ts';

/** Fields that a fix may lack, in the order of their bits, and how they are made whole. */
const numbers = [
  ['latitude', 1e7],
  ['longitude', 1e7],
  ['speedKmh', 1000],
  ['courseDeg', 1],
  ['satellites', 1],
  ['fuelLevelL', 100],
  ['fuelLevelPercent', 100],
  ['odometerKm', 100],
  ['engineHoursH', 100],
] as const;
const ENGINE = 1 << 9;
const DRIVER = 1 << 10;
const TOPIC = 1 << 11;
const PARTITION = 1 << 12;
const LATENESS = 1 << 13;
const INDEX = 1 << 14;
/** Private or not is no field that changes often: the bit is the value. */
const PRIVATE = 1 << 15;

const NO_ADDRESS: RawAddress = { topic: '', partition: 0, offset: 0, index: 0 };

/** What the first fix differs from. */
const NOTHING: Fix = {
  ...{ time: 0, latitude: undefined, longitude: undefined, latenessMs: 0, idHigh: 0, idLow: 0 },
  ...{ speedKmh: undefined, courseDeg: undefined, satellites: undefined, engineOn: undefined },
  ...{ fuelLevelL: undefined, fuelLevelPercent: undefined, odometerKm: undefined },
  ...{ engineHoursH: undefined, driver: undefined, isPrivate: false, address: NO_ADDRESS },
};

/** The fix before on the same writer or reader: only `writeFix` and `readFix` set it. */
function fixBefore({ before }: ByteReader | ByteWriter): Fix {
  return before === undefined ? NOTHING : (before as Fix);
}

/** As a whole number that is 0 only for absent. */
function whole(value: number | undefined, scale: number): number {
  if (value === undefined) return 0;
  const scaled = Math.round(value * scale);
  return scaled < 0 ? scaled : scaled + 1;
}

function unscaled(value: number, scale: number): number | undefined {
  if (value === 0) return undefined;
  return (value < 0 ? value : value - 1) / scale;
}

function engineCode({ engineOn }: Fix): number {
  return engineOn === undefined ? 0 : engineOn ? 2 : 1;
}

/** Which fields are others than those of the fix before. */
function changesOf(fix: Fix, old: Fix): number {
  let changed = fix.isPrivate ? PRIVATE : 0;
  for (let bit = 0; bit < numbers.length; bit += 1) {
    const [name] = numbers[bit] as (typeof numbers)[number];
    if (fix[name] !== old[name]) changed |= 1 << bit;
  }
  if (fix.engineOn !== old.engineOn) changed |= ENGINE;
  if (fix.driver !== old.driver) changed |= DRIVER;
  if (fix.latenessMs !== old.latenessMs) changed |= LATENESS;
  const { address } = fix;
  if (address.topic !== old.address.topic) changed |= TOPIC;
  if (address.partition !== old.address.partition) changed |= PARTITION;
  if (address.index !== old.address.index) changed |= INDEX;
  return changed;
}

/** True when both are written in the same bytes. */
export function isCopy(a: Fix | undefined, b: Fix | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.time === b.time &&
    a.address.offset === b.address.offset &&
    a.isPrivate === b.isPrivate &&
    (changesOf(a, b) & ~PRIVATE) === 0
  );
}

/**
 * Writes a fix as states and cuts keep it: which fields differ from the fix before on this writer, the
 * step of time and offset, then each changed field, numbers as a change of their whole number.
 */
export function writeFix(writer: ByteWriter, fix: Fix): void {
  const old = fixBefore(writer);
  const changed = changesOf(fix, old);
  const { address } = fix;
  writer.varint(changed);
  writer.zigzag(fix.time - old.time);
  writer.zigzag(address.offset - old.address.offset);
  for (let bit = 0; bit < numbers.length; bit += 1) {
    if ((changed & (1 << bit)) === 0) continue;
    const [name, scale] = numbers[bit] as (typeof numbers)[number];
    writer.zigzag(whole(fix[name], scale) - whole(old[name], scale));
  }
  if ((changed & ENGINE) !== 0) writer.u8(engineCode(fix));
  if ((changed & DRIVER) !== 0) writer.text(fix.driver ?? '');
  if ((changed & TOPIC) !== 0) writer.text(address.topic);
  if ((changed & PARTITION) !== 0) writer.zigzag(address.partition);
  if ((changed & LATENESS) !== 0) writer.zigzag(fix.latenessMs - old.latenessMs);
  if ((changed & INDEX) !== 0) writer.zigzag(address.index);
  writer.before = fix;
}

/** Writes what is kept of a fix that something rests on. */
export function writeReference(writer: ByteWriter, fix: FixReference): void {
  writer.f64(fix.time);
  writer.i32(fix.latenessMs);
  writer.text(fix.address.topic);
  writer.i32(fix.address.partition);
  writer.f64(fix.address.offset);
  writer.i32(fix.address.index);
}

/** The counterpart of `writeReference`. */
export function readReference(reader: ByteReader): FixReference {
  return {
    time: reader.f64(),
    latenessMs: reader.i32(),
    address: {
      topic: reader.text(),
      partition: reader.i32(),
      offset: reader.f64(),
      index: reader.i32(),
    },
  };
}

/** The counterpart of `writeFix`. */
export function readFix(reader: ByteReader): Fix {
  const old = fixBefore(reader);
  const changed = reader.varint();
  const has = (bit: number): boolean => (changed & bit) !== 0;
  // Read in the order of the bits; an object literal evaluates its fields in the order they are written.
  const number = (at: number): number | undefined => {
    const [name, scale] = numbers[at] as (typeof numbers)[number];
    if (!has(1 << at)) return old[name];
    return unscaled(whole(old[name], scale) + reader.zigzag(), scale);
  };
  const time = old.time + reader.zigzag();
  const offset = old.address.offset + reader.zigzag();
  const values = {
    latitude: number(0),
    longitude: number(1),
    speedKmh: number(2),
    courseDeg: number(3),
    satellites: number(4),
    fuelLevelL: number(5),
    fuelLevelPercent: number(6),
    odometerKm: number(7),
    engineHoursH: number(8),
    engineOn: has(ENGINE) ? [undefined, false, true][reader.u8()] : old.engineOn,
    isPrivate: has(PRIVATE),
    // An empty driver is none.
    driver: (has(DRIVER) ? reader.text() : old.driver) || undefined,
  };
  const address = {
    topic: has(TOPIC) ? reader.text() : old.address.topic,
    partition: has(PARTITION) ? reader.zigzag() : old.address.partition,
    offset,
  };
  const latenessMs = has(LATENESS) ? old.latenessMs + reader.zigzag() : old.latenessMs;
  const index = has(INDEX) ? reader.zigzag() : old.address.index;
  const [idHigh, idLow] = identityOf(time, values.latitude, values.longitude);
  const fix: Fix = {
    ...{ ...values, time, latenessMs, idHigh, idLow },
    address: { ...address, index },
  };
  reader.before = fix;
  return fix;
}

/** A fix that had a position when it was written; throws RangeError for any other. */
export function readLocated(reader: ByteReader): LocatedFix {
  const fix = readFix(reader);
  if (!isLocated(fix)) throw new RangeError('expected a fix with a position');
  return fix;
}
