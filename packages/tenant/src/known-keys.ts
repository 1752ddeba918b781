import type { z } from 'zod';
import type { ModelPath } from './problem.ts';

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly discriminator?: string;
  readonly values?: readonly unknown[];
}

function definitionOf(schema: z.ZodType): Definition {
  // Every zod schema carries its definition here; only the members of its own kind are present.
  const definition = schema.def as unknown as Definition;
  const { type, innerType } = definition;
  return innerType && (type === 'default' || type === 'optional')
    ? definitionOf(innerType)
    : definition;
}

/** The branch of a discriminated union that the value asks for. */
function branchOf(definition: Definition, value: unknown): Definition {
  const { options, discriminator } = definition;
  if (!options || discriminator === undefined) return definition;
  const wanted = isObject(value) ? value[discriminator] : undefined;
  for (const option of options.map(definitionOf)) {
    const literal = option.shape?.[discriminator];
    if (literal && definitionOf(literal).values?.includes(wanted)) return option;
  }
  return definition;
}

/** Keys that the schema knows at `path` of `value`; empty where it knows none. */
export function knownKeys(schema: z.ZodType, path: ModelPath, value: unknown): readonly string[] {
  const definition = branchOf(definitionOf(schema), value);
  const [head, ...rest] = path;
  if (head === undefined) return Object.keys(definition.shape ?? {});
  const inner = definition.shape?.[String(head)] ?? definition.element ?? definition.valueType;
  return inner ? knownKeys(inner, rest, isObject(value) ? value[head] : undefined) : [];
}
