import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webhookEvents } from '@waybill/contracts';
import * as fc from 'fast-check';
import { checkBody, type BodyFormat } from './body-check.ts';

function check(value: unknown, format: BodyFormat = 'waybill'): ReturnType<typeof checkBody> {
  return checkBody(Buffer.from(JSON.stringify(value)), format);
}

function violations(value: unknown): Record<string, string> {
  const result = check(value);
  assert.equal(result.kind, 'refused');
  assert.equal(result.code, 'EVENT_INVALID');
  return Object.fromEntries(
    (result.violations ?? []).map(({ path, message }) => [path, message] as const),
  );
}

const [location, trip, fuel, workOrder, geofence] = webhookEvents.map(
  (event) => event.example as { event: string; id: string; data: Record<string, unknown> },
);
assert.ok(location && trip && fuel && workOrder && geofence);
const all = [location, trip, fuel, workOrder, geofence];

for (const example of all) {
  test(`the example of ${example.event} is valid, alone and in a batch, with further fields too`, () => {
    assert.deepEqual(check(example), { kind: 'valid', accepted: example.id });
    assert.deepEqual(check([example]), { kind: 'valid', accepted: 1 });
    const more = { ...example, source: 'x', data: { ...example.data, note: 'ü' } };
    assert.deepEqual(check(more), { kind: 'valid', accepted: example.id });
  });

  test(`every field of ${example.event} that is missing or of another type is named`, () => {
    for (const [name, value] of Object.entries(example.data)) {
      const path = `data.${name}`;
      for (const wrong of [{}, [], true, typeof value === 'string' ? 5.5 : 'x']) {
        // A count since 1970 is a time too.
        if (name === 'ts' && wrong === 5.5) continue;
        const found = violations({ ...example, data: { ...example.data, [name]: wrong } });
        assert.deepEqual(Object.keys(found), [path]);
      }
    }
  });
}

test('every violation is listed with path, what was expected and what was found', () => {
  assert.deepEqual(
    violations({
      event: 'trip.status.changed',
      data: { trip_id: '', status: 'gone', site_id: 7 },
    }),
    {
      id: 'expected text of 1 to 255 printable ASCII characters, found nothing',
      'data.trip_id': 'expected text like ^[A-Za-z0-9._-]{1,64}$, found ""',
      'data.status':
        'expected one of planned, started, arrived, departed, completed, cancelled, found "gone"',
      'data.site_id': 'expected text, found 7',
      'data.ts':
        'expected an ISO 8601 instant with its offset, or seconds or ms since 1970, found nothing',
    },
  );
});

const ranges: readonly [(typeof all)[number], Record<string, unknown>, readonly string[]][] = [
  [location, { lat: 90.1, lon: -180.1 }, ['data.lat', 'data.lon']],
  [location, { speed: -1 }, ['data.speed']],
  [location, { speed: 401 }, ['data.speed']],
  [location, { speed: null }, []],
  [location, { vehicle_id: 'a/b' }, ['data.vehicle_id']],
  [location, { vehicle_id: 'wialon:7001' }, []],
  [location, { ts: '2025-10-29T14:00:00' }, ['data.ts']],
  [fuel, { liters: 0 }, ['data.liters']],
  [fuel, { liters: 10.1234 }, ['data.liters']],
  [fuel, { amount: -0.01 }, ['data.amount']],
  [fuel, { amount: 9_999_999.999 }, []],
  [fuel, { currency: 'aed' }, ['data.currency']],
  [workOrder, { due_date: '2025-02-30' }, ['data.due_date']],
  [workOrder, { due_date: null, meter: null }, ['data']],
  [workOrder, { due_date: null }, []],
  [workOrder, { meter_unit: 'miles' }, ['data.meter_unit']],
  [geofence, { direction: 'inside' }, ['data.direction']],
  [geofence, { direction: 'UNKNOWN' }, ['data.direction']],
];
for (const [example, change, paths] of ranges) {
  test(`${example.event} with ${JSON.stringify(change)}: ${paths.join() || 'valid'}`, () => {
    const value = { ...example, data: { ...example.data, ...change } };
    if (paths.length === 0) assert.equal(check(value).kind, 'valid');
    else assert.deepEqual(Object.keys(violations(value)), paths);
  });
}

test('an unknown event and what is no envelope are one violation', () => {
  assert.match(violations({ ...trip, event: 'trip.done' })['event'] ?? '', /one of vehicle/);
  for (const value of [null, 5, 'text']) assert.deepEqual(Object.keys(violations(value)), ['']);
  for (const data of [null, 5, [trip.data], undefined]) {
    assert.deepEqual(Object.keys(violations({ ...trip, data })), ['data']);
  }
});

test('a batch is refused as a whole, with the place of every violation', () => {
  const bad = { ...trip, id: 'b', data: { ...trip.data, ts: 'today' } };
  const found = violations([{ ...trip, id: 'a' }, bad, 7, { ...trip, id: 'a' }]);
  assert.deepEqual(Object.keys(found).toSorted(), ['1.data.ts', '2', '3.id']);
  assert.equal(found['3.id'], 'expected an id of its own (0.id has it), found "a"');
});

test('a batch holds 1 to 1,000 events', () => {
  const batch = (n: number): unknown =>
    Array.from({ length: n }, (_, i) => ({ ...trip, id: `${i}` }));
  assert.deepEqual(check(batch(1000)), { kind: 'valid', accepted: 1000 });
  assert.deepEqual(violations(batch(1001)), { '': 'expected 1 to 1000 events, found 1001' });
  assert.deepEqual(violations([]), { '': 'expected 1 to 1000 events, found 0' });
});

