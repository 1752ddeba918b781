import type { ByteReader, ByteWriter } from './bytes.ts';
import { readCrossing, writeCrossing } from './crossing.ts';
import { readLocated, writeFix } from './fix-codec.ts';
import type { Presence, VisitCut } from './visit-fold.ts';

const statuses: readonly VisitCut['status'][] = ['ENTERED', 'LEFT', 'UNKNOWN_EXIT'];

function writePresence(writer: ByteWriter, presence: Presence): void {
  writer.text(presence.zoneId);
  switch (presence.kind) {
    case 'unset':
      writer.u8(0);
      return;
    case 'entering':
      writer.u8(1);
      writeCrossing(writer, presence.first);
      writer.u32(presence.count);
      return;
    case 'inside':
      writer.u8(2);
      writer.optional(presence.entered, (crossing) => writeCrossing(writer, crossing));
      writeFix(writer, presence.lastInside);
      writer.optional(presence.leaving, (crossing) => writeCrossing(writer, crossing));
      writer.u32(presence.outsideCount);
  }
}

function readPresence(reader: ByteReader): Presence {
  const zoneId = reader.text();
  switch (reader.u8()) {
    case 0:
      return { kind: 'unset', zoneId };
    case 1:
      return { kind: 'entering', zoneId, first: readCrossing(reader), count: reader.u32() };
    case 2:
      return {
        kind: 'inside',
        zoneId,
        entered: reader.optional(() => readCrossing(reader)),
        lastInside: readLocated(reader),
        leaving: reader.optional(() => readCrossing(reader)),
        outsideCount: reader.u32(),
      };
    default:
      throw new RangeError('expected a presence of kind 0 to 2');
  }
}

/** The visit rule's state as bytes. */
export function writePresences(writer: ByteWriter, presences: readonly Presence[]): void {
  writer.list(presences, (presence) => writePresence(writer, presence));
}

/** The counterpart of `writePresences`. */
export function readPresences(reader: ByteReader): readonly Presence[] {
  return reader.list(() => readPresence(reader));
}

/** A cut of the visit rule as bytes. */
export function writeVisitCut(writer: ByteWriter, cut: VisitCut): void {
  writer.text(cut.zoneId);
  writer.u8(statuses.indexOf(cut.status));
  writeCrossing(writer, cut.entered);
  writer.optional(cut.left, (crossing) => writeCrossing(writer, crossing));
  writeFix(writer, cut.lastInside);
}

/** The counterpart of `writeVisitCut`. */
export function readVisitCut(reader: ByteReader): VisitCut {
  return {
    zoneId: reader.text(),
    status: statuses[reader.u8()] ?? 'ENTERED',
    entered: readCrossing(reader),
    left: reader.optional(() => readCrossing(reader)),
    lastInside: readLocated(reader),
  };
}
