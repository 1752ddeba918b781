/** One broken rule of a contract. */
export interface Violation {
  /** Dotted field path; empty for the value as a whole. */
  readonly path: string;
  readonly message: string;
}

type Check = (value: unknown, path: string, found: Violation[]) => void;

interface FieldSchema {
  readonly name: string;
  readonly type: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly scale?: number;
}

const nothing: Check = () => undefined;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function scalarCheck(field: FieldSchema): Check | undefined {
  const { minimum, maximum, scale } = field;
  const pattern = field.pattern === undefined ? undefined : new RegExp(field.pattern);
  if (minimum === undefined && maximum === undefined && scale === undefined && !pattern) {
    return undefined;
  }
  return (value, path, found) => {
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) {
        found.push({ path, message: `expected a finite number, found ${value}` });
        return;
      }
      if (minimum !== undefined && value < minimum) {
        found.push({ path, message: `expected at least ${minimum}, found ${value}` });
      }
      if (maximum !== undefined && value > maximum) {
        found.push({ path, message: `expected at most ${maximum}, found ${value}` });
      }
      if (scale !== undefined) {
        const scaled = value * 10 ** scale;
        if (Math.abs(scaled - Math.round(scaled)) > 1e-6) {
          found.push({ path, message: `expected at most ${scale} decimals, found ${value}` });
        }
      }
    } else if (pattern && typeof value === 'string' && !pattern.test(value)) {
      found.push({ path, message: `expected text like ${pattern.source}` });
    }
  };
}

/**
 * Compiles the checks that Avro cannot express from the raw schema JSON: avsc drops our attributes
 * (`minimum`, `pattern`, ...) from its types, so the text is the only place that has them.
 */
export function compileChecks(schema: unknown, named: Map<string, Check> = new Map()): Check {
  if (typeof schema === 'string') {
    return (value, path, found) => named.get(schema)?.(value, path, found);
  }
  if (Array.isArray(schema)) {
    const branches = schema.filter((branch) => branch !== 'null');
    const check = compileChecks(branches[0], named);
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
      const where = path === '' ? field.name : `${path}.${field.name}`;
      field.scalar?.(inner, where, found);
      field.nested(inner, where, found);
    }
  };
  named.set(String(schema['name']), check);
  return check;
}
