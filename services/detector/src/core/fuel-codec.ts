import type { ByteReader, ByteWriter } from './bytes.ts';
import { sameFix } from './fix.ts';
import { readFix, readLocated, writeFix } from './fix-codec.ts';
import type {
  Anchor,
  FuelConfidence,
  FuelCut,
  FuelKind,
  FuelState,
  Reading,
  Since,
  Suspicion,
} from './fuel-state.ts';
import { readInputs, sameInputs, writeInputs } from './inputs.ts';

const kinds: readonly FuelKind[] = ['REFUEL', 'DRAIN', 'UNEXPLAINED'];
const confidences: readonly FuelConfidence[] = ['HIGH', 'MEDIUM', 'LOW'];

/** A cut of the fuel rule as bytes. */
export function writeFuelCut(writer: ByteWriter, cut: FuelCut): void {
  writer.u8(kinds.indexOf(cut.kind));
  writeFix(writer, cut.start);
  writeFix(writer, cut.end);
  writer.real(cut.levelBeforeL);
  writer.real(cut.levelAfterL);
  writer.real(cut.errorL);
  writer.u8(confidences.indexOf(cut.confidence));
  writer.optional(cut.place, (fix) => writeFix(writer, fix));
  writer.u8(cut.isPrivate ? 1 : 0);
  writeInputs(writer, cut.inputs);
  writeInputs(writer, cut.inputsBefore);
}

/** The counterpart of `writeFuelCut`. */
export function readFuelCut(reader: ByteReader): FuelCut {
  return {
    kind: kinds[reader.u8()] ?? 'UNEXPLAINED',
    start: readFix(reader),
    end: readFix(reader),
    levelBeforeL: reader.real(),
    levelAfterL: reader.real(),
    errorL: reader.real(),
    confidence: confidences[reader.u8()] ?? 'LOW',
    place: reader.optional(() => readLocated(reader)),
    isPrivate: reader.u8() === 1,
    inputs: readInputs(reader),
    inputsBefore: readInputs(reader),
  };
}

function writeAnchor(writer: ByteWriter, anchor: Anchor): void {
  writer.real(anchor.level);
  writer.real(anchor.spread);
  writeFix(writer, anchor.fix);
  writer.u8(anchor.isRested ? 1 : 0);
  writeInputs(writer, anchor.inputs);
}

function readAnchor(reader: ByteReader): Anchor {
  return {
    level: reader.real(),
    spread: reader.real(),
    fix: readFix(reader),
    isRested: reader.u8() === 1,
    inputs: readInputs(reader),
  };
}

function writeSince(writer: ByteWriter, since: Since): void {
  const bits = [since.hasStood, since.hasMoved, since.wasSilent, since.movedInSilence];
  writer.u8(bits.reduce((sum, bit, at) => sum + (bit ? 1 << at : 0), 0));
  writer.real(since.drivenM);
}

function readSince(reader: ByteReader): Since {
  const bits = reader.u8();
  return {
    hasStood: (bits & 1) !== 0,
    hasMoved: (bits & 2) !== 0,
    wasSilent: (bits & 4) !== 0,
    movedInSilence: (bits & 8) !== 0,
    drivenM: reader.real(),
  };
}

/** The fuel rule's state as bytes. */
export function writeFuelState(writer: ByteWriter, state: FuelState): void {
  writer.u8(state.isStanding ? 1 : 0);
  writer.list(state.window, (reading) => {
    writeFix(writer, reading.fix);
    writer.real(reading.level);
    writer.u8(reading.isStanding ? 1 : 0);
  });
  writer.optional(state.anchor, (anchor) => writeAnchor(writer, anchor));
  writeSince(writer, state.since);
  writer.optional(state.suspicion, (suspicion) => {
    writeFuelCut(writer, suspicion.cut);
    writer.optional(suspicion.movedOff, (fix) => writeFix(writer, fix));
  });
  writer.optional(state.filling, (cut) => writeFuelCut(writer, cut));
}

/** The counterpart of `writeFuelState`. */
export function readFuelState(reader: ByteReader): FuelState {
  return {
    isStanding: reader.u8() === 1,
    window: reader.list((): Reading => ({
      fix: readFix(reader),
      level: reader.real(),
      isStanding: reader.u8() === 1,
    })),
    anchor: reader.optional(() => readAnchor(reader)),
    since: readSince(reader),
    suspicion: reader.optional((): Suspicion => ({
      cut: readFuelCut(reader),
      movedOff: reader.optional(() => readFix(reader)),
    })),
    filling: reader.optional(() => readFuelCut(reader)),
  };
}

/** True when both are published in the same words. */
export function sameFuelCut(a: FuelCut | undefined, b: FuelCut | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.kind === b.kind &&
    sameFix(a.start, b.start) &&
    sameFix(a.end, b.end) &&
    a.levelBeforeL === b.levelBeforeL &&
    a.levelAfterL === b.levelAfterL &&
    a.errorL === b.errorL &&
    a.confidence === b.confidence &&
    sameFix(a.place, b.place) &&
    a.isPrivate === b.isPrivate &&
    sameInputs(a.inputs, b.inputs) &&
    sameInputs(a.inputsBefore, b.inputsBefore)
  );
}

function sameAnchor(a: Anchor | undefined, b: Anchor | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.level === b.level &&
    a.spread === b.spread &&
    sameFix(a.fix, b.fix) &&
    a.isRested === b.isRested &&
    sameInputs(a.inputs, b.inputs)
  );
}

function sameSince(a: Since, b: Since): boolean {
  return (
    a === b ||
    (a.hasStood === b.hasStood &&
      a.hasMoved === b.hasMoved &&
      a.wasSilent === b.wasSilent &&
      a.movedInSilence === b.movedInSilence &&
      a.drivenM === b.drivenM)
  );
}

/** True when both go on in the same way whatever comes. */
export function sameFuelState(a: FuelState, b: FuelState): boolean {
  return (
    a === b ||
    (a.isStanding === b.isStanding &&
      sameAnchor(a.anchor, b.anchor) &&
      sameSince(a.since, b.since) &&
      sameFuelCut(a.filling, b.filling) &&
      sameFuelCut(a.suspicion?.cut, b.suspicion?.cut) &&
      sameFix(a.suspicion?.movedOff, b.suspicion?.movedOff) &&
      a.window.length === b.window.length &&
      a.window.every((reading, i) => {
        const other = b.window[i];
        return sameFix(reading.fix, other?.fix) && reading.isStanding === other?.isStanding;
      }))
  );
}
