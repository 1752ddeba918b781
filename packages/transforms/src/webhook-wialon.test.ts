import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PositionRecorded } from '@waybill/contracts';
import { transformPage, transformWebhook } from './index.ts';
import { pageOf, requestOf } from './page-fixture.ts';

const address = { topic: 'raw', partition: 0, offset: 1 };

function idsOf(events: readonly { readonly value: unknown }[]): string[] {
  return events.map(({ value }) => (value as PositionRecorded).event_id);
}

test('a fix has one id, whether the account gives it by feed, by interval, or a notification pushes it', () => {
  const message = {
    t: 1_760_000_001,
    f: 3,
    tp: 'ud',
    rt: 1_760_000_003,
    pos: { y: 52.100004, x: 21.000001, s: 64, c: 180, z: 110, sc: 11 },
    p: {},
  };
  const interval = pageOf({ body: Buffer.from(JSON.stringify([message])) });
  const feed = pageOf({
    call: 'avl_evts',
    unit: null,
    body: Buffer.from(JSON.stringify({ tm: 1, events: [{ i: 7001, t: 'm', d: message }] })),
  });
  const text =
    '{"wialon_notification":"Speeding","unit":7001,"t":"1760000001","lat":52.1,"lon":"21.0"}';
  const pushed = transformWebhook(requestOf(text, { verdict: 'UNSIGNED' }), address);
  const [id] = idsOf(transformPage(interval, address).events);
  assert.ok(id);
  assert.deepEqual(idsOf(transformPage(feed, address).events), [id]);
  assert.deepEqual(idsOf(pushed.events), [id]);
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
