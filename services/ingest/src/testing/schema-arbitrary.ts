// Values that a JSON Schema describes: as much of it as our OpenAPI document uses.
import * as fc from 'fast-check';

export type Schema = Readonly<Record<string, unknown>>;

/** Formats whose patterns allow days that no calendar has. */
const FORMATS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'date-time': fc
    .date({ min: new Date(1000), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  date: fc
    .date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
};

/** Lookaheads only bound lengths here; the rest of the pattern is enough to draw from. */
function drawable(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll(/\(\?=[^)]*\)/g, ''), 'u');
}

function numberOf(schema: Schema): fc.Arbitrary<number> {
  const lowest = (schema['minimum'] ?? schema['exclusiveMinimum'] ?? -1e6) as number;
  const highest = (schema['maximum'] ?? schema['exclusiveMaximum'] ?? 1e6) as number;
  const step = schema['multipleOf'];
  if (typeof step === 'number') {
    const factor = Math.round(1 / step);
    const [min, max] = [Math.ceil(lowest * factor), Math.floor(highest * factor)];
    return fc.integer({ min, max: Math.min(max, 2 ** 31) }).map((n) => n / factor);
  }
  const min = 'exclusiveMinimum' in schema ? 1 : lowest;
  const max = 'exclusiveMaximum' in schema ? 1e12 : highest;
  return fc.oneof(
    fc.integer({ min: Math.ceil(min), max: Math.min(Math.floor(max), 2 ** 31) }),
    fc.constantFrom(min, max),
  );
}

function objectOf(schema: Schema, resolve: (ref: string) => Schema): fc.Arbitrary<unknown> {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
  const anyOf = (schema['anyOf'] ?? []) as readonly { readonly required: readonly string[] }[];
  const required = [...((schema['required'] ?? []) as string[])];
  const [first] = anyOf[0]?.required ?? [];
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [
      name,
      // One of several is enough; the first is always there, and then it is not null.
      name === first
        ? schemaArbitrary(
            ((inner['anyOf'] as readonly Schema[] | undefined) ?? [inner])[0] ?? {},
            resolve,
          )
        : schemaArbitrary(inner, resolve),
    ]),
  );
  if (first !== undefined) required.push(first);
  return fc.record(model, { requiredKeys: required });
}

/** Draws values that a schema calls valid. */
export function schemaArbitrary(
  schema: Schema,
  resolve: (ref: string) => Schema,
): fc.Arbitrary<unknown> {
  const ref = schema['$ref'];
  if (typeof ref === 'string') return schemaArbitrary(resolve(ref), resolve);
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum']))
    return fc.constantFrom<unknown>(...(schema['enum'] as unknown[]));
  switch (schema['type']) {
    case 'object':
      return objectOf(schema, resolve);
    case 'array':
      return fc.array(schemaArbitrary(schema['items'] as Schema, resolve), {
        minLength: (schema['minItems'] ?? 0) as number,
        maxLength: 6,
      });
    case 'string': {
      const format = FORMATS[String(schema['format'])];
      if (format !== undefined) return format;
      const { pattern } = schema as { readonly pattern?: string };
      return pattern === undefined
        ? fc.string({ maxLength: 20 })
        : fc.stringMatching(drawable(pattern));
    }
    case 'number':
    case 'integer':
      return numberOf(schema);
    case 'null':
      return fc.constant(null);
    default: {
      const branches = (schema['anyOf'] ?? schema['oneOf'] ?? []) as readonly Schema[];
      return fc.oneof(...branches.map((branch) => schemaArbitrary(branch, resolve)));
    }
  }
}
