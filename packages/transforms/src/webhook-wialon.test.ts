import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PositionRecorded, WebhookReceived } from '@waybill/contracts';
import { IPS_CONTENT_TYPE, IPS_DEVICE_HEADER, IPS_UNIT_HEADER } from '@waybill/domain';
import { transformPage, transformWebhook } from './index.ts';
import { pageOf, requestOf } from './page-fixture.ts';

const address = { topic: 'raw', partition: 0, offset: 1 };

function idsOf(events: readonly { readonly value: unknown }[]): string[] {
  return events.map(({ value }) => (value as PositionRecorded).event_id);
}

const message = {
  t: 1_760_000_001,
  f: 3,
  tp: 'ud',
  rt: 1_760_000_003,
  pos: { y: 52.100_004_4, x: 21.000_014_9, s: 64, c: 180, z: 110, sc: 11 },
  i: 1,
  p: { pwr_ext: 13.9, avl_driver: 'FF01' },
};

/** What the provider prints for the message: minutes of four decimals. */
const PACKET =
  '#D#091025;085321;5206.0003;N;02100.0009;E;64;180;110;11;NA;1;NA;;FF01;pwr_ext:2:13.9;';

/** A packet with its checksum; the transformer asks for it no more. */
const ipsOf = (packet: string): WebhookReceived =>
  requestOf(`${packet}0000`, {
    verdict: 'UNSIGNED',
    content_type: IPS_CONTENT_TYPE,
    headers: { [IPS_DEVICE_HEADER]: '350000000005014', [IPS_UNIT_HEADER]: 'wialon:7001' },
  });

test('a fix has one id, whether feed, interval, notification or retranslator gives it', () => {
  const interval = pageOf({ body: Buffer.from(JSON.stringify([message])) });
  const feed = pageOf({
    call: 'avl_evts',
    unit: null,
    body: Buffer.from(JSON.stringify({ tm: 1, events: [{ i: 7001, t: 'm', d: message }] })),
  });
  const text = `{"wialon_notification":"Speeding","unit":7001,"t":"1760000001","lat":52.1000044,"lon":"21.0000149"}`;
  const form =
    'unit=7001&name=Truck+7&t=1760000001&lat=52.1000044&lon=21.0000149&speed=64&rule=Speeding%20%26%20more';
  const asForm = {
    verdict: 'UNSIGNED',
    content_type: 'application/x-www-form-urlencoded; charset=UTF-8',
  } as const;
  const [id] = idsOf(transformPage(interval, address).events);
  assert.ok(id);
  assert.deepEqual(idsOf(transformPage(feed, address).events), [id]);
  for (const request of [
    requestOf(text, { verdict: 'UNSIGNED' }),
    requestOf(text, asForm),
    requestOf(form, asForm),
    ipsOf(PACKET),
    ipsOf(PACKET.replace('#D#', '#B#').replace(/;$/, '|')),
  ]) {
    const { events, rejections } = transformWebhook(request, address);
    assert.deepEqual(rejections, []);
    assert.deepEqual(idsOf(events), [id], request.body.toString());
  }
});

test('a retranslated message says what the same message of the account says', () => {
  const sensor = {
    ...{ sensor_id: 1, name: 'Ignition', sensor_type: 'engine operation', metric: 'On/Off' },
    ...{ parameter: 'in1', flags: 1, lower_bound: null, upper_bound: null },
    ...{ validation_type: 0, validator_id: 0, calibration: [] },
  };
  const sensorsOf = () => [sensor];
  const interval = pageOf({ body: Buffer.from(JSON.stringify([message])) });
  const [pulled] = transformPage(interval, address, sensorsOf).events;
  const [pushed] = transformWebhook(ipsOf(PACKET), address, sensorsOf).events;
  const [own, other] = [pulled?.value, pushed?.value].map((value) => value as PositionRecorded);
  assert.ok(own && other);
  assert.equal(own.ignition, true);
  assert.ok(Math.abs(own.latitude - other.latitude) < 1e-6);
  assert.ok(Math.abs(own.longitude - other.longitude) < 1e-6);
  const place = { latitude: 0, longitude: 0 };
  // The protocol has no registration time: that of receipt stands for it.
  const time = { provider_time: 0 };
  assert.deepEqual({ ...other, ...place, ...time }, { ...own, ...place, ...time });
});

test('a message of a black box that cannot be read is refused; its neighbours pass', () => {
  const good = '091025;085321;5206.0003;N;02100.0009;E;64;180;110;11';
  const body = `#B#${good}|091325;085321;5206.0003;N;02100.0009;E;64;180;110;11|NA;NA;9106.0;N;02100.0;E;1;1;1;1|a;b|${good}|`;
  const { events, rejections } = transformWebhook(ipsOf(body), address);
  assert.equal(events.length, 2);
  assert.deepEqual(
    rejections.map(({ index, code, unit }) => [index, code, unit]),
    [
      [1, 'TIME_INVALID', 'wialon:7001'],
      [2, 'POSITION_INVALID', 'wialon:7001'],
      [3, 'MESSAGE_MALFORMED', 'wialon:7001'],
    ],
  );
  assert.equal(rejections[2]?.original?.toString(), 'a;b');
});

test('a packet without a time was measured when it came; one without a place may hold signals', () => {
  const [event] = transformWebhook(
    ipsOf('#SD#NA;NA;5206.0003;N;02100.0009;E;64;180;110;11;'),
    address,
  ).events;
  assert.ok(event?.contract === 'PositionRecorded');
  assert.equal(event.value.event_time, 1_760_000_100_000);
  const none = transformWebhook(ipsOf('#SD#NA;NA;NA;NA;NA;NA;NA;NA;NA;NA;'), address);
  assert.deepEqual(none.skipped, [{ reason: 'no_position', count: 1 }]);
});

test('a notification about no place, such as an outage, is skipped and counted', () => {
  const form = 'unit=7001&t=1760000001&lat=&lon=&rule=Outage';
  const { events, rejections, skipped } = transformWebhook(
    requestOf(form, { content_type: 'application/x-www-form-urlencoded' }),
    address,
  );
  assert.deepEqual([events, rejections], [[], []]);
  assert.deepEqual(skipped, [{ reason: 'no_position', count: 1 }]);
});

test('a notification without unit, time or place is refused with every mistake', () => {
  const text = '{"wialon_notification":"x","unit":"","t":"noon","lat":91,"lon":21}';
  const { rejections, events } = transformWebhook(requestOf(text), address);
  assert.deepEqual(events, []);
  assert.deepEqual(
    rejections[0]?.violations.map(({ path }) => path),
    ['unit', 't', 'lat'],
  );
});
