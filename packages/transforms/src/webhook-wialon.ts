import { recordFix } from './fix.ts';
import { isObject } from './json.ts';
import { skip, type Verdict } from './transformed.ts';
import { measured, requiredFields } from './vendor-fields.ts';
import type { PushContext, WebhookAdapter } from './webhook-adapter.ts';
import { wialonUnit } from './wialon-items.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Tags come as text when the author put them between quotes. */
function unquoted(fields: Fields): Fields {
  const isNumber = (value: unknown): value is string =>
    typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isNumber(value) ? Number(value) : value]),
  );
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === '';

/**
 * A Wialon notification of type push_messages. Its body is the notification's text with the tags replaced,
 * and the author of the text writes one of these (fact sheet 12.4):
 * `{"wialon_notification":"%NOTIFICATION%","unit":%UNIT_ID%,"t":%MSG_TIME_INT%,"lat":%LATD%,"lon":%LOND%}`,
 * `unit=%UNIT_ID%&t=%MSG_TIME_INT%&lat=%LATD%&lon=%LOND%&rule=%NOTIFICATION%`.
 * It says where a unit was at a device second: the same fix as the message that the account gives, with the
 * same id. A push is a hint: it proves nothing about completeness, and gives no registration time.
 */
function readNotification(body: Fields, context: PushContext): Verdict {
  const fields = unquoted(body);
  // A rule about an outage, or a unit that never had a position, has no fix to tell of.
  if (isAbsent(fields['lat']) && isAbsent(fields['lon'])) return skip('no_position');
  const read = requiredFields(fields, '');
  const [unit, eventTime] = [read.id('unit'), read.instant('t')];
  const [latitude, longitude] = [read.latitude('lat'), read.longitude('lon')];
  const refused = read.refusal();
  if (refused !== undefined) return refused;
  const { tenant_id: tenantId, received_time: receivedTime } = context.request;
  return recordFix(
    {
      unit: wialonUnit(Number(unit)),
      eventTime,
      providerTime: null,
      latitude,
      longitude,
      speedKmh: measured(fields['speed'], 0, 400),
    },
    { tenantId, receivedTime, address: context.address, index: context.index },
  );
}

/** Notifications that Wialon pushes. */
export const wialonAdapter: WebhookAdapter = {
  name: 'wialon/notification',
  version: 1,
  recognises: (body) =>
    isObject(body) && ('wialon_notification' in body || 'rule' in body) && 'unit' in body,
  within: [],
  parts: (body) => [{ key: undefined, value: body }],
  read: ({ value }, context) => readNotification(isObject(value) ? value : {}, context),
};
