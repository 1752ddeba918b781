import { instantOf } from '@waybill/domain';
import { recordFix, recordSignals, type Signals } from './fix.ts';
import { isObject, violation } from './json.ts';
import { reject, type Verdict } from './transformed.ts';
import { measured, requiredFields } from './vendor-fields.ts';
import { elements, type PushContext, type WebhookAdapter } from './webhook-adapter.ts';

/** What stands beside the position; units are those of the parameter list. */
function signalsOf(message: Readonly<Record<string, unknown>>): Signals {
  const ignition = message['engine.ignition.status'];
  return {
    ignition: typeof ignition === 'boolean' ? ignition : null,
    engineRpm: measured(message['can.engine.rpm'], 0, 20_000),
    fuelLevelL: measured(message['can.fuel.volume'], 0, 10_000),
    fuelLevelPercent: measured(message['can.fuel.level'], 0, 100),
    odometerKm: measured(message['vehicle.mileage'], 0, 1e7),
    engineHoursH: measured(message['engine.motorhours'], 0, 1e6),
  };
}

/**
 * A flat message: ident, timestamp and server.timestamp (s, with fractions), position.latitude,
 * position.longitude, position.altitude (m), position.speed (km/h), position.direction,
 * position.satellites, engine.ignition.status, can.engine.rpm, can.fuel.volume (l), can.fuel.level (%),
 * vehicle.mileage (km), engine.motorhours (h). Many messages carry no position: what they say is kept.
 */
function readMessage(message: unknown, context: PushContext): Verdict {
  if (!isObject(message)) {
    return reject('MESSAGE_MALFORMED', [violation('', 'a message object', message)]);
  }
  const read = requiredFields(message, '');
  const [ident, eventTime] = [read.id('ident'), read.instant('timestamp')];
  const { tenant_id: tenantId, source_id: sourceId, received_time: receivedTime } = context.request;
  const origin = { tenantId, receivedTime, address: context.address, index: context.index };
  const about = {
    unit: `${sourceId}:${ident}`,
    eventTime,
    providerTime: instantOf(message['server.timestamp']) ?? null,
    ...signalsOf(message),
  };
  if (message['position.latitude'] === undefined) {
    return read.refusal() ?? recordSignals(about, origin);
  }
  const latitude = read.latitude('position.latitude');
  const longitude = read.longitude('position.longitude');
  const refused = read.refusal();
  if (refused !== undefined) return refused;
  const satellites = measured(message['position.satellites'], 0, 254);
  return recordFix(
    {
      ...about,
      latitude,
      longitude,
      altitudeM: measured(message['position.altitude'], -1e9, 1e9),
      speedKmh: measured(message['position.speed'], 0, 400),
      courseDeg: measured(message['position.direction'], 0, 360),
      satellites: satellites !== null && Number.isInteger(satellites) ? satellites : null,
    },
    origin,
  );
}

/** flespi's HTTP stream: an array of flat messages. */
export const flespiAdapter: WebhookAdapter = {
  name: 'flespi/stream',
  version: 1,
  recognises: (body) =>
    Array.isArray(body) && isObject(body[0]) && 'ident' in body[0] && 'timestamp' in body[0],
  within: [],
  parts: (body) => (Array.isArray(body) ? elements(body) : []),
  read: ({ value }, context) => readMessage(value, context),
};
