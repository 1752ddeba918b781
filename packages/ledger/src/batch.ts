import { binaryArray, type ArrayType, type PoolClient } from '@waybill/postgres';

/** A connection or pool on which ledger queries run. */
export type LedgerTx = Pick<PoolClient, 'query'>;

/** A value with the place in the log where it stands. */
export interface Addressed<T> {
  readonly partition: number;
  readonly offset: bigint;
  readonly value: T;
  /** W3C context of the record, where it was sampled. */
  readonly traceparent?: string | undefined;
}

type Cell = string | number | bigint | boolean | Buffer | object | null;

/** A column of a batch statement: PostgreSQL type and how a row fills it. */
export interface Column<R> {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'bigint' | 'boolean' | 'timestamptz' | 'jsonb' | 'bytea';
  readonly of: (row: R) => Cell | readonly object[] | readonly string[] | undefined;
}

/** PostgreSQL reads four-digit years; what lies outside is a broken clock and is kept at the edge. */
const FIRST_INSTANT = Date.parse('0001-01-01T00:00:00Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/** An instant in ms since epoch; years outside 1..9999 become the nearest edge. */
function instant(ms: number): number {
  return Math.min(LAST_INSTANT, Math.max(FIRST_INSTANT, ms));
}

/** Text of an instant for a timestamptz, as a sortable key. */
export function instantText(ms: number): string {
  return new Date(instant(ms)).toISOString();
}

/** A text without NUL, which PostgreSQL cannot store and a device may well send. */
function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}

/** JSON that jsonb takes: no NUL, no half surrogate pairs. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? storable(inner.toWellFormed()) : inner,
  );
}

const arrayTypes = {
  text: 'text',
  integer: 'integer',
  bigint: 'bigint',
  boolean: 'boolean',
  timestamptz: 'instant',
  jsonb: 'json',
  bytea: 'bytea',
} as const satisfies Record<Column<unknown>['type'], ArrayType>;

function cell(type: Column<unknown>['type'], value: ReturnType<Column<unknown>['of']>): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'timestamptz':
      return instant(Number(value));
    case 'jsonb':
      return jsonText(value);
    case 'text':
      return storable(value as string);
    case 'bigint':
    case 'integer':
    case 'boolean':
    case 'bytea':
      return value;
  }
}

/** One array per column in binary form, for `unnest`. */
export function columnArrays<R>(columns: readonly Column<R>[], rows: readonly R[]): Buffer[] {
  return columns.map(({ type, of }) =>
    // A column's `of` returns what its type takes, or nothing.
    binaryArray(arrayTypes[type], rows.map((row) => cell(type, of(row))) as never[]),
  );
}

/** `unnest($1::text[], $2::integer[]) as input (a, b)`. */
export function inputOf<R>(columns: readonly Column<R>[], alias = 'input'): string {
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
  return `unnest(${arrays}) as ${alias} (${namesOf(columns)})`;
}

export function namesOf<R>(columns: readonly Column<R>[]): string {
  return columns.map(({ name }) => name).join(', ');
}

/**
 * The rows of a batch with one row per key, in order of the keys: a statement may touch a row once
 * only, and two transactions that lock rows in one order cannot wait for each other in a ring.
 */
export function onePerKey<R>(
  rows: readonly R[],
  keyOf: (row: R) => string,
  merge: (a: R, b: R) => R,
): R[] {
  const byKey = new Map<string, R>();
  for (const row of rows) {
    const key = keyOf(row);
    const before = byKey.get(key);
    byKey.set(key, before === undefined ? row : merge(before, row));
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
