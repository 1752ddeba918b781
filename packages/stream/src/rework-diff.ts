import type { Message, ReworkChange } from '@waybill/contracts';
import { withoutSecrets } from './dead-letter-headers.ts';

/** Fields of one element that are told. */
const MOST_CHANGES = 10;
/** Characters of a value that are told. */
const MOST_TEXT = 100;

/** What differs between two versions of an element. */
export interface Difference {
  readonly changes: readonly ReworkChange[];
  /** Fields that differ beside those. */
  readonly leftOut: number;
}

function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
}

/** What is told of a value. */
function shown(text: string | undefined): string | null {
  if (text === undefined) return null;
  const masked = withoutSecrets(text);
  return masked.length > MOST_TEXT ? `${masked.slice(0, MOST_TEXT - 1)}…` : masked;
}

/** The leaves of a value by path; a value without parts is a leaf of its own. */
function leaves(value: unknown, path: string, found: Map<string, unknown>): Map<string, unknown> {
  const isTree = typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
  const parts = isTree ? Object.entries(value) : [];
  if (parts.length === 0) return found.set(path, value);
  for (const [name, part] of parts) leaves(part, path === '' ? name : `${path}.${name}`, found);
  return found;
}

function fieldsOf(message: Message | null): ReadonlyMap<string, string> {
  if (message === null) return new Map();
  const found = leaves(message.value, '', new Map([['type', message.type as unknown]]));
  return new Map([...found].map(([path, value]) => [path, textOf(value)]));
}

/** Compares two messages field by field; null = a tombstone, which has none. */
export function differenceOf(before: Message | null, after: Message | null): Difference {
  const [old, fresh] = [fieldsOf(before), fieldsOf(after)];
  const fields = [...new Set([...old.keys(), ...fresh.keys()])].filter(
    (field) => old.get(field) !== fresh.get(field),
  );
  return {
    changes: fields
      .slice(0, MOST_CHANGES)
      .map((field) => ({ field, before: shown(old.get(field)), after: shown(fresh.get(field)) })),
    leftOut: Math.max(0, fields.length - MOST_CHANGES),
  };
}
