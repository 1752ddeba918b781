import type { ByteReader, ByteWriter } from './bytes.ts';
import { readCrossing, writeCrossing } from './crossing.ts';
import { readLocated, writeFix } from './fix-codec.ts';
import { NO_INPUTS, readBasis, readInputs, writeBasis, writeInputs } from './inputs.ts';
import { insideFrom, type Presence, type VisitCut } from './visit-fold.ts';

const presenceKinds: readonly Presence['kind'][] = ['unset', 'entering', 'inside'];
const statuses: readonly VisitCut['status'][] = ['ENTERED', 'LEFT', 'UNKNOWN_EXIT'];

function writePresence(writer: ByteWriter, presence: Presence): void {
  writer.u8(presenceKinds.indexOf(presence.kind));
  writer.text(presence.zoneId);
  if (presence.kind === 'unset') return;
  writer.optional(presence.entered, (crossing) => writeCrossing(writer, crossing));
  writeFix(writer, presence.lastInside);
  writeInputs(writer, presence.inputs);
  writer.optional(presence.dwelled, (basis) => writeBasis(writer, basis));
  if (presence.kind === 'entering') return;
  writer.optional(presence.confirmed, (basis) => writeBasis(writer, basis));
  writer.optional(presence.leaving, (crossing) => writeCrossing(writer, crossing));
  if (presence.leaving !== undefined) writeInputs(writer, presence.outside);
}

function readPresence(reader: ByteReader): Presence {
  const kind = presenceKinds[reader.u8()];
  const zoneId = reader.text();
  if (kind === 'unset') return { kind, zoneId };
  const stay = {
    zoneId,
    entered: reader.optional(() => readCrossing(reader)),
    lastInside: readLocated(reader),
    inputs: readInputs(reader),
    dwelled: reader.optional(() => readBasis(reader)),
  };
  if (kind === 'inside') {
    const confirmed = reader.optional(() => readBasis(reader));
    const leaving = reader.optional(() => readCrossing(reader));
    const outside = leaving === undefined ? NO_INPUTS : readInputs(reader);
    return insideFrom(stay, confirmed, leaving, outside);
  }
  const { entered } = stay;
  if (kind === undefined || entered === undefined) throw new RangeError('expected a presence');
  return { ...stay, kind, entered };
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
  writeBasis(writer, cut.basis);
}

/** The counterpart of `writeVisitCut`. */
export function readVisitCut(reader: ByteReader): VisitCut {
  return {
    zoneId: reader.text(),
    status: statuses[reader.u8()] ?? 'ENTERED',
    entered: readCrossing(reader),
    left: reader.optional(() => readCrossing(reader)),
    basis: readBasis(reader),
  };
}
