/** One broken rule of a contract. */
export interface Violation {
  /** Dotted field path; empty for the value as a whole. */
  readonly path: string;
  readonly message: string;
}

type Check = (value: unknown, path: string, found: Violation[]) => void;

/** A field of a schema file, with the attributes that Avro does not know. */
export interface FieldSchema {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
  readonly unit?: string;
  readonly pii?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly scale?: number;
}

const PRIMITIVES: ReadonlySet<string> = new Set([
  ...['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'],
]);

const nothing: Check = () => undefined;

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Share of a scaled value that may be lost in the multiplication. */
const SCALE_ERROR = 2 ** -51;

/** What is wrong with a value of the right type, in one line; undefined when nothing is. */
type ScalarCheck = (value: unknown) => string | undefined;

/** Range, scale and pattern of one field; undefined when it has none. */
export function scalarCheck(field: FieldSchema): ScalarCheck | undefined {
  const { minimum, maximum, scale } = field;
  const pattern = field.pattern === undefined ? undefined : new RegExp(field.pattern, 'u');
  if (minimum === undefined && maximum === undefined && scale === undefined && !pattern) {
    return undefined;
  }
  return (value) => {
    if (typeof value === 'string') {
      if (pattern === undefined || pattern.test(value)) return undefined;
      const shown = JSON.stringify(value).slice(0, 60);
      return `expected text like ${pattern.source}, found ${shown}`;
    }
    if (typeof value !== 'number') return undefined;
    if (!Number.isFinite(value)) return `expected a finite number, found ${value}`;
    if (minimum !== undefined && value < minimum) {
      return `expected at least ${minimum}, found ${value}`;
    }
    if (maximum !== undefined && value > maximum) {
      return `expected at most ${maximum}, found ${value}`;
    }
    return scale === undefined || hasScale(value, scale)
      ? undefined
      : `expected at most ${scale} decimals, found ${value}`;
  };
}

function hasScale(value: number, scale: number): boolean {
  const scaled = value * 10 ** scale;
  return Math.abs(scaled - Math.round(scaled)) <= 1e-6 + Math.abs(scaled) * SCALE_ERROR;
}

/**
 * Compiles the checks that Avro cannot express from the raw schema JSON: avsc drops our attributes
 * (`minimum`, `pattern`, ...) from its types, so the text is the only place that has them.
 */
export function compileChecks(schema: unknown, named: Map<string, Check> = new Map()): Check {
  if (typeof schema === 'string') {
    if (PRIMITIVES.has(schema)) return nothing;
    return (value, path, found) => named.get(schema)?.(value, path, found);
  }
  if (Array.isArray(schema)) {
    const branches = schema.filter((branch) => branch !== 'null');
    const check = compileChecks(branches[0], named);
    if (check === nothing) return nothing;
    return (value, path, found) => {
      if (value !== null && value !== undefined) check(value, path, found);
    };
  }
  if (!isObject(schema)) return nothing;
  if (schema['type'] === 'array') {
    const items = compileChecks(schema['items'], named);
    return (value, path, found) => {
      if (!Array.isArray(value)) return;
      for (const [index, item] of value.entries()) items(item, `${path}.${index}`, found);
    };
  }
  if (schema['type'] !== 'record') return nothing;
  const fields = (schema['fields'] as FieldSchema[]).map((field) => ({
    name: field.name,
    scalar: scalarCheck(field),
    nested: compileChecks(field.type, named),
  }));
  const check: Check = (value, path, found) => {
    if (!isObject(value)) return;
    for (const field of fields) {
      const inner = value[field.name];
      const message = field.scalar?.(inner);
      if (message !== undefined) found.push({ path: join(path, field.name), message });
      if (field.nested !== nothing) field.nested(inner, join(path, field.name), found);
    }
  };
  named.set(String(schema['name']), check);
  return check;
}
