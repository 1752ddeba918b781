import { dayOf, instantOf } from '@waybill/domain';
import { scalarCheck, type FieldSchema, type Violation } from './violations.ts';

/**
 * Reads the JSON form of a contract: the value as Avro would carry it, or undefined after every violation
 * was added to `found`. Members that the contract does not name are the sender's own business.
 */
export type JsonReader<T> = (value: unknown, path: string, found: Violation[]) => T | undefined;

/**
 * Reads one field of the record at `path`; only called when the value is there and not null. The field's
 * own path is put together for violations only: that is half the time of a check.
 */
type FieldReader = (value: unknown, path: string, found: Violation[]) => unknown;

interface RecordSchema {
  readonly fields: readonly FieldSchema[];
  /** Names of optional fields of which at least one is given. */
  readonly any_of?: readonly string[];
}

/** What a time looks like in a pushed body. */
export const INSTANT_FORM = 'an ISO 8601 instant with its offset, or seconds or ms since 1970';

const SHOWN_LENGTH = 60;

/** How a found value is shown: its JSON, at most 60 characters. */
function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH - 3)}...` : text;
}

/** A violation in the words of all readers. */
export function violation(path: string, expected: string, found: unknown): Violation {
  return { path, message: `expected ${expected}, found ${shown(found)}` };
}

/** Narrows parsed JSON to an object (no array, not null). */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The branch of a nullable union that is not null; other types as they are. */
export function branchOf(type: unknown): { readonly type: unknown; readonly nullable: boolean } {
  if (!Array.isArray(type)) return { type, nullable: false };
  const branches: readonly unknown[] = type;
  return { type: branches.find((branch) => branch !== 'null'), nullable: true };
}

/** Symbols of an enum that a sender may use: the default is what readers see for symbols to come. */
export function symbolsOf(type: unknown): readonly string[] | undefined {
  if (!isObject(type) || type['type'] !== 'enum') return undefined;
  // The Avro library has compiled the same schema, so the symbols are texts.
  const symbols = type['symbols'] as readonly string[];
  return symbols.filter((symbol) => symbol !== type['default']);
}

function converted(
  name: string,
  convert: (value: unknown) => unknown,
  expected: string,
): FieldReader {
  return (value, path, found) => {
    const read = convert(value);
    if (read === undefined) found.push(violation(`${path}.${name}`, expected, value));
    return read;
  };
}

function fieldReader(field: FieldSchema): FieldReader {
  const { name } = field;
  const { type } = branchOf(field.type);
  const symbols = symbolsOf(type);
  if (symbols !== undefined) {
    const known: ReadonlySet<unknown> = new Set(symbols);
    return converted(name, (v) => (known.has(v) ? v : undefined), `one of ${symbols.join(', ')}`);
  }
  const logical = isObject(type) ? type['logicalType'] : undefined;
  if (logical === 'timestamp-millis') return converted(name, instantOf, INSTANT_FORM);
  if (logical === 'date') return converted(name, dayOf, 'a day as YYYY-MM-DD');
  const check = scalarCheck(field);
  const wanted = type === 'string' ? 'string' : 'number';
  if (wanted === 'number' && type !== 'double') {
    throw new Error(`${field.name}: expected a type with a JSON form, found ${shown(type)}`);
  }
  return (value, path, found) => {
    if (typeof value !== wanted) {
      found.push(violation(`${path}.${name}`, wanted === 'string' ? 'text' : 'a number', value));
      return value;
    }
    const message = check?.(value);
    if (message !== undefined) found.push({ path: `${path}.${name}`, message });
    return value;
  };
}

/** Compiles the reader of a contract's JSON form from its schema. */
export function compileJsonReader<T>(schema: unknown): JsonReader<T> {
  const { fields, any_of: anyOf = [] } = schema as RecordSchema;
  const readers = fields.map((field) => ({
    name: field.name,
    nullable: branchOf(field.type).nullable,
    read: fieldReader(field),
  }));
  return (value, path, found) => {
    if (!isObject(value)) {
      found.push(violation(path, 'an object', value));
      return undefined;
    }
    const before = found.length;
    const read: Record<string, unknown> = {};
    for (const field of readers) {
      const inner = value[field.name];
      if (field.nullable && (inner === undefined || inner === null)) read[field.name] = null;
      else read[field.name] = field.read(inner, path, found);
    }
    if (anyOf.length > 0 && anyOf.every((name) => read[name] === null)) {
      found.push(violation(path, `at least one of ${anyOf.join(', ')}`, undefined));
    }
    // Every field of the schema was read by its own type, and T was generated from the schema.
    return found.length === before ? (read as T) : undefined;
  };
}
