import type { ByteReader, ByteWriter } from './bytes.ts';
import { readDrivers, writeDrivers } from './drivers.ts';
import { readLocated, writeFix } from './fix-codec.ts';
import { readMeter, writeMeter } from './meter.ts';
import type { Run, Tally, TripCut } from './trip-fold.ts';

/** Sums of a run as bytes; they name no fix. */
export function writeTally(writer: ByteWriter, tally: Tally): void {
  writer.real(tally.distanceM);
  writer.varint(tally.fixCount);
  writer.u32(tally.inputsHigh);
  writer.u32(tally.inputsLow);
  writeDrivers(writer, tally.drivers);
  writeMeter(writer, tally.meter);
}

/** The counterpart of `writeTally`. */
export function readTally(reader: ByteReader): Tally {
  return {
    distanceM: reader.real(),
    fixCount: reader.varint(),
    inputsHigh: reader.u32(),
    inputsLow: reader.u32(),
    drivers: readDrivers(reader),
    meter: readMeter(reader),
  };
}

/** The trip rule's state as bytes. */
export function writeRun(writer: ByteWriter, run: Run | undefined): void {
  writer.optional(run, ({ start, end, toEnd, toLast, standingSince }) => {
    writeFix(writer, start);
    writeFix(writer, end);
    writeTally(writer, toEnd);
    writeTally(writer, toLast);
    writer.optional(standingSince, (time) => writer.real(time));
  });
}

/** The counterpart of `writeRun`. */
export function readRun(reader: ByteReader): Run | undefined {
  return reader.optional(() => ({
    start: readLocated(reader),
    end: readLocated(reader),
    toEnd: readTally(reader),
    toLast: readTally(reader),
    standingSince: reader.optional(() => reader.real()),
  }));
}

/** A cut of the trip rule as bytes. */
export function writeTripCut(writer: ByteWriter, cut: TripCut): void {
  writeFix(writer, cut.start);
  writeFix(writer, cut.end);
  writeTally(writer, cut.tally);
  writer.optional(cut.closing, (fix) => writeFix(writer, fix));
}

/** The counterpart of `writeTripCut`. */
export function readTripCut(reader: ByteReader): TripCut {
  return {
    start: readLocated(reader),
    end: readLocated(reader),
    tally: readTally(reader),
    closing: reader.optional(() => readLocated(reader)),
  };
}
