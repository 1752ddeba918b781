import { readFileSync } from 'node:fs';
import { topics } from './catalogue.ts';
import type * as t from './generated/types.ts';
import { compileJsonReader, isObject, violation, type JsonReader } from './json-reader.ts';
import type { FieldSchema, Violation } from './violations.ts';

/** Most events in one request. */
export const BATCH_EVENTS_MAX = 1000;

/** Form of an event's id, the same as that of an Idempotency-Key. */
export const EVENT_ID_PATTERN = '^[\\x20-\\x7e]{1,255}$';

const EVENT_ID = new RegExp(EVENT_ID_PATTERN);

/** A schema file of a pushed event, as far as exports need it. */
export interface PushedSchema {
  readonly doc: string;
  readonly fields: readonly FieldSchema[];
  readonly any_of?: readonly string[];
}

/** One event that may be pushed: its contract, what becomes of it, and an example. */
export interface WebhookEvent<N extends string, T> {
  /** Value of the envelope's `event`. */
  readonly event: N;
  /** Version of the contract of `data`. */
  readonly version: string;
  readonly schema: PushedSchema;
  readonly read: JsonReader<T>;
  /** Topic on which it leaves the transformer. */
  readonly topic: string;
  /** Who acts on it. */
  readonly consumer: string;
  /** What it changes there. */
  readonly effect: string;
  /** A complete envelope. */
  readonly example: unknown;
}

interface Declaration {
  readonly folder: string;
  readonly topic: { readonly name: string };
  readonly consumer: string;
  readonly effect: string;
}

function webhookEvent<N extends string, T>(
  event: N,
  { folder, topic, consumer, effect }: Declaration,
): WebhookEvent<N, T> {
  const version = '1.0';
  const file = (ending: string): unknown =>
    JSON.parse(
      readFileSync(
        new URL(`../../../schemas/webhook/${folder}/${version}.${ending}`, import.meta.url),
        'utf8',
      ),
    );
  const schema = file('avsc');
  return Object.freeze({
    event,
    version,
    // The files of this folder; a test holds them against their examples.
    schema: schema as PushedSchema,
    read: compileJsonReader<T>(schema),
    topic: topic.name,
    consumer,
    effect,
    example: file('example.json'),
  });
}

const locationUpdated: WebhookEvent<'vehicle.location.updated', t.PushedLocation> = webhookEvent(
  'vehicle.location.updated',
  {
    folder: 'vehicle-location-updated',
    topic: topics.position,
    consumer: 'live board, ETA',
    effect: 'moves the vehicle on the board; recomputes the delay of its next stop',
  },
);

const tripStatusChanged: WebhookEvent<'trip.status.changed', t.PushedTripStatus> = webhookEvent(
  'trip.status.changed',
  {
    folder: 'trip-status-changed',
    topic: topics.tripStatus,
    consumer: 'ERP order',
    effect: 'advances the order; notifies the customer',
  },
);

const fuelCreated: WebhookEvent<'fuel.transaction.created', t.PushedFuelTransaction> = webhookEvent(
  'fuel.transaction.created',
  {
    folder: 'fuel-transaction-created',
    topic: topics.fuelTransaction,
    consumer: 'fuel accounting',
    effect: 'is reconciled against fuel cards',
  },
);

const workOrderDue: WebhookEvent<'service.work_order.due', t.PushedWorkOrder> = webhookEvent(
  'service.work_order.due',
  {
    folder: 'service-work-order-due',
    topic: topics.providerWorkOrder,
    consumer: 'maintenance',
    effect: 'creates a work order in the ERP',
  },
);

const geofenceAlert: WebhookEvent<'alert.geofence.event', t.PushedGeofenceAlert> = webhookEvent(
  'alert.geofence.event',
  {
    folder: 'alert-geofence-event',
    topic: topics.providerAlert,
    consumer: 'ERP order stop',
    effect: 'marks arrival or departure; counts the dwell',
  },
);

/** Every event that may be pushed in our own format. */
export const webhookEvents = [
  locationUpdated,
  tripStatusChanged,
  fuelCreated,
  workOrderDue,
  geofenceAlert,
] as const satisfies readonly WebhookEvent<string, unknown>[];

/** A pushed event that keeps its contract; times as ms, days as days since epoch, absent as null. */
export type PushedEvent = {
  [E in (typeof webhookEvents)[number] as E['event']]: {
    readonly event: E['event'];
    readonly id: string;
    readonly data: NonNullable<ReturnType<E['read']>>;
  };
}[(typeof webhookEvents)[number]['event']];

const known: ReadonlyMap<unknown, (typeof webhookEvents)[number]> = new Map(
  webhookEvents.map((event) => [event.event, event]),
);

/** Reads one envelope `{event, id, data}`; undefined after its violations were added to `found`. */
export function readPushedEvent(
  value: unknown,
  path: string,
  found: Violation[],
): PushedEvent | undefined {
  if (!isObject(value)) {
    found.push(violation(path, 'an object {event, id, data}', value));
    return undefined;
  }
  const before = found.length;
  const prefix = path === '' ? '' : `${path}.`;
  const { event: name, id, data } = value;
  const event = known.get(name);
  if (event === undefined) {
    found.push(violation(`${prefix}event`, `one of ${[...known.keys()].join(', ')}`, name));
  }
  if (typeof id !== 'string' || !EVENT_ID.test(id)) {
    found.push(violation(`${prefix}id`, 'text of 1 to 255 printable ASCII characters', id));
  }
  const read = event?.read(data, `${prefix}data`, found);
  // Name and data come from one entry of the list, so they fit together.
  return found.length === before ? ({ event: name, id, data: read } as PushedEvent) : undefined;
}

/**
 * Reads a body: one envelope, or an array of up to 1,000 of them with different ids. `readOne` for events that
 * are wrapped otherwise.
 */
export function readPushedEvents(
  value: unknown,
  found: Violation[],
  readOne: typeof readPushedEvent = readPushedEvent,
): readonly PushedEvent[] {
  if (!Array.isArray(value)) {
    const event = readOne(value, '', found);
    return event === undefined ? [] : [event];
  }
  if (value.length === 0 || value.length > BATCH_EVENTS_MAX) {
    const message = `expected 1 to ${BATCH_EVENTS_MAX} events, found ${value.length}`;
    found.push({ path: '', message });
    return [];
  }
  const events: PushedEvent[] = [];
  const indexOfId = new Map<string, number>();
  for (let index = 0; index < value.length; index += 1) {
    const event = readOne(value[index], String(index), found);
    if (event === undefined) continue;
    const first = indexOfId.get(event.id);
    if (first === undefined) indexOfId.set(event.id, index);
    else found.push(violation(`${index}.id`, `an id of its own (${first}.id has it)`, event.id));
    events.push(event);
  }
  return events;
}
