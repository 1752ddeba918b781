import type { ByteReader, ByteWriter } from './bytes.ts';
import { referenceOf, type Fix, type FixReference } from './fix.ts';
import { readReference, writeReference } from './fix-codec.ts';

/** Which fixes a fact was cut from: their count, and the sum modulo 2^64 of the first halves of their ids. */
export interface Inputs {
  readonly count: number;
  readonly high: number;
  readonly low: number;
}

/** Of no fix. */
export const NO_INPUTS: Inputs = Object.freeze({ count: 0, high: 0, low: 0 });

const WORD = 0x1_0000_0000;

/** Both together. */
export function joined(a: Inputs, b: Inputs): Inputs {
  const low = a.low + b.low;
  return {
    count: a.count + b.count,
    high: (a.high + b.high + (low >= WORD ? 1 : 0)) % WORD,
    low: low % WORD,
  };
}

/** What the first has more than the second. */
export function without(a: Inputs, b: Inputs): Inputs {
  const low = a.low - b.low;
  const high = a.high - b.high - (low < 0 ? 1 : 0);
  return {
    count: a.count - b.count,
    high: high < 0 ? high + WORD : high,
    low: low < 0 ? low + WORD : low,
  };
}

/** One fix more. */
export function withFix(inputs: Inputs, fix: Fix): Inputs {
  const low = inputs.low + fix.idLow;
  const high = inputs.high + fix.idHigh + (low >= WORD ? 1 : 0);
  return {
    count: inputs.count + 1,
    high: high >= WORD ? high - WORD : high,
    low: low >= WORD ? low - WORD : low,
  };
}

/** Inputs while they are added up. */
export class InputSum implements Inputs {
  count = 0;
  high = 0;
  low = 0;

  add({ idHigh, idLow }: Fix): void {
    const low = this.low + idLow;
    const high = this.high + idHigh + (low >= WORD ? 1 : 0);
    this.count += 1;
    this.high = high >= WORD ? high - WORD : high;
    this.low = low >= WORD ? low - WORD : low;
  }
}

export function sameInputs(a: Inputs, b: Inputs): boolean {
  return a.count === b.count && a.high === b.high && a.low === b.low;
}

/** 16 hex digits; does not depend on the order of the fixes. */
export function hashOf({ high, low }: Inputs): string {
  const word = (value: number): string => value.toString(16).padStart(8, '0');
  return word(high) + word(low);
}

export function writeInputs(writer: ByteWriter, { count, high, low }: Inputs): void {
  writer.varint(count);
  writer.u32(high);
  writer.u32(low);
}

export function readInputs(reader: ByteReader): Inputs {
  return { count: reader.varint(), high: reader.u32(), low: reader.u32() };
}

/** What a fact rests on: its newest fix, and all of them. */
export interface Basis {
  readonly fix: FixReference;
  readonly inputs: Inputs;
}

/** True for the same fixes, registered at the same time. */
export function sameBasis(a: Basis | undefined, b: Basis | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.fix.time === b.fix.time &&
    a.fix.latenessMs === b.fix.latenessMs &&
    sameInputs(a.inputs, b.inputs)
  );
}

/** These fixes, of which this is the newest. */
export function basisOf(fix: Fix, inputs: Inputs): Basis {
  return { fix: referenceOf(fix), inputs };
}

/** What two that are not the same differ in. */
export function basisText({ fix, inputs }: Basis): string {
  return `${fix.time} ${fix.latenessMs} ${inputs.count} ${inputs.high} ${inputs.low}`;
}

export function writeBasis(writer: ByteWriter, { fix, inputs }: Basis): void {
  writeReference(writer, fix);
  writeInputs(writer, inputs);
}

export function readBasis(reader: ByteReader): Basis {
  return { fix: readReference(reader), inputs: readInputs(reader) };
}
