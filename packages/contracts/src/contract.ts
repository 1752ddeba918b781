import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import { compileChecks, type Violation } from './violations.ts';

const HEADER_BYTES = 5;
const SLAB_BYTES = 1 << 18;

/**
 * One version of one record type: codec, range checks, and the exact text to register.
 * Encoding and decoding are synchronous; the schema is compiled once. Methods, not function fields: a
 * topic of one record type then fits where any topic is wanted.
 */
export interface Contract<T> {
  /** Short name, the discriminant of a message: `TripCompleted`. */
  readonly name: string;
  /** Full Avro name: `fleet.trip.TripCompleted`. */
  readonly fullName: string;
  /** Version of the file: `1.0`. */
  readonly version: string;
  /** The schema file's JSON with our attributes, as registered (compact). */
  readonly schemaText: string;
  /** Confluent framing (0x00, id big-endian) and Avro body. Throws TypeError for a value that does not fit. */
  encode(value: T, schemaId: number): Buffer;
  /**
   * The same bytes at the start of `target`; returns their number, or less than 0 when they do not fit: the
   * target is then spoilt and too small by as many bytes at least. Throws as `encode` does.
   */
  write(value: T, schemaId: number, target: Buffer): number;
  /**
   * Reads one Avro body that was written with this very version, from `offset` to before `end`. Throws
   * when the body does not end by then.
   */
  decode(bytes: Buffer, offset: number, end?: number): T;
  /**
   * How to read bodies that were written with `writerText`, the schema of another minor version: Avro
   * resolution, so unknown fields are left out and missing ones take their defaults. Costs about 0.2 ms:
   * keep the result. Resolution must work both ways, else the writer is no minor version of this one.
   */
  readerOf(writerText: string): Reader<T>;
  /** All violations of type, range, pattern and scale; empty when the value keeps the contract. */
  violations(value: unknown): readonly Violation[];
}

/** A way to read what another version wrote, or why there is none. */
export type Reader<T> =
  | { readonly decode: Contract<T>['decode']; readonly problem?: never }
  | { readonly decode?: never; readonly problem: string };

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabUsed = 0;

/** Where the framed bytes end that begin at `start`; less than 0 when they do not fit. */
function writeAt(
  { type, value, schemaId }: { type: avsc.Type; value: unknown; schemaId: number },
  target: Buffer,
  start: number,
): number {
  const end = type.encode(value, target, start + HEADER_BYTES);
  if (end < 0) return end;
  target[start] = 0;
  target.writeUInt32BE(schemaId, start + 1);
  return end;
}

function encodeInto(type: avsc.Type, value: unknown, schemaId: number): Buffer {
  // A slab is never rewound: slices stay valid until their send is acknowledged.
  const start = slabUsed;
  const end = writeAt({ type, value, schemaId }, slab, start);
  if (end < 0) {
    const missing = -end;
    slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, (missing + HEADER_BYTES + SLAB_BYTES) * 2));
    slabUsed = 0;
    return encodeInto(type, value, schemaId);
  }
  slabUsed = end;
  return slab.subarray(start, end);
}

function typeOf(raw: unknown): avsc.Type {
  return avsc.Type.forSchema(raw as avsc.Schema, { wrapUnions: false });
}

/** The decoded value; throws when the body did not end by `end`. */
function valueBefore(end: number, decoded: { value: unknown; offset: number }): unknown {
  if (decoded.offset < 0 || decoded.offset > end) throw new Error('the bytes end too early');
  return decoded.value;
}

function readerOf<T>(reader: avsc.Type, writerText: string): Reader<T> {
  try {
    const writer = typeOf(JSON.parse(writerText));
    const resolver = reader.createResolver(writer);
    writer.createResolver(reader);
    // Resolution gives values of the reader's schema, the one that T was generated from.
    return {
      decode: (bytes, offset, end = bytes.length) =>
        valueBefore(end, reader.decode(bytes, offset, resolver)) as T,
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Loads `schemas/<path>.avsc` and compiles it. A file that is missing or ambiguous fails at load. */
export function contract<T>(path: string): Contract<T> {
  const text = readFileSync(new URL(`../../../schemas/${path}.avsc`, import.meta.url), 'utf8');
  return compileContract(text, path.slice(path.lastIndexOf('/') + 1));
}

/** Compiles the contract that stands in a schema's text. Throws for a schema that is ambiguous. */
export function compileContract<T>(text: string, version: string): Contract<T> {
  const raw: unknown = JSON.parse(text);
  const type = typeOf(raw);
  const fullName = type.name ?? '';
  const checks = compileChecks(raw);
  return {
    name: fullName.slice(fullName.lastIndexOf('.') + 1),
    fullName,
    version,
    schemaText: JSON.stringify(raw),
    encode: (value, schemaId) => encodeInto(type, value, schemaId),
    write: (value, schemaId, target) => writeAt({ type, value, schemaId }, target, 0),
    // The codec was compiled from the schema that T was generated from.
    decode: (bytes, offset, end = bytes.length) =>
      valueBefore(end, type.decode(bytes, offset)) as T,
    readerOf: (writerText) => readerOf(type, writerText),
    violations: (value) => {
      // Asked without a hook first: that is several times faster, and nearly always the end of it.
      const found: Violation[] = [];
      if (type.isValid(value)) checks(value, '', found);
      else describeMisfits(type, value, found);
      return found;
    },
  };
}

function describeMisfits(type: avsc.Type, value: unknown, found: Violation[]): void {
  type.isValid(value, {
    errorHook: (where: string[], bad: unknown, expected: avsc.Type) => {
      found.push({
        path: where.join('.'),
        message: `expected ${expected.toString()}, found ${describe(bad)}`,
      });
    },
  });
}

function describe(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Schema id of a framed message, or undefined when the bytes are not framed. */
export function schemaIdOf(bytes: Buffer): number | undefined {
  return bytes.length < HEADER_BYTES || bytes[0] !== 0 ? undefined : bytes.readUInt32BE(1);
}

/** Offset of the Avro body in a framed message. */
export const BODY_OFFSET: number = HEADER_BYTES;
