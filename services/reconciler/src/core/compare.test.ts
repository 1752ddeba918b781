import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, type ComparedRecord, type Rules } from './compare.ts';
import type { ComparedEvent, Value } from './expected-fields.ts';
import { erpIdAt } from './resolve-id.ts';
import { toleranceOf } from './tolerance.ts';

const END = 1_449_722_400_000; // 2015-12-10T04:40:00Z, 23:40 of the 9th in New York

const rules: Rules = {
  entity: 'trip',
  zone: 'America/New_York',
  resolve: (entity, id) => (id === 'wialon:8050' ? undefined : `${entity} of ${id}`),
  tolerance: toleranceOf([{ entity: 'trip', field: 'distance_km', tolerance: '0.1 km' }], 'trip'),
  amendable: new Set(['vehicle_id', 'business_date', 'distance_km', 'duration_s', 'end_time']),
};

function event(id: string, change: Partial<ComparedEvent> = {}): ComparedEvent {
  return {
    event_id: `event of ${id}`,
    entity: 'trip',
    entity_id: id,
    unit: 'wialon:8001',
    event_time: END,
    revision: 5,
    retracted: false,
    fact: { end_time: END, duration_s: 600, distance_km: 4.2, driver_code: null, fix_count: 61 },
    outcome: 'INSERTED',
    reason: null,
    written: { revision: 5 },
    dead_letter_code: null,
    ...change,
  };
}

function record(
  id: string,
  change: Partial<ComparedRecord> & { fields?: Record<string, Value> } = {},
): ComparedRecord {
  return {
    key: id,
    triple: { revision: 5 },
    present: true,
    amendments: 0,
    ...change,
    fields: {
      vehicle_id: 'vehicle of wialon:8001',
      end_time: END,
      duration_s: 600,
      distance_km: 4.2,
      driver_code: null,
      fix_count: 61,
      business_date: '2015-12-09',
      ...change.fields,
    },
  };
}

test('equal content gives no finding, and a trip belongs to the local day of its end', () => {
  const result = compare([event('a')], [record('a')], rules);
  assert.deepEqual(result, { events: 1, rows: 1, gaps: [], drift: [], orphans: [] });
});

const gaps: readonly [string, Partial<ComparedEvent>, string, string | null][] = [
  [
    'waits for an id',
    { outcome: 'WAITING', reason: 'vehicle wialon:8050', written: null },
    'waiting',
    'vehicle wialon:8050',
  ],
  [
    'waits for a person',
    { outcome: 'MANUAL', reason: 'PERIOD_MISSING', written: null },
    'manual',
    'PERIOD_MISSING',
  ],
  [
    'was given up',
    { outcome: 'DEAD_LETTERED', reason: 'EXHAUSTED', written: null },
    'dead_lettered',
    'EXHAUSTED',
  ],
  [
    'has only a dead letter',
    { outcome: null, written: null, dead_letter_code: 'VALUE_UNKNOWN' },
    'dead_lettered',
    'VALUE_UNKNOWN',
  ],
  ['was never delivered', { outcome: null, written: null }, 'not_delivered', null],
  [
    'was delivered in an older version only',
    { outcome: 'INSERTED', written: { revision: 4 } },
    'not_delivered',
    null,
  ],
  ['was delivered and is gone', {}, 'vanished', null],
];
for (const [title, change, cause, detail] of gaps) {
  test(`a fact without row that ${title} is a gap with that cause`, () => {
    for (const records of [[], [record('a', { present: false })]]) {
      const { gaps: found } = compare([event('a', change)], records, rules);
      assert.deepEqual(
        found.map((gap) => [gap.cause, gap.detail]),
        [[cause, detail]],
      );
    }
  });
}

test('an edited row is drift that names field, expected and found', () => {
  const { drift } = compare(
    [event('a')],
    [record('a', { fields: { vehicle_id: 'another', duration_s: 900 } })],
    rules,
  );
  assert.deepEqual(
    drift.map(({ cause, fields }) => [cause, fields]),
    [
      [
        'edited',
        [
          { field: 'duration_s', expected: 600, found: 900 },
          { field: 'vehicle_id', expected: 'vehicle of wialon:8001', found: 'another' },
        ],
      ],
    ],
  );
});

test('a difference within the tenant’s tolerance is none', () => {
  const within = record('a', { fields: { distance_km: 4.29 } });
  const beyond = record('a', { fields: { distance_km: 4.31 } });
  assert.equal(compare([event('a')], [within], rules).drift.length, 0);
  assert.equal(compare([event('a')], [beyond], rules).drift.length, 1);
});

test('fields that the mapping does not write, and ids that nobody mapped, are not compared', () => {
  const { drift } = compare(
    [event('a', { unit: 'wialon:8050', fact: { ...event('a').fact, start_latitude: 1 } })],
    [record('a')],
    rules,
  );
  assert.deepEqual(drift, []);
});

