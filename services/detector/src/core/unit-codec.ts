import { ByteReader, ByteWriter, wordOf } from './bytes.ts';
import { Chunk } from './chunk.ts';
import type { LocatedFix } from './fix.ts';
import type { FoldState } from './fold.ts';
import type { Published } from './publication.ts';
import { Seen } from './seen.ts';
import { Timeline } from './timeline.ts';
import type { Run, Tally, TripCut } from './trip-fold.ts';
import { unitOf, type Unit } from './unit.ts';
import type { Presence, VisitCut } from './visit-fold.ts';
import { Bucket } from './beyond-grace.ts';

const writer = new ByteWriter();

/** Version of the payloads' layout; a change needs a reader for the old one. */
export const LAYOUT = 1;

/** Part of a unit's saved state: the head, fixes by quarter hour, seen fixes, bucket of a day. */
export type PartName = '' | `#f/${number}` | `#s/${number}` | `#b/${string}`;

const statuses: readonly VisitCut['status'][] = ['ENTERED', 'LEFT', 'UNKNOWN_EXIT'];

function writeFix(writer: ByteWriter, fix: LocatedFix): void {
  writer.f64(fix.time);
  writer.f64(fix.latitude);
  writer.f64(fix.longitude);
  writer.i32(fix.latenessMs);
  writer.id(fix.id);
  writer.optional(fix.speedKmh, (speed) => writer.f64(speed));
  writer.optional(fix.driver, (driver) => writer.text(driver));
  writer.text(fix.address.topic);
  writer.i32(fix.address.partition);
  writer.f64(fix.address.offset);
  writer.i32(fix.address.index);
}

function readFix(reader: ByteReader): LocatedFix {
  const [time, latitude, longitude] = [reader.f64(), reader.f64(), reader.f64()];
  const latenessMs = reader.i32();
  const id = reader.id();
  return {
    time,
    latitude,
    longitude,
    latenessMs,
    id,
    idHigh: wordOf(id, 0),
    idLow: wordOf(id, 8),
    speedKmh: reader.optional(() => reader.f64()),
    courseDeg: undefined,
    satellites: undefined,
    engineOn: undefined,
    fuelLevelL: undefined,
    fuelLevelPercent: undefined,
    odometerKm: undefined,
    engineHoursH: undefined,
    isPrivate: false,
    driver: reader.optional(() => reader.text()),
    address: {
      topic: reader.text(),
      partition: reader.i32(),
      offset: reader.f64(),
      index: reader.i32(),
    },
  };
}

function writeTally(writer: ByteWriter, tally: Tally): void {
  writer.f64(tally.distanceM);
  writer.u32(tally.fixCount);
  writer.u32(tally.inputsHigh);
  writer.u32(tally.inputsLow);
  writer.optional(tally.driver, (driver) => writer.text(driver));
}

function readTally(reader: ByteReader): Tally {
  return {
    distanceM: reader.f64(),
    fixCount: reader.u32(),
    inputsHigh: reader.u32(),
    inputsLow: reader.u32(),
    driver: reader.optional(() => reader.text()),
  };
}

function writeRun(writer: ByteWriter, run: Run): void {
  writeFix(writer, run.start);
  writeFix(writer, run.end);
  writeTally(writer, run.toEnd);
  writeTally(writer, run.toLast);
}

function readRun(reader: ByteReader): Run {
  return {
    start: readFix(reader),
    end: readFix(reader),
    toEnd: readTally(reader),
    toLast: readTally(reader),
  };
}

function writePresence(writer: ByteWriter, presence: Presence): void {
  writer.text(presence.zoneId);
  switch (presence.kind) {
    case 'unset':
      writer.u8(0);
      return;
    case 'entering':
      writer.u8(1);
      writeFix(writer, presence.first);
      writer.u32(presence.count);
      return;
    case 'inside':
      writer.u8(2);
      writer.optional(presence.entered, (fix) => writeFix(writer, fix));
      writeFix(writer, presence.lastInside);
      writer.optional(presence.leaving, (fix) => writeFix(writer, fix));
      writer.u32(presence.outsideCount);
  }
}

function readPresence(reader: ByteReader): Presence {
  const zoneId = reader.text();
  switch (reader.u8()) {
    case 0:
      return { kind: 'unset', zoneId };
    case 1:
      return { kind: 'entering', zoneId, first: readFix(reader), count: reader.u32() };
    case 2:
      return {
        kind: 'inside',
        zoneId,
        entered: reader.optional(() => readFix(reader)),
        lastInside: readFix(reader),
        leaving: reader.optional(() => readFix(reader)),
        outsideCount: reader.u32(),
      };
    default:
      throw new RangeError('expected a presence of kind 0 to 2');
  }
}

