import { businessDayOf, type BusinessDay } from '@waybill/domain';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { sameFix, type Fix } from './fix.ts';
import { isCopy, readFix, writeFix } from './fix-codec.ts';
import { joined, NO_INPUTS, sameInputs, withFix, without, type Inputs } from './inputs.ts';
import type { Shift } from './rule.ts';

export interface MeterRule {
  /** More in a day is implausible, km. */
  readonly maxKmPerDay: number;
}

/** The readings of one business day. */
export interface MeterDay {
  readonly day: BusinessDay;
  readonly first: Fix;
  /** Last plausible reading. */
  readonly last: Fix;
  readonly odometerKm: number | undefined;
  readonly engineHoursH: number | undefined;
  /** Driven by the odometer, over resets, km. */
  readonly distanceKm: number;
  readonly resetCount: number;
  readonly implausibleCount: number;
  readonly inputs: Inputs;
}

export interface MeterState {
  /** The day of the newest reading. */
  readonly today: MeterDay | undefined;
  /** Newest plausible odometer reading of any day, km, and when, ms. */
  readonly known: Known | undefined;
  /** A reading that does not go on from `known`: a second one that goes on from it makes a reset. */
  readonly suspect: Known | undefined;
}

interface Known {
  readonly km: number;
  readonly time: number;
}

/** Before the first reading. */
export const METER_START: MeterState = Object.freeze({
  today: undefined,
  known: undefined,
  suspect: undefined,
});

const DAY_MS = 86_400_000;
/** Nothing that we track is faster, km/h. */
const FASTEST_KMH = 250;
/** Counters that are rounded differently fall by less than this, km. */
const ROUNDING_KM = 1;

/** Whether a reading goes on from another one. */
function goesOn(from: Known, km: number, time: number, drivenKm: number, rule: MeterRule): boolean {
  const step = km - from.km;
  const elapsed = time - from.time;
  const perDay = rule.maxKmPerDay * Math.max(1, elapsed / DAY_MS) - drivenKm;
  const bySpeed = ROUNDING_KM + (FASTEST_KMH * elapsed) / 3_600_000;
  return step > -ROUNDING_KM && step <= Math.min(perDay, bySpeed);
}

function begun(day: BusinessDay, fix: Fix): MeterDay {
  return {
    day,
    first: fix,
    last: fix,
    odometerKm: undefined,
    engineHoursH: undefined,
    distanceKm: 0,
    resetCount: 0,
    implausibleCount: 0,
    inputs: NO_INPUTS,
  };
}

/** Readings are hundredths: rounded like them a sum does not depend on its steps. */
function hundredths(km: number): number {
  return Math.round(km * 100) / 100;
}

/** The day with a fix that tells no odometer reading that is taken. */
function counted(before: MeterDay, fix: Fix): MeterDay {
  const today = { ...before, inputs: withFix(before.inputs, fix) };
  const { engineHoursH } = fix;
  return engineHoursH === undefined ? today : { ...today, last: fix, engineHoursH };
}

/** One odometer reading: the day with it, and what it is compared with from now on. */
function withOdometer(
  state: MeterState,
  before: MeterDay,
  fix: Fix,
  km: number,
  rule: MeterRule,
): MeterState {
  const { known, suspect } = state;
  const { time, engineHoursH } = fix;
  if (known === undefined || goesOn(known, km, time, before.distanceKm, rule)) {
    const higher = known === undefined ? km : Math.max(km, known.km);
    const rise = higher - (known?.km ?? higher);
    // Written out: this is what happens to nearly every fix.
    const read: MeterDay = {
      day: before.day,
      first: before.first,
      last: fix,
      odometerKm: higher,
      engineHoursH: engineHoursH ?? before.engineHoursH,
      distanceKm: rise === 0 ? before.distanceKm : hundredths(before.distanceKm + rise),
      resetCount: before.resetCount,
      implausibleCount: before.implausibleCount,
      inputs: withFix(before.inputs, fix),
    };
    return { today: read, known: { km: higher, time }, suspect: undefined };
  }
  const today = counted(before, fix);
  if (suspect !== undefined && goesOn(suspect, km, time, today.distanceKm, rule)) {
    const distanceKm = hundredths(today.distanceKm + Math.max(0, km - suspect.km));
    const implausibleCount = Math.max(0, today.implausibleCount - 1);
    const resetCount = today.resetCount + 1;
    const read = { ...today, last: fix, odometerKm: km };
    const next = { ...read, distanceKm, resetCount, implausibleCount };
    return { today: next, known: { km, time }, suspect: undefined };
  }
  const left = { ...today, implausibleCount: today.implausibleCount + 1 };
  return { today: left, known, suspect: { km, time } };
}

/**
 * The meter rule: one fix further. A day ends with the first reading of a later one, or by the clock. A
 * reading that falls, or rises by more than a vehicle can drive, is left out; when the next one goes on
 * from it, the counter was reset or replaced: nothing was driven by that, and never a negative distance.
 */
