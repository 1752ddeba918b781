import type { ByteReader, ByteWriter } from './bytes.ts';
import { sameFix, type Fix, type LocatedFix } from './fix.ts';
import { isCopy, passFix, readFix, readLocated, writeFix } from './fix-codec.ts';
import {
  joined,
  NO_INPUTS,
  readInputs,
  sameInputs,
  withFix,
  without,
  writeInputs,
  type Inputs,
} from './inputs.ts';
import type { Shift, Step } from './rule.ts';

export interface IdleRule {
  /** Shorter ones are none, ms. */
  readonly thresholdMs: number;
  /** Without a fix that says so for longer than this the engine is not known to run, ms. */
  readonly silenceMs: number;
}

/** An engine that is off for less flickers, ms. */
export const FLICKER_MS = 60_000;

/** A stretch that stands with the engine on; as a cut, one that ended. */
export interface Idling {
  readonly start: Fix;
  /** Newest fix that stands with the engine on. */
  readonly end: Fix;
  /** Where it stands. */
  readonly place: LocatedFix | undefined;
  /** First fix with the engine off since `end`. */
  readonly off: Fix | undefined;
  readonly isPrivate: boolean;
  readonly inputs: Inputs;
}

export type IdleState = Idling | undefined;

function begun(fix: Fix, place: LocatedFix | undefined): Idling {
  const inputs = withFix(NO_INPUTS, fix);
  return { start: fix, end: fix, place, off: undefined, isPrivate: fix.isPrivate, inputs };
}

/** When silence ends it, ms. */
export function idleEndsBy({ end, off }: Idling, rule: IdleRule): number {
  const bySilence = end.time + rule.silenceMs;
  return off === undefined ? bySilence : Math.min(bySilence, off.time + FLICKER_MS);
}

/** The idle rule: one fix further; a stretch that ends is added to `closed`, however short. */
export function advanceIdle(
  state: IdleState,
  { fix, place, motion }: Pick<Step, 'fix' | 'place' | 'motion'>,
  rule: IdleRule,
  closed: Idling[],
): IdleState {
  if (state === undefined && fix.engineOn !== true) return undefined;
  let current = state;
  if (current !== undefined && fix.time > idleEndsBy(current, rule)) {
    closed.push(current);
    current = undefined;
  }
  if (motion === 'moving') {
    if (current !== undefined) closed.push(current);
    return undefined;
  }
  if (fix.engineOn === true) {
    if (current === undefined) return motion === 'standing' ? begun(fix, place) : undefined;
    return {
      start: current.start,
      end: fix,
      place: current.place ?? place,
      off: undefined,
      isPrivate: current.isPrivate || fix.isPrivate,
      inputs: withFix(current.inputs, fix),
    };
  }
  if (fix.engineOn === false && current !== undefined && current.off === undefined) {
    return { ...current, off: fix };
  }
  return current;
}

/** How what follows differs when a fix more or less changed nothing but the inputs. */
export function shiftOfIdling(
  now: IdleState,
  before: IdleState,
): Shift<IdleState, Idling> | undefined {
  if (now === undefined || before === undefined || now.isPrivate !== before.isPrivate) {
    return undefined;
  }
  const { start, end, place, off } = now;
  if (!isCopy(start, before.start) || !isCopy(end, before.end)) return undefined;
  if (!isCopy(place, before.place) || !isCopy(off, before.off)) return undefined;
  const more = without(now.inputs, before.inputs);
  const moved = (idling: Idling): Idling =>
    isCopy(idling.start, start) ? { ...idling, inputs: joined(idling.inputs, more) } : idling;
  return {
    cut: moved,
    state: (later) => later && moved(later),
    move: (later, newest, writer) => moveIdling(later, writer, start.time - newest(), more),
  };
}

/** True when both go on in the same way whatever comes. */
export function sameIdling(a: IdleState, b: IdleState): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    sameFix(a.start, b.start) &&
    sameFix(a.end, b.end) &&
    sameFix(a.place, b.place) &&
    sameFix(a.off, b.off) &&
    a.isPrivate === b.isPrivate &&
    sameInputs(a.inputs, b.inputs)
  );
}

export function writeIdling(writer: ByteWriter, idling: Idling): void {
  writeFix(writer, idling.start);
  writeFix(writer, idling.end);
  writer.optional(idling.place, (fix) => writeFix(writer, fix));
  writer.optional(idling.off, (fix) => writeFix(writer, fix));
  writer.u8(idling.isPrivate ? 1 : 0);
  writeInputs(writer, idling.inputs);
}

/** A packed one that starts so long behind the newest fix with its inputs moved; false for any other. */
function moveIdling(later: ByteReader, writer: ByteWriter, since: number, more: Inputs): boolean {
  if (later.u8() === 0 || passFix(later) !== since) return false;
  passFix(later);
  // Place, first fix with the engine off, private or not.
  if (later.u8() === 1) passFix(later);
  if (later.u8() === 1) passFix(later);
  later.u8();
  writer.append(later.passed);
  writeInputs(writer, joined(readInputs(later), more));
  return true;
}

export function readIdling(reader: ByteReader): Idling {
  return {
    start: readFix(reader),
    end: readFix(reader),
    place: reader.optional(() => readLocated(reader)),
    off: reader.optional(() => readFix(reader)),
    isPrivate: reader.u8() === 1,
    inputs: readInputs(reader),
  };
}
