import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { topics, webhookEvents } from '@waybill/contracts';
import { fixId } from '@waybill/domain';
import { transformWebhook, type Transformed } from './index.ts';
import { requestOf } from './page-fixture.ts';

const address = { topic: 'telematics.webhook.raw.v1', partition: 1, offset: 7 };

function push(body: unknown, fields: Parameters<typeof requestOf>[1] = {}): Transformed {
  return transformWebhook(requestOf(body, fields), address);
}

function total(result: Transformed): number {
  return (
    result.events.length +
    result.rejections.length +
    result.skipped.reduce((sum, entry) => sum + entry.count, 0)
  );
}

const status = {
  event: 'trip.status.changed',
  id: 'evt_123',
  data: { trip_id: 'T-9001', status: 'arrived', site_id: 'CUST-77', ts: '2025-10-29T14:01:00Z' },
};
const location = {
  event: 'vehicle.location.updated',
  id: 'evt_1',
  data: { vehicle_id: 'V-1', lat: 52.1, lon: 21, speed: 54, ts: '2025-10-29T14:01:00Z' },
};

test('a pushed status becomes a fact of its trip, ordered by its own time', () => {
  const event = push(status).events[0];
  assert.ok(event?.contract === 'TripStatusChanged');
  assert.equal(event.key, 'bay-cabs/push/T-9001');
  const instant = Date.parse('2025-10-29T14:01:00Z');
  assert.equal(event.value.event_time, instant);
  assert.equal(event.value.provider_time, instant);
  assert.equal(event.value.revision, instant);
  assert.equal(event.value.site_id, 'CUST-77');
  assert.equal(event.value.unit, null);
  const later = { ...status, data: { ...status.data, status: 'departed', ts: 1_761_746_460 } };
  const next = push(later).events[0];
  assert.ok(next?.contract === 'TripStatusChanged');
  assert.equal(next.value.event_id, event.value.event_id);
});

test('a fix that is pushed and pulled is one fix when its id names the unit of the other source', () => {
  const pushed = push({ ...location, data: { ...location.data, vehicle_id: 'wialon:7001' } });
  const event = pushed.events[0];
  assert.ok(event?.contract === 'PositionRecorded');
  assert.equal(event.key, 'bay-cabs/wialon:7001');
  const eventTime = Date.parse('2025-10-29T14:01:00Z');
  const unit = 'wialon:7001';
  const same = fixId({ tenantId: 'bay-cabs', unit, eventTime, latitude: 52.1, longitude: 21 });
  assert.equal(event.value.event_id, same);
  assert.equal(event.value.provider_time, 1_760_000_100_000);
});

test('one fix is one id by every way that it comes', () => {
  const at = '2025-10-29T14:01:00.000Z';
  const [latitude, longitude] = [52.1, 21];
  const bodies = [
    { ...location, data: { ...location.data, vehicle_id: '17', ts: at } },
    { device: { id: 17 }, position: { deviceId: 17, fixTime: at, latitude, longitude } },
    [
      {
        ident: '17',
        timestamp: 1_761_746_460.4,
        'position.latitude': latitude,
        'position.longitude': longitude,
      },
    ],
    { result: { data: [{ device: { id: '17' }, dateTime: at, latitude, longitude }] } },
  ];
  const ids = bodies.map((body) => {
    const event = push(body).events[0];
    return event?.contract === 'PositionRecorded' ? event.value.event_id : 'none';
  });
  assert.deepEqual(new Set(ids).size, 1, ids.join());
});

test('reminders of one work order are one entity, other due points are others', () => {
  const due = (id: string, data: object): string | undefined => {
    const event = push({
      event: 'service.work_order.due',
      id,
      data: { vehicle_id: 'V-1', task: 'oil', ...data },
    }).events[0];
    return event?.contract === 'WorkOrderReported' ? event.value.event_id : undefined;
  };
  const first = due('a', { meter: 1000 });
  assert.ok(first);
  assert.equal(due('b', { meter: 1000, meter_unit: 'km' }), first);
  assert.notEqual(due('c', { meter: 1000, meter_unit: 'h' }), first);
  assert.notEqual(due('d', { meter: 1000, due_date: '2025-11-15' }), first);
  const named = due('e', { meter: 1000, work_order_id: 'W-1' });
  assert.equal(due('f', { meter: 2000, work_order_id: 'W-1' }), named);
  assert.notEqual(named, first);
});

