import type { ByteReader, ByteWriter } from './bytes.ts';
import type { Fix } from './fix.ts';

/** What is known of a run beside its positions. Most runs know nothing and share `NO_METER`. */
export interface Meter {
  /** Sum of the rises of the odometer, m; a fall is a reset of the counter. */
  readonly risenM: number;
  /** Newest reading, km. */
  readonly odometerKm: number | undefined;
  /** Fixes with a reading. */
  readonly readings: number;
  /** Impossible positions that were left out. */
  readonly leftOut: number;
  /** True when one of the fixes is in private mode. */
  readonly isPrivate: boolean;
}

export const NO_METER: Meter = Object.freeze({
  risenM: 0,
  odometerKm: undefined,
  readings: 0,
  leftOut: 0,
  isPrivate: false,
});

/** One fix further, with what was left out before it. */
export function measure(meter: Meter, fix: Fix, leftOut: number): Meter {
  const reading = fix.odometerKm;
  const becomesPrivate = fix.isPrivate && !meter.isPrivate;
  if (reading === undefined && leftOut === 0 && !becomesPrivate) return meter;
  const rise = (reading ?? 0) - (meter.odometerKm ?? Infinity);
  return {
    // Readings are hundredths of a kilometre: whole metres have sums that do not depend on their order.
    risenM: meter.risenM + (rise > 0 ? Math.round(rise * 100) * 10 : 0),
    odometerKm: reading ?? meter.odometerKm,
    readings: meter.readings + (reading === undefined ? 0 : 1),
    leftOut: meter.leftOut + leftOut,
    isPrivate: meter.isPrivate || fix.isPrivate,
  };
}

/** Length by the odometer, m; undefined without two readings. */
export function odometerM({ risenM, readings }: Meter): number | undefined {
  return readings < 2 ? undefined : risenM;
}

/** True for equal sums. */
export function sameMeter(a: Meter, b: Meter): boolean {
  return (
    a === b ||
    (a.risenM === b.risenM &&
      a.odometerKm === b.odometerKm &&
      a.readings === b.readings &&
      a.leftOut === b.leftOut &&
      a.isPrivate === b.isPrivate)
  );
}

/** A meter as bytes. */
export function writeMeter(writer: ByteWriter, meter: Meter): void {
  writer.real(meter.risenM);
  writer.optional(meter.odometerKm, (reading) => writer.real(reading));
  writer.varint(meter.readings);
  writer.varint(meter.leftOut);
  writer.u8(meter.isPrivate ? 1 : 0);
}

/** The counterpart of `writeMeter`. */
export function readMeter(reader: ByteReader): Meter {
  return {
    risenM: reader.real(),
    odometerKm: reader.optional(() => reader.real()),
    readings: reader.varint(),
    leftOut: reader.varint(),
    isPrivate: reader.u8() === 1,
  };
}
