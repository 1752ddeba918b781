import { topics, type RawAddress } from '@waybill/contracts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { idHighOf, idLowOf } from './identity.ts';
import { isLocated, type Fix, type FixReference, type LocatedFix } from './fix.ts';
import { unscaled, whole } from './fix-signals.ts';

/** Bits of the fields that differ from those of the fix before. */
const LATITUDE = 1 << 0;
const LONGITUDE = 1 << 1;
const SPEED = 1 << 2;
const COURSE = 1 << 3;
const SATELLITES = 1 << 4;
const LITRES = 1 << 5;
const PERCENT = 1 << 6;
const ODOMETER = 1 << 7;
const HOURS = 1 << 8;
const ENGINE = 1 << 9;
const DRIVER = 1 << 10;
const TOPIC = 1 << 11;
const PARTITION = 1 << 12;
const LATENESS = 1 << 13;
const INDEX = 1 << 14;
/** Private or not is no field that changes often: the bit is the value. */
const PRIVATE = 1 << 15;

/** Numbers that are written before all else. */
const READINGS = ENGINE - 1;

const NO_ADDRESS: RawAddress = { topic: '', partition: 0, offset: 0, index: 0 };

/** What the first fix differs from. */
const NOTHING: Fix = {
  time: 0,
  latitude: undefined,
  longitude: undefined,
  latenessMs: 0,
  idHigh: 0,
  idLow: 0,
  speedKmh: undefined,
  courseDeg: undefined,
  satellites: undefined,
  engineOn: undefined,
  fuelLevelL: undefined,
  fuelLevelPercent: undefined,
  odometerKm: undefined,
  engineHoursH: undefined,
  driver: undefined,
  isPrivate: false,
  address: NO_ADDRESS,
};

/** What the first fix of a packed state differs from: most come out of this topic. */
export const USUAL: Fix = { ...NOTHING, address: { ...NO_ADDRESS, topic: topics.wialonPage.name } };

/** The fix before on the same writer or reader: only `writeFix` and `readFix` set it. */
function fixBefore({ before }: ByteReader | ByteWriter): Fix {
  return before === undefined ? NOTHING : (before as Fix);
}

function engineCode({ engineOn }: Fix): number {
  return engineOn === undefined ? 0 : engineOn ? 2 : 1;
}

