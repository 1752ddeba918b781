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