function writeState(writer: ByteWriter, state: FoldState): void {
  writer.optional(state.last, (fix) => writeFix(writer, fix));
  writer.optional(state.run, (run) => writeRun(writer, run));
  writer.list(state.presences, (presence) => writePresence(writer, presence));
}

function readState(reader: ByteReader): FoldState {
  return {
    last: reader.optional(() => readFix(reader)),
    run: reader.optional(() => readRun(reader)),
    presences: reader.list(() => readPresence(reader)),
  };
}

function writePublished<C>(
  writer: ByteWriter,
  entry: Published<C>,
  writeCut: (cut: C) => void,
): void {
  writer.id(entry.id);
  writer.f64(entry.firstStart);
  writer.u32(entry.ordinal);
  writer.f64(entry.revision);
  writer.u8(entry.retracted ? 1 : 0);
  writeCut(entry.cut);
}

function readPublished<C>(reader: ByteReader, readCut: () => C): Published<C> {
  return {
    id: reader.id(),
    firstStart: reader.f64(),
    ordinal: reader.u32(),
    revision: reader.f64(),
    retracted: reader.u8() === 1,
    cut: readCut(),
  };
}

function writeTripCut(writer: ByteWriter, cut: TripCut): void {
  writeFix(writer, cut.start);
  writeFix(writer, cut.end);
  writeTally(writer, cut.tally);
}

function readTripCut(reader: ByteReader): TripCut {
  // Which fix closed a published trip no longer matters: it only named the cause.
  return {
    start: readFix(reader),
    end: readFix(reader),
    tally: readTally(reader),
    closing: undefined,
  };
}

function writeVisitCut(writer: ByteWriter, cut: VisitCut): void {
  writer.text(cut.zoneId);
  writer.u8(statuses.indexOf(cut.status));
  writeFix(writer, cut.entered);
  writer.optional(cut.left, (fix) => writeFix(writer, fix));
  writeFix(writer, cut.lastInside);
}

function readVisitCut(reader: ByteReader): VisitCut {
  return {
    zoneId: reader.text(),
    status: statuses[reader.u8()] ?? 'ENTERED',
    entered: readFix(reader),
    left: reader.optional(() => readFix(reader)),
    lastInside: readFix(reader),
  };
}

/** The head part: all but fixes, seen fixes and buckets, and which parts of these there are. */
export function encodeHead(unit: Unit): Uint8Array {
  const { timeline } = unit;
  writer.f64(timeline.trimmedTo);
  writeState(writer, timeline.base);
  writer.list(timeline.chunks, (chunk) => writer.i32(chunk.index));
  writer.list(unit.seen.indexes, (index) => writer.i32(index));
  writer.list([...unit.buckets.keys()], (date) => writer.text(date));
  writer.list(unit.implausible, (start) => writer.f64(start));
  writer.list(unit.trips, (entry) =>
    writePublished(writer, entry, (cut) => writeTripCut(writer, cut)),
  );
  writer.list(unit.visits, (entry) =>
    writePublished(writer, entry, (cut) => writeVisitCut(writer, cut)),
  );
  return writer.finish();
}

/**
 * A unit from its parts; `part` gives the saved bytes of one. Throws RangeError when a part that the
 * head names is missing or damaged. Checkpoints and cuts come back with the next `fold`.
 */
export function decodeUnit(
  tenantId: string,
  name: string,
  part: (name: PartName) => Uint8Array | undefined,
): Unit {
  const required = (partName: PartName): Uint8Array => {
    const bytes = part(partName);
    if (bytes === undefined) throw new RangeError(`the saved part '${partName}' is missing`);
    return bytes;
  };
  const reader = new ByteReader(required(''));
  const trimmedTo = reader.f64();
  const base = readState(reader);
  const chunks = reader
    .list(() => reader.i32())
    .map((index) => new Chunk(index, required(`#f/${index}`)));
  const unit = unitOf(tenantId, name, new Timeline(base, trimmedTo, chunks));
  const seen = reader.list(() => reader.i32());
  const dates = reader.list(() => reader.text());
  unit.implausible = reader.list(() => reader.f64());
  unit.trips = reader.list(() => readPublished(reader, () => readTripCut(reader)));
  unit.visits = reader.list(() => readPublished(reader, () => readVisitCut(reader)));
  for (const date of dates) unit.buckets.set(date, new Bucket(date, required(`#b/${date}`)));
  unit.unsaved = false;
  return { ...unit, seen: new Seen(seen.map((index) => [index, required(`#s/${index}`)])) };
}