for (const [amount, currency, minor, digits] of [
  [310.5, 'AED', 31_050, 2],
  [310.505, 'AED', 310_505, 3],
  [1.005, 'KWD', 1005, 3],
  [1200, 'JPY', 1200, 0],
  [1200.5, 'JPY', 1_200_500, 3],
  [9_999_999.99, 'USD', 999_999_999, 2],
  [0.1, null, 100, 3],
] as const) {
  test(`${amount} ${currency ?? 'of the company'} is ${minor} with ${digits} digits`, () => {
    const data = { vehicle_id: 'V-1', liters: 1, amount, currency, ts: 1_761_746_460 };
    const event = push({ event: 'fuel.transaction.created', id: 'f', data }).events[0];
    assert.ok(event?.contract === 'FuelTransactionRecorded');
    assert.deepEqual([event.value.amount_minor, event.value.minor_digits], [minor, digits]);
  });
}

test('in a batch a bad event is refused with its own bytes and its neighbours pass', () => {
  const bad = '{"event":"trip.status.changed","id":"b" , "data":{"trip_id":"T-1","status":"lost"}}';
  const text = `[ ${JSON.stringify(status)}, ${bad},7,${JSON.stringify(location)} ]`;
  const result = push(text);
  assert.deepEqual(
    result.events.map((event) => [
      event.contract,
      'trace' in event.value && event.value.trace.index,
    ]),
    [
      ['TripStatusChanged', 0],
      ['PositionRecorded', 3],
    ],
  );
  assert.deepEqual(
    result.rejections.map(({ index, code, original }) => [index, code, original?.toString()]),
    [
      [1, 'WEBHOOK_MALFORMED', bad],
      [2, 'WEBHOOK_MALFORMED', '7'],
    ],
  );
});

const position = { deviceId: 17, fixTime: '2025-10-29T14:01:00Z', latitude: 52.1, longitude: 21 };
const traccar = (fields: object): object => ({
  device: { id: 17 },
  position: { ...position, ...fields },
});

for (const [title, body, code, index, fields] of [
  ['a body that is no JSON', 'trip=1', 'BODY_UNREADABLE', -1, {}],
  ['an event of another name', { ...status, event: 'trip.gone' }, 'EVENT_UNKNOWN', -1, {}],
  ['a body of no known sender', { hello: 1 }, 'EVENT_UNKNOWN', -1, {}],
  ['an array of no known sender', ['fault_code_closed'], 'EVENT_UNKNOWN', -1, {}],
  ['no data', { ...status, data: null }, 'WEBHOOK_MALFORMED', -1, {}],
  ['no id', { ...status, id: undefined }, 'WEBHOOK_MALFORMED', -1, {}],
  [
    'a status off the ladder',
    { ...status, data: { ...status.data, status: 'lost' } },
    'STATUS_UNKNOWN',
    -1,
    {},
  ],
  [
    'a local time',
    { ...status, data: { ...status.data, ts: '2025-10-29T14:01:00' } },
    'TIME_INVALID',
    -1,
    {},
  ],
  [
    'a trip id with a space',
    { ...status, data: { ...status.data, trip_id: 'T 1' } },
    'WEBHOOK_MALFORMED',
    -1,
    {},
  ],
  [
    'a latitude beyond the pole',
    { ...location, data: { ...location.data, lat: 91 } },
    'POSITION_INVALID',
    -1,
    {},
  ],
  ['a signature that nobody judged', status, 'WEBHOOK_UNVERIFIED', -1, { verdict: 'UNKNOWN' }],
  ['a Traccar fix without device', traccar({ deviceId: null }), 'UNIT_UNKNOWN', 0, {}],
  ['a Traccar fix without time', traccar({ fixTime: 'today' }), 'TIME_INVALID', 0, {}],
  ['a Traccar fix with text', traccar({ latitude: '52.1' }), 'POSITION_INVALID', 0, {}],
  [
    'a Traccar crossing of no geofence',
    { device: {}, event: { type: 'geofenceEnter', deviceId: 1, eventTime: 1_761_746_460 } },
    'UNIT_UNKNOWN',
    0,
    {},
  ],
  [
    'a Samsara stop without route',
    { eventType: 'RouteStopArrival', eventId: '1', data: { routeStopDetails: { id: '1' } } },
    'UNIT_UNKNOWN',
    -1,
    {},
  ],
  [
    'a Geotab record without device',
    { result: { data: [{ latitude: 1, longitude: 1, dateTime: '2025-10-29T14:01:00Z' }] } },
    'UNIT_UNKNOWN',
    0,
    {},
  ],
] as const) {
  test(`a request with ${title} is refused as ${code}`, () => {
    const result = push(body, fields);
    assert.equal(total(result), 1);
    assert.equal(result.rejections[0]?.code, code);
    assert.equal(result.rejections[0]?.index, index);
    assert.equal(result.rejections[0].kind, 'verdict' in fields ? 'refused' : 'malformed');
  });
}

