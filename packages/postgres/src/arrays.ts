/**
 * Column types whose arrays can be sent in PostgreSQL's binary form; `instant` is a timestamptz given in
 * ms since epoch, `json` a jsonb given as its text, `hex` a bytea and `uuid` a uuid given as hexadecimal digits.
 */
export type ArrayType =
  | 'text'
  | 'integer'
  | 'bigint'
  | 'real'
  | 'double'
  | 'boolean'
  | 'instant'
  | 'json'
  | 'bytea'
  | 'hex'
  | 'uuid';

type Cell<T extends ArrayType> = T extends 'text' | 'json' | 'hex' | 'uuid'
  ? string
  : T extends 'boolean'
    ? boolean
    : T extends 'bytea'
      ? Uint8Array
      : T extends 'bigint'
        ? number | bigint
        : number;

interface Writer {
  /** Object id of the element type in pg_type. */
  readonly oid: number;
  readonly size: (value: never) => number;
  readonly write: (value: never, into: Buffer, at: number) => void;
}

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;
const JSONB_VERSION = 1;
const UUID_BYTES = 16;
const WORD = 2 ** 32;
const US_PER_MS = 1_000;
/** PostgreSQL counts from 2000-01-01T00:00:00Z. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

/** Faster than writeBigInt64BE where the number is safe, which instants of our centuries are. */
function writeInt64(into: Buffer, at: number, value: number | bigint): void {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    into.writeInt32BE(Math.floor(value / WORD), at);
    into.writeUInt32BE(((value % WORD) + WORD) % WORD, at + 4);
  } else into.writeBigInt64BE(BigInt(value), at);
}

function writeInstant(ms: number, into: Buffer, at: number): void {
  const micros = Math.round((ms - POSTGRES_EPOCH_MS) * US_PER_MS);
  const exact = Number.isSafeInteger(micros)
    ? micros
    : BigInt(Math.round(ms) - POSTGRES_EPOCH_MS) * BigInt(US_PER_MS);
  writeInt64(into, at, exact);
}

function writeUuid(digits: string, into: Buffer, at: number): void {
  if (into.write(digits, at, 'hex') !== UUID_BYTES) {
    throw new RangeError(`expected 32 hexadecimal digits of a uuid, found ${digits}`);
  }
}

const writers: { readonly [T in ArrayType]: Writer } = {
  text: {
    oid: 25,
    size: (value: string) => Buffer.byteLength(value),
    write: (value: string, into, at) => void into.write(value, at),
  },
  integer: {
    oid: 23,
    size: () => 4,
    write: (value: number, into, at) => void into.writeInt32BE(value, at),
  },
  bigint: {
    oid: 20,
    size: () => 8,
    write: (value: number | bigint, into, at) => writeInt64(into, at, value),
  },
  real: {
    oid: 700,
    size: () => 4,
    write: (value: number, into, at) => void into.writeFloatBE(value, at),
  },
  double: {
    oid: 701,
    size: () => 8,
    write: (value: number, into, at) => void into.writeDoubleBE(value, at),
  },
  boolean: {
    oid: 16,
    size: () => 1,
    write: (value: boolean, into, at) => void into.writeUInt8(value ? 1 : 0, at),
  },
  instant: {
    oid: 1184,
    size: () => 8,
    write: writeInstant,
  },
  json: {
    oid: 3802,
    size: (value: string) => Buffer.byteLength(value) + 1,
    write: (value: string, into, at) => {
      into.writeUInt8(JSONB_VERSION, at);
      into.write(value, at + 1);
    },
  },
  bytea: {
    oid: 17,
    size: (value: Uint8Array) => value.length,
    write: (value: Uint8Array, into, at) => into.set(value, at),
  },
  hex: {
    oid: 17,
    size: (value: string) => value.length / 2,
    write: (value: string, into, at) => void into.write(value, at, 'hex'),
  },
  uuid: {
    oid: 2950,
    size: () => UUID_BYTES,
    write: writeUuid,
  },
};

/**
 * A one-dimensional array as a parameter in binary form, for `unnest($1::text[], …)`: one buffer per
 * column instead of a text that the client quotes and the server parses. The form is that of `array_recv`,
 * all numbers big-endian: dimensions, has-nulls, element type, length, lower bound, then each element with
 * its length in bytes (-1 = null). Throws RangeError for a number that does not fit its type.
 */
export function binaryArray<T extends ArrayType>(
  type: T,
  values: readonly (Cell<T> | null | undefined)[],
): Buffer {
  // The table's entry for T takes exactly the cells of T.
  const { oid, size, write } = writers[type] as Writer & {
    readonly size: (value: Cell<T>) => number;
    readonly write: (value: Cell<T>, into: Buffer, at: number) => void;
  };
  const sizes = new Int32Array(values.length);
  let total = HEADER_BYTES + LENGTH_BYTES * values.length;
  let nulls = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    const bytes = value === null || value === undefined ? NULL_LENGTH : size(value);
    sizes[i] = bytes;
    if (bytes === NULL_LENGTH) nulls = 1;
    else total += bytes;
  }
  const buffer = Buffer.allocUnsafe(total);
  buffer.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(nulls, 4);
  buffer.writeInt32BE(oid, 8);
  if (values.length === 0) return buffer.subarray(0, 12);
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    const bytes = sizes[i] ?? NULL_LENGTH;
    buffer.writeInt32BE(bytes, at);
    at += LENGTH_BYTES;
    if (value === null || value === undefined) continue;
    write(value, buffer, at);
    at += bytes;
  }
  return buffer;
}
