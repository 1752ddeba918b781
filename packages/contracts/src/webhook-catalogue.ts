import { branchOf, isObject, symbolsOf } from './json-reader.ts';
import type { FieldSchema } from './violations.ts';
import { webhookEvents } from './webhook-events.ts';

/** One field of one pushed event, as people read it. */
export interface CatalogueField {
  readonly name: string;
  /** text, number, instant, date or enum. */
  readonly type: string;
  /** `required`, `optional`, or `one of` several. */
  readonly need: string;
  readonly unit: string | undefined;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly decimals: number | undefined;
  /** Pattern of a text, symbols of an enum. */
  readonly format: string | undefined;
  /** Kind of personal data. */
  readonly personal: string | undefined;
  readonly meaning: string | undefined;
}

/** One pushed event with its fields, as the contract says. */
export interface CatalogueEvent {
  readonly event: string;
  readonly version: string;
  readonly meaning: string;
  readonly topic: string;
  readonly consumer: string;
  readonly effect: string;
  readonly example: unknown;
  readonly fields: readonly CatalogueField[];
}

function typeOf(type: unknown): string {
  if (symbolsOf(type) !== undefined) return 'enum';
  const logical = isObject(type) ? type['logicalType'] : undefined;
  if (logical === 'timestamp-millis') return 'instant';
  if (logical === 'date') return 'date';
  return type === 'string' ? 'text' : 'number';
}

function fieldOf(field: FieldSchema, anyOf: readonly string[]): CatalogueField {
  const { type, nullable } = branchOf(field.type);
  const optional = anyOf.includes(field.name) ? `one of ${anyOf.join(', ')}` : 'optional';
  return {
    name: field.name,
    type: typeOf(type),
    need: nullable ? optional : 'required',
    unit: field.unit,
    minimum: field.minimum,
    maximum: field.maximum,
    decimals: field.scale,
    format: symbolsOf(type)?.join(' | ') ?? field.pattern,
    personal: field.pii,
    meaning: field.doc,
  };
}

/** The webhook catalogue: every event that may be pushed, from its contract. */
export const webhookCatalogue: readonly CatalogueEvent[] = webhookEvents.map(
  ({ event, version, schema, topic, consumer, effect, example }) => ({
    event,
    version,
    meaning: schema.doc,
    topic,
    consumer,
    effect,
    example,
    fields: schema.fields.map((field) => fieldOf(field, schema.any_of ?? [])),
  }),
);

const COLUMNS = [
  ...['event', 'contract_version', 'field', 'type', 'need', 'unit', 'minimum', 'maximum'],
  ...['decimals', 'format', 'personal', 'meaning', 'topic', 'consumer', 'effect'],
];

/** RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
function cell(value: string | number | undefined): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' && /^[=+@\t\r-]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The webhook catalogue as CSV: one row per event and field. */
export function webhookCatalogueCsv(): string {
  const rows = webhookCatalogue.flatMap(({ event, version, topic, consumer, effect, fields }) =>
    fields.map((field) => [
      ...[event, version, field.name, field.type, field.need, field.unit],
      ...[field.minimum, field.maximum, field.decimals, field.format],
      ...[field.personal, field.meaning, topic, consumer, effect],
    ]),
  );
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
