import { recordFix } from './fix.ts';
import { isObject, violation } from './json.ts';
import { reject, skip, type Verdict } from './transformed.ts';
import { measured, requiredFields } from './vendor-fields.ts';
import { elements, type PushContext, type WebhookAdapter } from './webhook-adapter.ts';

/** A LogRecord: device {id}, dateTime, latitude, longitude, speed (km/h). Other feed records have no latitude. */
function readRecord(record: unknown, context: PushContext): Verdict {
  if (!isObject(record)) {
    return reject('MESSAGE_MALFORMED', [violation('', 'a feed record', record)]);
  }
  if (record['latitude'] === undefined) return skip('other_message_type');
  const read = requiredFields(record, '');
  const device = requiredFields(isObject(record['device']) ? record['device'] : {}, 'device');
  const [id, eventTime] = [device.id('id'), read.instant('dateTime')];
  const [latitude, longitude] = [read.latitude('latitude'), read.longitude('longitude')];
  const refused = device.refusal() ?? read.refusal();
  if (refused !== undefined) return refused;
  const { tenant_id: tenantId, source_id: sourceId, received_time: receivedTime } = context.request;
  const speedKmh = measured(record['speed'], 0, 400);
  return recordFix(
    { unit: `${sourceId}:${id}`, eventTime, providerTime: null, latitude, longitude, speedKmh },
    { tenantId, receivedTime, address: context.address, index: context.index },
  );
}

function feedOf(body: unknown): readonly unknown[] | undefined {
  const result = isObject(body) ? body['result'] : undefined;
  const feed = isObject(result) ? result['data'] : undefined;
  return Array.isArray(feed) ? feed : undefined;
}

/** The answer of Geotab's GetFeed as a poller forwards it: `{jsonrpc, result: {data, toVersion}}`. */
export const geotabAdapter: WebhookAdapter = {
  name: 'geotab/feed',
  version: 1,
  recognises: (body) => feedOf(body) !== undefined,
  within: ['result', 'data'],
  parts: (body) => elements(feedOf(body) ?? []),
  read: ({ value }, context) => readRecord(value, context),
};