const cloud = (event: { event: string; id: string; data: object }): object => {
  const { event: type, ...rest } = event;
  return { specversion: '1.0', source: '/dispatch', type, ...rest };
};

test('CloudEvents become the facts that our envelopes would, however they are packed', () => {
  const whole = { content_type: 'application/cloudevents+json; charset=utf-8' };
  const batch = { content_type: 'application/cloudevents-batch+json' };
  for (const { example } of webhookEvents) {
    const ours = example as { event: string; id: string; data: object };
    const expected = push(ours).events;
    assert.equal(expected.length, 1);
    assert.deepEqual(push(cloud(ours), whole).events, expected);
    assert.deepEqual(push([cloud(ours)], batch).events, expected);
    const binary = {
      'ce-specversion': '1.0',
      'ce-id': encodeURIComponent(ours.id),
      'ce-source': '/dispatch',
      'ce-type': ours.event,
    };
    assert.deepEqual(push(ours.data, { headers: binary }).events, expected);
  }
});

test('a CloudEvent that is not ours is refused by its type, its neighbours pass', () => {
  const foreign = cloud({ event: 'com.example.moved', id: '1', data: {} });
  const type = { content_type: 'application/cloudevents-batch+json' };
  const { events, rejections } = push([cloud(status), foreign], type);
  assert.equal(events.length, 1);
  const [refused] = rejections;
  assert.deepEqual([refused?.code, refused?.index], ['EVENT_UNKNOWN', 1]);
  assert.match(refused?.message ?? '', /at type: .*found "com\.example\.moved"/);
  assert.deepEqual(JSON.parse(refused?.original?.toString() ?? ''), foreign);
  const alone = push(foreign, { content_type: 'application/cloudevents+json' });
  assert.equal(alone.rejections[0]?.code, 'EVENT_UNKNOWN');
});

test('a Traccar fix that is invalid or outdated is left out, a wild speed does not cost the fix', () => {
  for (const fields of [{ valid: false }, { outdated: true }]) {
    assert.deepEqual(push(traccar(fields)).skipped, [{ reason: 'no_position', count: 1 }]);
  }
  const event = push(traccar({ speed: 1000, course: -1 })).events[0];
  assert.ok(event?.contract === 'PositionRecorded');
  assert.deepEqual([event.value.speed_kmh, event.value.course_deg], [null, null]);
});

/** Examples with pieces replaced by whatever JSON there is. */
const nearlyRight = fc
  .constantFrom<unknown>(
    ...webhookEvents.map(({ example }) => example),
    traccar({}),
    { device: {}, event: { type: 'geofenceExit', deviceId: 1, geofenceId: 2, eventTime: 'x' } },
    { eventType: 'RouteStopArrival', eventId: '1', data: { time: 1, route: { id: 1 } } },
    { eventType: 'AlertIncident', eventId: '1', data: { conditions: [{ details: {} }, 7] } },
    { result: { data: [{ latitude: 1, device: { id: 1 } }, 5] } },
    [{ ident: '1', timestamp: 1, 'position.latitude': 1 }, null],
  )
  .chain((body) => {
    const text = JSON.stringify(body);
    const scalars = [...text.matchAll(/(?<=[:[,])("[^"]*"|-?[\d.]+|\{\})(?=[,}\]])/g)];
    return fc.tuple(fc.nat({ max: scalars.length - 1 }), fc.json()).map(([at, piece]) => {
      const { index, 0: old } = scalars[at] ?? { index: 0, 0: '' };
      return text.slice(0, index) + piece + text.slice(index + old.length);
    });
  });

test('whatever is pushed, every element is an event that keeps its contract, a refusal or a skip', () => {
  const contracts = new Map<string, { violations: (value: unknown) => readonly unknown[] }>(
    [
      topics.position,
      topics.tripStatus,
      topics.fuelTransaction,
      topics.providerWorkOrder,
      topics.providerAlert,
    ].flatMap((topic) => Object.entries(topic.contracts)),
  );
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), nearlyRight), (body) => {
      const result = push(body);
      const empty = /^\s*(\[\s*\]|.*"(data|conditions)":\[\].*)\s*$/.test(body);
      assert.ok(total(result) >= 1 || empty, body);
      for (const { contract, value } of result.events) {
        assert.deepEqual(contracts.get(contract)?.violations(value) ?? [], []);
      }
    }),
    { numRuns: 2000 },
  );
});