test('the list of violations ends at 1,000', () => {
  const result = check(Array.from({ length: 1000 }, () => ({})));
  assert.equal(result.kind === 'refused' && result.violations?.length, 1000);
});

test('of a vendor’s body only the shape is checked', () => {
  assert.deepEqual(check({ eventType: 'Ping' }, 'vendor'), { kind: 'valid', accepted: 1 });
  assert.deepEqual(check([{ ident: '1' }, 5], 'vendor'), { kind: 'valid', accepted: 2 });
  for (const scalar of [null, 5, 'text', true]) {
    const result = check(scalar, 'vendor');
    assert.equal(result.kind === 'refused' && result.code, 'BODY_MALFORMED');
  }
  const broken = checkBody(Buffer.from('{"a":1,"a":2}'), 'vendor');
  assert.equal(broken.kind === 'refused' && broken.code, 'BODY_MALFORMED');
});

test('a vendor may send a form, and JSON that it calls a form; our own senders may not', () => {
  const form = 'application/x-www-form-urlencoded';
  const verdict = (body: string | Buffer, type?: string, format: BodyFormat = 'vendor') =>
    checkBody(Buffer.from(body), format, type === undefined ? {} : { 'content-type': type });
  const valid = { kind: 'valid', accepted: 1 };
  const text = 'unit=7001&t=1760000001&lat=52.1&lon=21&zone=Hof №2&rule=';
  assert.deepEqual(verdict(text, form), valid);
  assert.deepEqual(verdict(text, `${form}; charset=utf-8`), valid);
  assert.deepEqual(verdict('{"wialon_notification":"x","unit":7001}', form), valid);
  const refused = [
    verdict(text),
    verdict(text, 'application/json'),
    verdict(text, undefined, 'waybill'),
    verdict('unit', form),
    verdict('=7001', form),
    verdict('{"unit":7001', form),
    verdict('unit=\u0000', form),
    verdict(Buffer.from([0x61, 0x3d, 0xff]), form),
    verdict(Array.from({ length: 1001 }, () => 'a=1').join('&'), form),
  ];
  for (const result of refused) {
    assert.equal(result.kind === 'refused' && result.code, 'BODY_MALFORMED');
  }
});

const types: readonly [type: string | undefined, taken: boolean][] = [
  [undefined, true],
  ['application/json', true],
  ['Application/JSON; charset=UTF-8', true],
  ['application/json; charset="utf-8"; profile=x', true],
  ['application/vnd.example+json', true],
  ['', false],
  ['text/plain', false],
  ['application/jsonx', false],
  ['application/x-www-form-urlencoded', false],
  ['multipart/form-data; boundary=x', false],
  ['application/json; charset=iso-8859-1', false],
  ['application/json;charset=utf-8x', false],
];
for (const [type, taken] of types) {
  test(`our own event sent as ${type ?? 'nothing'} is ${taken ? 'taken' : 'of a wrong type'}`, () => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const body = Buffer.from(JSON.stringify(trip));
    const result = checkBody(body, 'waybill', headers);
    if (taken) assert.equal(result.kind, 'valid');
    else assert.equal(result.kind === 'refused' && result.code, 'TYPE_UNSUPPORTED');
    assert.equal(checkBody(body, 'vendor', headers).kind, 'valid', 'a vendor cannot change it');
  });
}

const { event: ourName, ...idAndData } = trip;
const cloud = { specversion: '1.0', source: '/dispatch', type: ourName, ...idAndData };
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };

test('CloudEvents are held against the contract of what they carry', () => {
  const verdict = (value: unknown, headers: Record<string, string>): unknown => {
    const result = checkBody(Buffer.from(JSON.stringify(value)), 'waybill', headers);
    return result.kind === 'valid' ? result.accepted : result.violations?.map(({ path }) => path);
  };
  const batch = { 'content-type': 'application/cloudevents-batch+json' };
  const binary = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': 'evt%201',
    'ce-source': '/dispatch',
    'ce-type': ourName,
  };
  assert.equal(verdict(cloud, structured), cloud.id);
  assert.equal(verdict([cloud, { ...cloud, id: 'other' }], batch), 2);
  assert.equal(verdict(cloud.data, binary), 'evt 1');
  assert.deepEqual(verdict(cloud, {}), ['event'], 'only what says so is a CloudEvent');
  assert.deepEqual(verdict(trip, structured), ['specversion', 'source', 'type']);
  assert.deepEqual(verdict([cloud, cloud], batch), ['1.id']);
  assert.deepEqual(verdict([cloud, 7], batch), ['1']);
  assert.deepEqual(verdict({ ...cloud, type: 'com.example.moved' }, structured), ['type']);
  assert.deepEqual(verdict({ ...cloud, data: {} }, structured), [
    ...['data.trip_id', 'data.status', 'data.ts'],
  ]);
  assert.deepEqual(verdict({ ...cloud, data_base64: 'e30=' }, structured), ['data_base64']);
  assert.deepEqual(verdict([cloud.data], binary), ['data']);
});

test('whatever JSON arrives, there is a verdict', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom<BodyFormat>('waybill', 'vendor'), (text, format) => {
      assert.ok(checkBody(Buffer.from(text), format).kind);
    }),
  );
});