test('of an amended record only what amendments carry is compared', () => {
  const fields = { fix_count: 3, driver_code: 'D-7' };
  const amended = record('a', { amendments: 1, fields });
  assert.deepEqual(compare([event('a')], [amended], rules).drift, []);
  const wrong = record('a', { amendments: 1, fields: { ...fields, duration_s: 1 } });
  assert.deepEqual(
    compare([event('a')], [wrong], rules).drift[0]?.fields.map(({ field }) => field),
    ['duration_s'],
  );
});

test('a closed row that a newer version left unchanged on purpose is no drift', () => {
  const newer = event('a', { revision: 6, outcome: 'UNCHANGED', written: { revision: 6 } });
  assert.deepEqual(compare([newer], [record('a', { fields: { fix_count: 60 } })], rules).drift, []);
});

test('a withdrawn fact should not stand in the ERP', () => {
  const withdrawn = event('a', { retracted: true, outcome: 'WAITING', reason: 'x' });
  assert.deepEqual(compare([withdrawn], [], rules), {
    events: 0,
    rows: 0,
    gaps: [],
    drift: [],
    orphans: [],
  });
  const { drift } = compare([withdrawn], [record('a')], rules);
  assert.deepEqual(
    drift.map(({ cause, fields }) => [cause, fields[0]?.field]),
    [['waiting', 'retracted']],
  );
});

test('a row with our triple and no event is an orphan; a row of the ERP’s own is none', () => {
  const { orphans, rows } = compare(
    [event('a')],
    [record('a'), record('doubled'), record('theirs', { triple: null })],
    rules,
  );
  assert.deepEqual(orphans, [{ entity: 'trip', entity_id: 'doubled', revision: 5 }]);
  assert.equal(rows, 2);
});

test('of several statuses of an order the newest counts', () => {
  const order = (revision: number, status: string): ComparedEvent =>
    event('ORD-1', {
      entity: 'transport_order',
      event_id: status,
      revision,
      event_time: revision,
      fact: { status },
      written: { revision },
    });
  const found = record('ORD-1', { fields: { status: 'arrived' } });
  const events = [order(1, 'started'), order(9, 'arrived'), order(4, 'departed')];
  const result = compare(events, [found], { ...rules, entity: 'transport_order' });
  assert.deepEqual([result.events, result.gaps, result.drift], [1, [], []]);
});

test('an id is resolved as of an instant; the start is inclusive, the end exclusive', () => {
  const mapping = {
    tenant_id: 't',
    entity: 'vehicle' as const,
    telematics_id: 'wialon:8002',
    version: 2,
    deleted: false,
    intervals: [
      { erp_id: 'OLD', valid_from_time: null, valid_to_time: 100 },
      { erp_id: 'NEW', valid_from_time: 200, valid_to_time: null },
    ],
  };
  assert.deepEqual(
    [99, 100, 199, 200].map((at) => erpIdAt(mapping, at)),
    ['OLD', undefined, undefined, 'NEW'],
  );
  assert.equal(erpIdAt({ ...mapping, deleted: true }, 99), undefined);
});

test('what signals say is compared field by field, a shift by its driver', () => {
  const span = { start_time: END - 600_000, end_time: END };
  const facts: [ComparedEvent['entity'], object, Record<string, Value>][] = [
    [
      'idle',
      { ...span, duration_s: 600 },
      { vehicle_id: 'vehicle of wialon:8001', duration_s: 600 },
    ],
    ['fuel_level', { ...span, kind: 'DRAIN', volume_l: 21.5 }, { kind: 'DRAIN', volume_l: 21.5 }],
    ['odometer', { business_date: '2015-12-08' }, { business_date: '2015-12-08' }],
    ['work_order', { cycle: 3, due_time: null }, { cycle: 3, due_time: null }],
    [
      'shift',
      { driver_code: 'D-1', units: ['wialon:1', 'wialon:2'] },
      { driver_id: 'driver of D-1', units: 'wialon:1 wialon:2' },
    ],
    [
      'geofence',
      { geofence_id: 'z', is_interpolated: true },
      { site_id: 'site of z', is_interpolated: 'true' },
    ],
  ];
  for (const [entity, fact, fields] of facts) {
    const own = {
      ...event('a', { entity }),
      fact: { event_time: END, ...fact },
      unit: entity === 'shift' ? null : 'wialon:8001',
    };
    const found = { ...record('a'), fields };
    assert.deepEqual(compare([own], [found], { ...rules, entity }).drift, [], entity);
    for (const field of Object.keys(fields)) {
      const edited = { ...found, fields: { ...fields, [field]: 'edited' } };
      const [drift] = compare([own], [edited], { ...rules, entity }).drift;
      assert.deepEqual(drift?.fields, [{ field, expected: fields[field], found: 'edited' }]);
    }
  }
});

test('a private trip has no coordinates in the ERP, and that is no drift', () => {
  const hidden = event('a');
  const fact = { ...hidden.fact, is_private: true, start_latitude: 0, start_longitude: 0 };
  const found = record('a', { fields: { start_latitude: null, start_longitude: null } });
  assert.deepEqual(compare([{ ...hidden, fact }], [found], rules).drift, []);
});