/** Which fields are others than those of the fix before. */
function changesOf(fix: Fix, old: Fix): number {
  let changed = fix.isPrivate ? PRIVATE : 0;
  if (fix.latitude !== old.latitude) changed |= LATITUDE;
  if (fix.longitude !== old.longitude) changed |= LONGITUDE;
  if (fix.speedKmh !== old.speedKmh) changed |= SPEED;
  if (fix.courseDeg !== old.courseDeg) changed |= COURSE;
  if (fix.satellites !== old.satellites) changed |= SATELLITES;
  if (fix.fuelLevelL !== old.fuelLevelL) changed |= LITRES;
  if (fix.fuelLevelPercent !== old.fuelLevelPercent) changed |= PERCENT;
  if (fix.odometerKm !== old.odometerKm) changed |= ODOMETER;
  if (fix.engineHoursH !== old.engineHoursH) changed |= HOURS;
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

function writeStep(
  writer: ByteWriter,
  value: number | undefined,
  before: number | undefined,
  scale: number,
): void {
  writer.zigzag(whole(value, scale) - whole(before, scale));
}

function readStep(
  reader: ByteReader,
  before: number | undefined,
  scale: number,
): number | undefined {
  return unscaled(whole(before, scale) + reader.zigzag(), scale);
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
  if ((changed & LATITUDE) !== 0) writeStep(writer, fix.latitude, old.latitude, 1e7);
  if ((changed & LONGITUDE) !== 0) writeStep(writer, fix.longitude, old.longitude, 1e7);
  if ((changed & SPEED) !== 0) writeStep(writer, fix.speedKmh, old.speedKmh, 1000);
  if ((changed & COURSE) !== 0) writeStep(writer, fix.courseDeg, old.courseDeg, 1);
  if ((changed & SATELLITES) !== 0) writeStep(writer, fix.satellites, old.satellites, 1);
  if ((changed & LITRES) !== 0) writeStep(writer, fix.fuelLevelL, old.fuelLevelL, 100);
  if ((changed & PERCENT) !== 0) {
    writeStep(writer, fix.fuelLevelPercent, old.fuelLevelPercent, 100);
  }
  if ((changed & ODOMETER) !== 0) writeStep(writer, fix.odometerKm, old.odometerKm, 100);
  if ((changed & HOURS) !== 0) writeStep(writer, fix.engineHoursH, old.engineHoursH, 100);
  if ((changed & ENGINE) !== 0) writer.u8(engineCode(fix));
  if ((changed & DRIVER) !== 0) writer.text(fix.driver ?? '');
  if ((changed & TOPIC) !== 0) writer.text(address.topic);
  if ((changed & PARTITION) !== 0) writer.zigzag(address.partition);
  if ((changed & LATENESS) !== 0) writer.zigzag(fix.latenessMs - old.latenessMs);
  if ((changed & INDEX) !== 0) writer.zigzag(address.index);
  writer.before = fix;
}

/** Writes what is kept of a fix that something rests on, told by its difference to the fix before. */
export function writeReference(
  writer: ByteWriter,
  { time, latenessMs, address }: FixReference,
): void {
  const old = fixBefore(writer);
  const { topic, partition, offset, index } = address;
  const isNear = topic === old.address.topic && partition === old.address.partition;
  writer.zigzag((time - old.time) * 2 + (isNear ? 0 : 1));
  writer.zigzag(latenessMs - old.latenessMs);
  writer.zigzag(offset - old.address.offset);
  writer.zigzag(index - old.address.index);
  if (isNear) return;
  writer.text(topic);
  writer.zigzag(partition);
}

/** Passes what `writeReference` wrote. */
export function passReference(reader: ByteReader): void {
  const isNear = reader.zigzag() % 2 === 0;
  // Lateness, offset and index.
  for (let i = 0; i < 3; i += 1) reader.varint();
  if (isNear) return;
  reader.bytes();
  reader.varint();
}

/** True when both are written in the same bytes. */
export function isCopyOfReference(a: FixReference, b: FixReference): boolean {
  return (
    a.time === b.time &&
    a.latenessMs === b.latenessMs &&
    a.address.topic === b.address.topic &&
    a.address.partition === b.address.partition &&
    a.address.offset === b.address.offset &&
    a.address.index === b.address.index
  );
}

/** The counterpart of `writeReference`. */
export function readReference(reader: ByteReader): FixReference {
  const old = fixBefore(reader);
  const coded = reader.zigzag();
  const time = old.time + Math.floor(coded / 2);
  const latenessMs = old.latenessMs + reader.zigzag();
  const offset = old.address.offset + reader.zigzag();
  const index = old.address.index + reader.zigzag();
  const isNear = coded % 2 === 0;
  const topic = isNear ? old.address.topic : reader.text();
  const partition = isNear ? old.address.partition : reader.zigzag();
  return { time, latenessMs, address: { topic, partition, offset, index } };
}

/** The counterpart of `writeFix`. */
export function readFix(reader: ByteReader): Fix {
  const old = fixBefore(reader);
  const changed = reader.varint();
  const time = old.time + reader.zigzag();
  const offset = old.address.offset + reader.zigzag();
  // In the order in which they were written.
  let { latitude, longitude, speedKmh, courseDeg, satellites } = old;
  let { fuelLevelL, fuelLevelPercent, odometerKm, engineHoursH, engineOn, driver } = old;
  let { latenessMs } = old;
  let { topic, partition, index } = old.address;
  if ((changed & LATITUDE) !== 0) latitude = readStep(reader, latitude, 1e7);
  if ((changed & LONGITUDE) !== 0) longitude = readStep(reader, longitude, 1e7);
  if ((changed & SPEED) !== 0) speedKmh = readStep(reader, speedKmh, 1000);
  if ((changed & COURSE) !== 0) courseDeg = readStep(reader, courseDeg, 1);
  if ((changed & SATELLITES) !== 0) satellites = readStep(reader, satellites, 1);
  if ((changed & LITRES) !== 0) fuelLevelL = readStep(reader, fuelLevelL, 100);
  if ((changed & PERCENT) !== 0) fuelLevelPercent = readStep(reader, fuelLevelPercent, 100);
  if ((changed & ODOMETER) !== 0) odometerKm = readStep(reader, odometerKm, 100);
  if ((changed & HOURS) !== 0) engineHoursH = readStep(reader, engineHoursH, 100);
  if ((changed & ENGINE) !== 0) engineOn = [undefined, false, true][reader.u8()];
  // An empty driver is none.
  if ((changed & DRIVER) !== 0) driver = reader.text() || undefined;
  if ((changed & TOPIC) !== 0) topic = reader.text();
  if ((changed & PARTITION) !== 0) partition = reader.zigzag();
  if ((changed & LATENESS) !== 0) latenessMs += reader.zigzag();
  if ((changed & INDEX) !== 0) index = reader.zigzag();
  const idHigh = idHighOf(time, latitude, longitude);
  const idLow = idLowOf(time, latitude, longitude);
  const fix: Fix = {
    time,
    latitude,
    longitude,
    latenessMs,
    idHigh,
    idLow,
    speedKmh,
    courseDeg,
    satellites,
    engineOn,
    fuelLevelL,
    fuelLevelPercent,
    odometerKm,
    engineHoursH,
    driver,
    isPrivate: (changed & PRIVATE) !== 0,
    address: { topic, partition, offset, index },
  };
  reader.before = fix;
  return fix;
}

function passNumbers(reader: ByteReader, fields: number): void {
  for (let bits = fields; bits !== 0; bits &= bits - 1) reader.varint();
}

/** Passes a fix that `writeFix` wrote; returns its time since the fix before, ms. */
export function passFix(reader: ByteReader): number {
  const changed = reader.varint();
  const since = reader.zigzag();
  reader.zigzag();
  passNumbers(reader, changed & READINGS);
  if ((changed & ENGINE) !== 0) reader.u8();
  if ((changed & DRIVER) !== 0) reader.bytes();
  if ((changed & TOPIC) !== 0) reader.bytes();
  passNumbers(reader, changed & (PARTITION | LATENESS | INDEX));
  return since;
}

/** A fix that had a position when it was written; throws RangeError for any other. */
export function readLocated(reader: ByteReader): LocatedFix {
  const fix = readFix(reader);
  if (!isLocated(fix)) throw new RangeError('expected a fix with a position');
  return fix;
}
