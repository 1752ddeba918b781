import { instantOf } from '@waybill/domain';
import { recordFix } from './fix.ts';
import { isObject, violation } from './json.ts';
import { reject, skip, type Verdict } from './transformed.ts';
import { measured, requiredFields } from './vendor-fields.ts';
import { elements, type PushContext, type WebhookAdapter } from './webhook-adapter.ts';

/**
 * A flat message: ident, timestamp and server.timestamp (s, with fractions), position.latitude,
 * position.longitude, position.altitude (m), position.speed (km/h), position.direction,
 * position.satellites, engine.ignition.status, vehicle.mileage (km). Many messages carry no position.
 */
function readMessage(message: unknown, context: PushContext): Verdict {
  if (!isObject(message)) {
    return reject('MESSAGE_MALFORMED', [violation('', 'a message object', message)]);
  }
  if (message['position.latitude'] === undefined) return skip('no_position');
  const read = requiredFields(message, '');
  const [ident, eventTime] = [read.id('ident'), read.instant('timestamp')];
  const latitude = read.latitude('position.latitude');
  const longitude = read.longitude('position.longitude');
  const refused = read.refusal();
  if (refused !== undefined) return refused;
  const satellites = measured(message['position.satellites'], 0, 254);
  const ignition = message['engine.ignition.status'];
  const { tenant_id: tenantId, source_id: sourceId, received_time: receivedTime } = context.request;
  return recordFix(
    {
      unit: `${sourceId}:${ident}`,
      eventTime,
      providerTime: instantOf(message['server.timestamp']) ?? null,
      latitude,
      longitude,
      altitudeM: measured(message['position.altitude'], -1e9, 1e9),
      speedKmh: measured(message['position.speed'], 0, 400),
      courseDeg: measured(message['position.direction'], 0, 360),
      satellites: satellites !== null && Number.isInteger(satellites) ? satellites : null,
      ignition: typeof ignition === 'boolean' ? ignition : null,
      odometerKm: measured(message['vehicle.mileage'], 0, 1e7),
    },
    { tenantId, receivedTime, address: context.address, index: context.index },
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
