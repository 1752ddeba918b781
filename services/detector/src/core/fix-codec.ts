import type { ByteReader, ByteWriter } from './bytes.ts';
import { identityOf } from './identity.ts';
import { isLocated, type Fix, type FixReference, type LocatedFix } from './fix.ts';

/** Fields that a fix may lack, in the order of their bits. */
const numbers = [
  'latitude',
  'longitude',
  'speedKmh',
  'courseDeg',
  'satellites',
  'fuelLevelL',
  'fuelLevelPercent',
  'odometerKm',
  'engineHoursH',
] as const;

const ENGINE_KNOWN = 1 << 9;
const ENGINE_ON = 1 << 10;
const PRIVATE = 1 << 11;
const DRIVER = 1 << 12;

/** Writes a fix whole, as states and cuts keep it: which fields there are, then these. */
export function writeFix(writer: ByteWriter, fix: Fix): void {
  let present = 0;
  for (const [bit, name] of numbers.entries()) if (fix[name] !== undefined) present |= 1 << bit;
  if (fix.engineOn !== undefined) present |= ENGINE_KNOWN;
  if (fix.engineOn === true) present |= ENGINE_ON;
  if (fix.isPrivate) present |= PRIVATE;
  if (fix.driver !== undefined) present |= DRIVER;
  writer.u32(present);
  for (const name of numbers) {
    const value = fix[name];
    if (value !== undefined) writer.f64(value);
  }
  if (fix.driver !== undefined) writer.text(fix.driver);
  writeReference(writer, fix);
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
  const present = reader.u32();
  const number = (bit: number): number | undefined =>
    (present & (1 << bit)) === 0 ? undefined : reader.f64();
  // Read in the order of the bits; an object literal evaluates its fields in the order they are written.
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
    engineOn: (present & ENGINE_KNOWN) === 0 ? undefined : (present & ENGINE_ON) !== 0,
    isPrivate: (present & PRIVATE) !== 0,
    driver: (present & DRIVER) === 0 ? undefined : reader.text(),
    ...readReference(reader),
  };
  const [idHigh, idLow] = identityOf(values.time, values.latitude, values.longitude);
  return { ...values, idHigh, idLow };
}

/** A fix that had a position when it was written; throws RangeError for any other. */
export function readLocated(reader: ByteReader): LocatedFix {
  const fix = readFix(reader);
  if (!isLocated(fix)) throw new RangeError('expected a fix with a position');
  return fix;
}
