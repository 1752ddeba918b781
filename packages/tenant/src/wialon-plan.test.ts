import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantModel, type TenantModel } from './model.ts';
import { planWialon, progressSources, wialonNeeds } from './wialon-plan.ts';

function modelOf(
  events: Partial<TenantModel['events']>,
  source: Readonly<Record<string, unknown>> = {},
): TenantModel {
  return tenantModel.parse({
    tenant_id: 'acme',
    company: { company_id: 'acme', name: 'Acme', zone: 'UTC', currency: 'EUR' },
    sources: [
      {
        source_id: 'fleet',
        kind: 'wialon',
        account: 'acme',
        url: 'http://127.0.0.1:1',
        tokens: ['secret://files/acme#token'],
        read_from: '2026-01-01T00:00:00Z',
        ...source,
      },
    ],
    events: { trip: 'off', site_visit: 'off', trip_status: 'off', ...events },
    detection: {},
    erp: { target: 'erp', adapter: 'postgres', url: 'secret://files/acme#erp' },
    ownership: [],
    mappings: [],
  });
}

const callsOf = (model: TenantModel): string[] =>
  planWialon(model).flatMap(({ calls }) => calls.map(({ call, what }) => `${call} ${what}`));

test('a tenant that wants no event of Wialon calls nothing', () => {
  assert.deepEqual(callsOf(modelOf({ trip_status: 'provider' })), []);
  assert.deepEqual([...wialonNeeds(modelOf({}))], []);
});

test('an event brings its calls, and removing it removes them', () => {
  const both = callsOf(modelOf({ trip: 'detected', site_visit: 'detected' }));
  const trips = callsOf(modelOf({ trip: 'detected' }));
  assert.ok(both.some((call) => call.startsWith('resource/get_zone_data')));
  assert.deepEqual(
    both.filter((call) => !trips.includes(call)),
    ['core/search_items resources', 'resource/get_zone_data geofences'],
  );
});

test('the cost is reckoned from units, interval, polls, readers and proof, and shared by the limits', () => {
  const [plan] = planWialon(
    modelOf(
      { trip: 'detected', site_visit: 'detected' },
      { expected_units: 1200, expected_message_interval_s: 30, readers: 2, poll_interval_ms: 2000 },
    ),
  );
  assert.deepEqual(
    plan?.calls.map((row) => [row.call, row.calls_per_hour, row.messages_per_hour]),
    [
      // 1,800 polls, and a heartbeat a minute of two readers.
      ['avl_evts', 1920, 0],
      ['core/update_data_flags', 1 / 24, 0],
      // 1,000 hours of 120 messages; 1,200 units with 25 counts for each of two days, 2,880 messages a day.
      ['messages/load_interval', 1000 + 2500, 1000 * 120 + (1200 * 2880 * 2) / 24],
      ['messages/unload', 1000 + 100, 0],
      // Two pages of units every five minutes.
      ['core/search_items', 24, 0],
      ['core/search_items', 12, 0],
      ['resource/get_zone_data', 12, 0],
    ],
  );
  const hourly = 1920 + 1 / 24 + 3500 + 1100 + 24 + 12 + 12;
  assert.deepEqual(
    plan.limits.map(({ used, allowed, share }) => [used, allowed, share]),
    [
      [3, 100, 0.03],
      [5, 10, 0.5],
      [hourly, 3 * 10 * 3600, hourly / 108_000],
      [13_600, 15_000_000, 13_600 / 15_000_000],
      [408_000, 200_000_000, 0.002_04],
      [9_792_000, 1_000_000_000, 0.009_792],
    ],
  );
  assert.deepEqual(plan.refusals, [], 'exactly a half may be planned');
});

test('each limit can be what refuses a plan, and the smallest step over a half does', () => {
  const refusalOf = (source: Readonly<Record<string, unknown>>): string =>
    planWialon(
      modelOf({ trip: 'detected' }, { expected_units: 1200, ...source }),
    )[0]?.refusals.join('\n') ?? '';
  assert.match(refusalOf({ readers: 50 }), /^sessions: 51 of 100 \(51 %\), at most 50 %/);
  assert.match(refusalOf({ poll_interval_ms: 1999 }), /^polls per 10 s and session: 6 of 10/);
  const limits = (limit: string, allowed: number): string =>
    refusalOf({ limits: { [limit]: allowed } });
  assert.match(limits('session_calls_per_s', 1), /^calls per hour: 6545 of 10800 \(61 %\)/);
  assert.match(limits('messages_per_2_min', 27_199), /^messages loaded per 2 min: 13600 of 27199/);
  assert.equal(limits('messages_per_2_min', 27_200), '');
  assert.match(limits('messages_per_hour', 815_999), /^messages loaded per hour: 408000/);
  assert.match(limits('messages_per_day', 19_583_999), /^messages loaded per day: 9792000/);
});

test('shards share the limits of the account, and each has its own sessions', () => {
  const of = (shards: number): readonly [string, number][] =>
    (planWialon(modelOf({ trip: 'detected' }, { shards }))[0]?.limits ?? []).map(
      ({ limit, used }) => [limit, used],
    );
  const [one, four] = [new Map(of(1)), new Map(of(4))];
  assert.equal(one.get('sessions'), 3);
  assert.equal(four.get('sessions'), 12);
  assert.equal(four.get('messages loaded per hour'), one.get('messages loaded per hour'));
});

test('the large account of the load model fits with a half in reserve', () => {
  const [plan] = planWialon(
    modelOf(
      { trip: 'detected', site_visit: 'detected' },
      { expected_units: 10_000, expected_message_interval_s: 5, readers: 6 },
    ),
  );
  assert.deepEqual(plan?.refusals, []);
  for (const { share } of plan?.limits ?? []) assert.ok(share <= 0.5);
});

test('what takes more than half of a limit is refused, with the limit named', () => {
  const [plan] = planWialon(
    modelOf({ trip: 'detected' }, { expected_units: 40_000, expected_message_interval_s: 5 }),
  );
  assert.match(plan?.refusals.join('\n') ?? '', /messages loaded per day: .* at most 50 %/);
  const [polls] = planWialon(modelOf({ trip: 'detected' }, { poll_interval_ms: 1000 }));
  assert.match(polls?.refusals.join('\n') ?? '', /polls per 10 s and session: 10 of 10 \(100 %\)/);
});

test('shards state progress under ids of their own', () => {
  assert.deepEqual(progressSources({ source_id: 'fleet', shards: 1 }), ['fleet']);
  assert.deepEqual(progressSources({ source_id: 'fleet', shards: 2 }), [
    'fleet-shard-0',
    'fleet-shard-1',
  ]);
});
