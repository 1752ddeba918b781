import { instantOf, round } from '@waybill/domain';
import { recordFix } from './fix.ts';
import { isObject } from './json.ts';
import { recordAlert } from './pushed-facts.ts';
import { skip, type Verdict } from './transformed.ts';
import { measured, requiredFields } from './vendor-fields.ts';
import type { BodyPart, PushContext, WebhookAdapter } from './webhook-adapter.ts';

type Fields = Readonly<Record<string, unknown>>;

const KMH_PER_KNOT = 1.852;

const ALERTS: ReadonlyMap<unknown, 'geofence_enter' | 'geofence_exit'> = new Map([
  ['geofenceEnter', 'geofence_enter'],
  ['geofenceExit', 'geofence_exit'],
]);

/**
 * `position`: deviceId, fixTime and serverTime (ISO 8601), latitude, longitude, altitude (m), speed
 * (knots), course, valid, outdated (the last fix repeated for a message without one), attributes:
 * ignition, rpm, fuel (l), fuelLevel (%), odometer (m), hours (ms), driverUniqueId.
 */
function readPosition(position: Fields, context: PushContext): Verdict {
  if (position['valid'] === false || position['outdated'] === true) return skip('no_position');
  const read = requiredFields(position, 'position');
  const [device, eventTime] = [read.id('deviceId'), read.instant('fixTime')];
  const [latitude, longitude] = [read.latitude('latitude'), read.longitude('longitude')];
  const refused = read.refusal();
  if (refused !== undefined) return refused;
  const attributes = isObject(position['attributes']) ? position['attributes'] : {};
  const { ignition, odometer, hours, driverUniqueId: driver } = attributes;
  const knots = measured(position['speed'], 0, 400 / KMH_PER_KNOT);
  const meters = measured(odometer, 0, 1e10);
  const running = measured(hours, 0, 3.6e12);
  const { tenant_id: tenantId, source_id: sourceId, received_time: receivedTime } = context.request;
  return recordFix(
    {
      unit: `${sourceId}:${device}`,
      eventTime,
      providerTime: instantOf(position['serverTime']) ?? null,
      latitude,
      longitude,
      altitudeM: measured(position['altitude'], -1e9, 1e9),
      speedKmh: knots === null ? null : round(knots * KMH_PER_KNOT, 3),
      courseDeg: measured(position['course'], 0, 360),
      ignition: typeof ignition === 'boolean' ? ignition : null,
      engineRpm: measured(attributes['rpm'], 0, 20_000),
      fuelLevelL: measured(attributes['fuel'], 0, 10_000),
      fuelLevelPercent: measured(attributes['fuelLevel'], 0, 100),
      odometerKm: meters === null ? null : meters / 1000,
      engineHoursH: running === null ? null : running / 3_600_000,
      driverCode: typeof driver === 'string' && driver !== '' ? driver : null,
    },
    { tenantId, receivedTime, address: context.address, index: context.index },
  );
}

/** `event`: type, deviceId, geofenceId, eventTime. Types other than geofence crossings are left out. */
function readEvent(event: Fields, context: PushContext): Verdict {
  const alert = ALERTS.get(event['type']);
  if (alert === undefined) return skip('other_event');
  const read = requiredFields(event, 'event');
  const [device, geofence] = [read.id('deviceId'), read.id('geofenceId')];
  const eventTime = read.instant('eventTime');
  const { source_id: sourceId } = context.request;
  const [unit, geofenceId] = [`${sourceId}:${device}`, `${sourceId}:${geofence}`];
  return read.refusal() ?? recordAlert({ unit, alert, geofenceId, eventTime }, context);
}

/** Traccar's position forwarding `{position, device}` and event forwarding `{event, position?, device}`. */
export const traccarAdapter: WebhookAdapter = {
  name: 'traccar/forward',
  version: 1,
  recognises: (body) =>
    isObject(body) &&
    isObject(body['device']) &&
    (isObject(body['position']) || isObject(body['event'])),
  within: [],
  parts: (body) =>
    ['position', 'event'].flatMap((key): BodyPart[] => {
      const value = isObject(body) ? body[key] : undefined;
      return isObject(value) ? [{ key, value }] : [];
    }),
  read: ({ key, value }, context) => {
    const fields = isObject(value) ? value : {};
    return key === 'event' ? readEvent(fields, context) : readPosition(fields, context);
  },
};
