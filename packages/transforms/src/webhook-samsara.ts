import { isObject, violation } from './json.ts';
import { recordAlert, recordTripStatus } from './pushed-facts.ts';
import { reject, skip, type Verdict } from './transformed.ts';
import { requiredFields } from './vendor-fields.ts';
import { elements, type PushContext, type WebhookAdapter } from './webhook-adapter.ts';

type Fields = Readonly<Record<string, unknown>>;

const CROSSINGS = [
  ['geofenceEntry', 'geofence_enter'],
  ['geofenceExit', 'geofence_exit'],
] as const;

const STOPS = [
  ['RouteStopArrival', 'arrived', 'actualArrivalTime'],
  ['RouteStopDeparture', 'departed', 'actualDepartureTime'],
] as const;

function member(value: unknown, name: string): Fields {
  const inner = isObject(value) ? value[name] : undefined;
  return isObject(inner) ? inner : {};
}

/** A condition of an AlertIncident: details {geofenceEntry | geofenceExit: {vehicle {id}, address {id}}}. */
function readCondition(condition: unknown, context: PushContext): Verdict {
  const details = member(condition, 'details');
  const crossing = CROSSINGS.find(([name]) => details[name] !== undefined);
  if (crossing === undefined) return skip('other_event');
  const [name, alert] = crossing;
  const vehicle = requiredFields(member(details[name], 'vehicle'), `details.${name}.vehicle`);
  const address = requiredFields(member(details[name], 'address'), `details.${name}.address`);
  const incident = requiredFields(member(context.body, 'data'), 'data');
  const { source_id: sourceId } = context.request;
  const fact = {
    unit: `${sourceId}:${vehicle.id('id')}`,
    alert,
    geofenceId: `${sourceId}:${address.id('id')}`,
    eventTime: incident.instant('happenedAtTime'),
  };
  return vehicle.refusal() ?? address.refusal() ?? incident.refusal() ?? recordAlert(fact, context);
}

/** A stop of a route: data {time, route {id}, routeStopDetails {id, actualArrivalTime}}. */
function readStop(body: Fields, context: PushContext): Verdict {
  const stop = STOPS.find(([type]) => type === body['eventType']);
  if (stop === undefined) return skip('other_event');
  const [, status, timeName] = stop;
  const data = member(body, 'data');
  const details = member(data, 'routeStopDetails');
  const exact = details[timeName] !== undefined;
  const route = requiredFields(member(data, 'route'), 'data.route');
  const place = requiredFields(details, 'data.routeStopDetails');
  const time = exact ? place : requiredFields(data, 'data');
  const fact = {
    tripId: route.id('id'),
    status,
    siteId: place.id('id'),
    eventTime: time.instant(exact ? timeName : 'time'),
  };
  return route.refusal() ?? place.refusal() ?? time.refusal() ?? recordTripStatus(fact, context);
}

function incidentOf(body: unknown): readonly unknown[] | undefined {
  const conditions = member(body, 'data')['conditions'];
  return Array.isArray(conditions) ? conditions : undefined;
}

function isSamsara(body: unknown): body is Fields {
  return isObject(body) && typeof body['eventType'] === 'string' && 'eventId' in body;
}

/** Samsara's AlertIncident of version 2021-06-09: every condition is an element. */
export const samsaraIncidentAdapter: WebhookAdapter = {
  name: 'samsara/alert-incident',
  version: 1,
  recognises: (body) => isSamsara(body) && incidentOf(body) !== undefined,
  within: ['data', 'conditions'],
  parts: (body) => elements(incidentOf(body) ?? []),
  read: ({ value }, context) => readCondition(value, context),
};

/** All other events of Samsara: one element. */
export const samsaraAdapter: WebhookAdapter = {
  name: 'samsara/event',
  version: 1,
  recognises: isSamsara,
  within: [],
  parts: (body) => [{ key: undefined, value: body }],
  read: ({ value }, context) =>
    isObject(value)
      ? readStop(value, context)
      : reject('WEBHOOK_MALFORMED', [violation('', 'an event object', value)]),
};