export function advanceMeter(
  state: MeterState,
  fix: Fix,
  rule: MeterRule,
  timeZone: string,
  closed: MeterDay[],
): MeterState {
  const { odometerKm: km, engineHoursH: hours } = fix;
  if (km === undefined && hours === undefined) return state;
  let { today } = state;
  if (today !== undefined && fix.time >= today.day.to) {
    closed.push(today);
    today = undefined;
  }
  today ??= begun(businessDayOf(fix.time, timeZone), fix);
  return km === undefined
    ? { ...state, today: counted(today, fix) }
    : withOdometer(state, today, fix, km, rule);
}

export function sameDay(a: MeterDay | undefined, b: MeterDay | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.day.date === b.day.date &&
    sameFix(a.first, b.first) &&
    sameFix(a.last, b.last) &&
    a.odometerKm === b.odometerKm &&
    a.engineHoursH === b.engineHoursH &&
    a.distanceKm === b.distanceKm &&
    a.resetCount === b.resetCount &&
    a.implausibleCount === b.implausibleCount &&
    sameInputs(a.inputs, b.inputs)
  );
}

/** How later days differ when a reading more or less changed nothing but the inputs. */
export function shiftOfMeter(
  now: MeterState,
  before: MeterState,
): Shift<MeterState, MeterDay> | undefined {
  const [a, b] = [now.today, before.today];
  if (!sameKnown(now.known, before.known) || !sameKnown(now.suspect, before.suspect)) {
    return undefined;
  }
  if (a === undefined || b === undefined) return undefined;
  if (!sameDay({ ...a, inputs: b.inputs }, b) || !isCopy(a.first, b.first)) return undefined;
  if (!isCopy(a.last, b.last)) return undefined;
  const more = without(a.inputs, b.inputs);
  const moved = (day: MeterDay): MeterDay =>
    day.day.from === a.day.from ? { ...day, inputs: joined(day.inputs, more) } : day;
  return {
    cut: moved,
    move: (later, _, writer) => moveDay(later, writer, a.day.from, more),
    state: (later) => {
      const today = later.today && moved(later.today);
      return today === later.today ? later : { ...later, today };
    },
  };
}

function sameKnown(a: Known | undefined, b: Known | undefined): boolean {
  return a?.km === b?.km && a?.time === b?.time;
}

/** True when both go on in the same way whatever comes. */
export function sameMeter(a: MeterState, b: MeterState): boolean {
  return (
    a === b ||
    (sameDay(a.today, b.today) && sameKnown(a.known, b.known) && sameKnown(a.suspect, b.suspect))
  );
}

/** 20260105 for 2026-01-05. */
function numberOf(date: string): number {
  return Number(date.slice(0, -6) + date.slice(-5, -3) + date.slice(-2));
}

/** The counterpart of `numberOf`. */
function dateOf(number: number): string {
  const digits = String(number);
  return `${digits.slice(0, -4)}-${digits.slice(-4, -2)}-${digits.slice(-2)}`;
}

export function writeDay(writer: ByteWriter, day: MeterDay): void {
  const { inputs } = day;
  for (const word of [inputs.count, inputs.high, inputs.low]) writer.u32(word);
  writer.f64(day.day.from);
  writer.varint(day.day.to - day.day.from);
  writer.varint(numberOf(day.day.date));
  writeFix(writer, day.first);
  writeFix(writer, day.last);
  writer.optional(day.odometerKm, (km) => writer.real(km));
  writer.optional(day.engineHoursH, (hours) => writer.real(hours));
  writer.real(day.distanceKm);
  writer.varint(day.resetCount);
  writer.varint(day.implausibleCount);
}

export function readDay(reader: ByteReader): MeterDay {
  const inputs = { count: reader.u32(), high: reader.u32(), low: reader.u32() };
  const from = reader.f64();
  const to = from + reader.varint();
  const date = dateOf(reader.varint());
  return {
    day: { date, from, to },
    first: readFix(reader),
    last: readFix(reader),
    odometerKm: reader.optional(() => reader.real()),
    engineHoursH: reader.optional(() => reader.real()),
    distanceKm: reader.real(),
    resetCount: reader.varint(),
    implausibleCount: reader.varint(),
    inputs,
  };
}

/** A packed state with its inputs moved, see `writeDay`; false when its day is another one. */
function moveDay(later: ByteReader, writer: ByteWriter, from: number, more: Inputs): boolean {
  if (later.u8() === 0) return false;
  const there = { count: later.u32(), high: later.u32(), low: later.u32() };
  const { rest } = later;
  if (later.f64() !== from) return false;
  const { count, high, low } = joined(there, more);
  writer.u8(1);
  for (const word of [count, high, low]) writer.u32(word);
  writer.append(rest);
  return true;
}

function writeKnown(writer: ByteWriter, known: Known | undefined): void {
  writer.optional(known, ({ km, time }) => {
    writer.real(km);
    writer.real(time);
  });
}

function readKnown(reader: ByteReader): Known | undefined {
  return reader.optional(() => ({ km: reader.real(), time: reader.real() }));
}

export function writeMeter(writer: ByteWriter, state: MeterState): void {
  writer.optional(state.today, (day) => writeDay(writer, day));
  writeKnown(writer, state.known);
  writeKnown(writer, state.suspect);
}

export function readMeter(reader: ByteReader): MeterState {
  return {
    today: reader.optional(() => readDay(reader)),
    known: readKnown(reader),
    suspect: readKnown(reader),
  };
}
