import { ByteReader, ByteWriter } from './bytes.ts';
import { isCopyOfCrossing, passCrossing, type Crossing } from './crossing.ts';
import { isCopy, isCopyOfReference, passFix, passReference } from './fix-codec.ts';
import {
  joined,
  readInputs,
  sameInputs,
  without,
  writeInputs,
  type Basis,
  type Inputs,
} from './inputs.ts';
import type { Shift } from './rule.ts';
import { insideFrom, samePresence, type Inside, type Presence } from './visit-fold.ts';

type State = readonly Presence[];

/** What a fix more or less changed in the sums of one stay. */
export interface StayShift {
  readonly zoneId: string;
  /** Time of the fix that it was entered with, ms: no other stay of the zone has it. */
  readonly enteredTime: number;
  /** From the entry on. */
  readonly all: Inputs;
  /** Up to the dwell threshold; the same as long as that was not reached. */
  readonly toDwelled: Inputs;
  /** Up to what confirmed the entry. */
  readonly toConfirmed: Inputs;
}

/** Undefined where they rest on different fixes. */
function moreOf(now: Basis | undefined, before: Basis | undefined): Inputs | undefined {
  if (now === undefined || before === undefined) return undefined;
  return isCopyOfReference(now.fix, before.fix) ? without(now.inputs, before.inputs) : undefined;
}

/** Undefined where they differ in more than sums; how the entry was confirmed depends on its count. */
function shiftOfStay(now: Presence, before: Presence): StayShift | undefined {
  if (now.kind !== 'inside' || before.kind !== 'inside' || now.zoneId !== before.zoneId) {
    return undefined;
  }
  const { zoneId, entered } = now;
  if (entered === undefined || !isCopyOfCrossing(entered, before.entered)) return undefined;
  if (!isCopy(now.lastInside, before.lastInside)) return undefined;
  if (!isCopyOfCrossing(now.leaving, before.leaving)) return undefined;
  if (!sameInputs(now.outside, before.outside)) return undefined;
  const all = without(now.inputs, before.inputs);
  const isDwelled = now.dwelled !== undefined || before.dwelled !== undefined;
  const toDwelled = isDwelled ? moreOf(now.dwelled, before.dwelled) : all;
  const toConfirmed = moreOf(now.confirmed, before.confirmed);
  if (toDwelled === undefined || toConfirmed === undefined) return undefined;
  return { zoneId, enteredTime: entered.fix.time, all, toDwelled, toConfirmed };
}

/** Of these the one about a stay. */
function shiftFor(
  shifts: readonly StayShift[],
  zoneId: string,
  entered: Crossing | undefined,
): StayShift | undefined {
  return shifts.find((shift) => shift.zoneId === zoneId && shift.enteredTime === entered?.fix.time);
}

/** The same with so many inputs more. */
export function movedBasis({ fix, inputs }: Basis, more: Inputs): Basis {
  return { fix, inputs: joined(inputs, more) };
}

function movedPresence(later: Presence, shifts: readonly StayShift[]): Presence {
  if (later.kind !== 'inside') return later;
  const shift = shiftFor(shifts, later.zoneId, later.entered);
  return shift === undefined ? later : movedStay(later, shift);
}

function movedStay(later: Inside, { all, toDwelled, toConfirmed }: StayShift): Inside {
  const { zoneId, entered, lastInside, inputs, dwelled, confirmed, leaving, outside } = later;
  const stay = {
    zoneId,
    entered,
    lastInside,
    inputs: joined(inputs, all),
    dwelled: dwelled && movedBasis(dwelled, toDwelled),
  };
  return insideFrom(stay, confirmed && movedBasis(confirmed, toConfirmed), leaving, outside);
}

/** Moves sums where they are read, and copies what lies between. */
class Mover {
  #later: ByteReader;
  #writer: ByteWriter;
  /** Up to there all was written; -1 = nothing yet. */
  #written = -1;

  constructor(later: ByteReader, writer: ByteWriter) {
    this.#later = later;
    this.#writer = writer;
  }

  /** Begins anew. */
  begin(later: ByteReader, writer: ByteWriter): void {
    this.#later = later;
    this.#writer = writer;
    this.#written = -1;
  }

  /** Inputs are read next. */
  move(more: Inputs | undefined): void {
    const [later, writer] = [this.#later, this.#writer];
    if (more !== undefined) writer.append(later.since(Math.max(0, this.#written)));
    const inputs = readInputs(later);
    if (more === undefined) return;
    writeInputs(writer, joined(inputs, more));
    this.#written = later.position;
  }

  /** A basis is read next, if there is one. */
  moveBasis(more: Inputs | undefined): void {
    const later = this.#later;
    if (later.u8() === 0) return;
    passReference(later);
    this.move(more);
  }

  /** False when nothing was moved, and so nothing written. */
  end(): boolean {
    if (this.#written === -1) return false;
    this.#writer.append(this.#later.since(this.#written));
    return true;
  }
}

/** Used again, so that one is always alive: without any, V8 throws away what it compiled for them. */
const mover = new Mover(new ByteReader(new Uint8Array(0)), new ByteWriter());

/** Moves packed presences; see `writePresences`. `newest` is the time of the fix that the first is told by. */
function movePresences(
  later: ByteReader,
  newest: number,
  writer: ByteWriter,
  shifts: readonly StayShift[],
): boolean {
  mover.begin(later, writer);
  let time = newest;
  for (let left = later.varint(); left > 0; left -= 1) {
    const kind = later.u8();
    const zoneId = later.text();
    if (kind === 0) continue;
    let enteredTime: number | undefined;
    if (later.u8() === 1) enteredTime = time += passCrossing(later);
    time += passFix(later);
    const shift = shifts.find((each) => each.zoneId === zoneId && each.enteredTime === enteredTime);
    mover.move(shift?.all);
    mover.moveBasis(shift?.toDwelled);
    if (kind === 1) continue;
    mover.moveBasis(shift?.toConfirmed);
    if (later.u8() === 0) continue;
    time += passCrossing(later);
    mover.move(undefined);
  }
  return mover.end();
}

/**
 * How what follows differs when a fix more or less changed nothing but the inputs of stays that are confirmed;
 * `movedCut` moves what such a stay closes.
 */
export function shiftOfPresences<C extends { readonly zoneId: string; readonly entered: Crossing }>(
  now: State,
  before: State,
  movedCut: (cut: C, shift: StayShift) => C,
): Shift<State, C> | undefined {
  if (now.length !== before.length) return undefined;
  const shifts: StayShift[] = [];
  for (const [i, presence] of now.entries()) {
    const other = before[i] as Presence;
    if (samePresence(presence, other)) continue;
    const shift = shiftOfStay(presence, other);
    if (shift === undefined) return undefined;
    shifts.push(shift);
  }
  return {
    state: (later) => later.map((presence) => movedPresence(presence, shifts)),
    move: (later, newest, writer) => movePresences(later, newest(), writer, shifts),
    cut: (cut) => {
      const shift = shiftFor(shifts, cut.zoneId, cut.entered);
      return shift === undefined ? cut : movedCut(cut, shift);
    },
  };
}
