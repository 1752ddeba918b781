import { branchOf, isObject, symbolsOf } from './json-reader.ts';
import type { FieldSchema } from './violations.ts';
import { EVENT_ID_PATTERN, type PushedSchema } from './webhook-events.ts';

/** A JSON Schema (2020-12), or an object of an OpenAPI document. */
export type Json = { readonly [key: string]: unknown };

const ISO =
  '^\\d{4}-\\d{2}-\\d{2}[Tt]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';

/** A time in a pushed body; the words for what `instantOf` reads. */
export const instantSchema: Json = {
  description:
    'An instant since 1970: ISO 8601 with its offset, or a count of seconds (below 10^11) or milliseconds.',
  anyOf: [
    { type: 'string', format: 'date-time', pattern: ISO },
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1e15 },
    { type: 'string', pattern: '^(?=\\d{1,16}$)0*[1-9]\\d{0,14}$' },
  ],
};

const INSTANT_REF = '#/components/schemas/Instant';

function typeSchema(field: FieldSchema): Json {
  const { type } = branchOf(field.type);
  const symbols = symbolsOf(type);
  if (symbols !== undefined) return { type: 'string', enum: symbols };
  const logical = isObject(type) ? type['logicalType'] : undefined;
  if (logical === 'timestamp-millis') return { $ref: INSTANT_REF };
  if (logical === 'date')
    return { type: 'string', format: 'date', pattern: '^\\d{4}-\\d{2}-\\d{2}$' };
  if (type === 'string') {
    return { type: 'string', ...(field.pattern === undefined ? {} : { pattern: field.pattern }) };
  }
  const { minimum, maximum, scale } = field;
  return {
    type: 'number',
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(scale === undefined ? {} : { multipleOf: Number((10 ** -scale).toFixed(scale)) }),
  };
}

function fieldSchema(field: FieldSchema): Json {
  const { nullable } = branchOf(field.type);
  const type = typeSchema(field);
  return {
    description: field.doc,
    ...(nullable ? { anyOf: [type, { type: 'null' }] } : type),
    ...(field.unit === undefined || INSTANT_REF === type['$ref'] ? {} : { 'x-unit': field.unit }),
    ...(field.pii === undefined ? {} : { 'x-pii': field.pii }),
  };
}

function isRequired({ type }: FieldSchema): boolean {
  return !branchOf(type).nullable;
}

/** The schema of one event's `data`. Members that it does not name are allowed. */
export function dataSchema({ doc, fields, any_of: anyOf }: PushedSchema): Json {
  return {
    type: 'object',
    description: doc,
    required: fields.filter(isRequired).map(({ name }) => name),
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)])),
    ...(anyOf === undefined
      ? {}
      : {
          anyOf: anyOf.map((name) => ({
            required: [name],
            properties: { [name]: { not: { type: 'null' } } },
          })),
        }),
  };
}

const eventId: Json = {
  type: 'string',
  pattern: EVENT_ID_PATTERN,
  description: 'The sender’s id of the event, the same in every repeat of it.',
};

/** The schema of an envelope `{event, id, data}`. */
export function envelopeSchema(event: string, data: Json, example: unknown): Json {
  return {
    type: 'object',
    required: ['event', 'id', 'data'],
    properties: { event: { type: 'string', const: event }, id: eventId, data },
    examples: [example],
  };
}

/** The schema of the same event as a CloudEvent 1.0. */
export function cloudEventSchema(event: string, schema: PushedSchema): Json {
  return {
    type: 'object',
    required: ['specversion', 'id', 'source', 'type', 'data'],
    properties: {
      specversion: { const: '1.0' },
      id: eventId,
      source: { type: 'string', minLength: 1 },
      type: { const: event },
      data: dataSchema(schema),
      data_base64: false,
    },
  };
}
