import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageFetched } from '@waybill/contracts';
import { sampleTenant } from '@waybill/testkit';
import { planWialon, type TenantModel } from '@waybill/tenant';
import { madeUpFleets, startTwin, tokenOf } from '@waybill/wialon-twin';
import { accountsOf } from './accounts.ts';
import { createLoginGate } from './login-gate.ts';
import { committed, createClock, createOwner, createPorts, untilTurn } from './testing/owner.ts';
import { startWorker } from './worker.ts';

const BASE = Date.parse('2026-01-05T00:00:00Z');

type Events = Partial<TenantModel['events']>;

function tenantWith(events: Events, url: string): TenantModel {
  const model = sampleTenant();
  return {
    ...model,
    sources: model.sources.map((source) => ({ ...source, url, poll_interval_ms: 10_000 })),
    events: { ...model.events, ...events },
  };
}

interface Counted {
  /** Calls by service, as the twin counted them. */
  readonly calls: Readonly<Record<string, number>>;
  /** Data flags of the listings of units. */
  readonly unitFlags: readonly number[];
}

/** What a tenant with these events asks of the provider in so much time. */
async function callsFor(events: Events, durationMs: number = 330_000): Promise<Counted> {
  const clock = createClock(BASE);
  const twin = await startTwin({
    scenario: madeUpFleets({
      accounts: ['hudson-waste'],
      fleet: { units: 2, every_s: 30, history_s: 600 },
      baseTime: new Date(BASE).toISOString(),
      durationS: 86_400,
    }),
    seed: 7,
    speed: 1,
    latencyMs: 0,
    nowMs: () => clock.now() - BASE,
  });
  const [account] = accountsOf(tenantWith(events, twin.url));
  const owner = createOwner();
  if (account !== undefined) {
    const { ports } = createPorts(clock, async () => tokenOf('hudson-waste'));
    const settings = { ...account, readFromTime: BASE - 600_000 };
    const worker = startWorker(settings, owner, ports, createLoginGate(clock));
    try {
      await untilTurn('the time', () => clock.now() - BASE > durationMs);
    } finally {
      await worker.stop();
    }
  }
  const report = (await (await fetch(`${twin.url}/twin/calls`)).json()) as {
    readonly calls: Readonly<Record<string, { readonly total: number }>>;
  };
  await twin.close();
  return {
    calls: Object.fromEntries(
      Object.entries(report.calls).map(([service, { total }]) => [service, total]),
    ),
    unitFlags: committed<PageFetched>(owner.log, 'PageFetched')
      .filter(({ call, parameters }) => call === 'core/search_items' && /avl_unit/.test(parameters))
      .map(({ parameters }) => (JSON.parse(parameters) as { flags: number }).flags),
  };
}

/** Calls by service that the plan of a tenant derives, per hour. */
function planned(events: Events): Map<string, number> {
  const [plan] = planWialon(tenantWith(events, 'http://127.0.0.1:1'));
  const sums = new Map<string, number>();
  for (const { call, calls_per_hour } of plan?.calls ?? []) {
    sums.set(call, (sums.get(call) ?? 0) + calls_per_hour);
  }
  return sums;
}

/** What opens and ends sessions, and the first read of each unit: once, so no plan has them. */
const ONCE = new Set(['token/login', 'core/logout', 'messages/get_messages']);
const SENSORS = 0x1000;
const DETECTED: Events = { trip: 'detected' };

/** Each event of the catalogue, and the services that it adds to those that trips need anyway. */
const added: { readonly [E in keyof TenantModel['events']]: readonly string[] | 'sensors' } = {
  trip: [],
  site_visit: ['resource/get_zone_data'],
  geofence: ['resource/get_zone_data'],
  trip_status: [],
  latest_position: [],
  position_minute: [],
  idle: 'sensors',
  fuel_level: 'sensors',
  odometer: 'sensors',
  service_due: 'sensors',
  shift: ['resource/get_driver_bindings'],
};

const alone = callsFor(DETECTED);

for (const [event, services] of Object.entries(added)) {
  test(`removing ${event} from the tenant removes its calls, as the provider counts them`, async () => {
    const wish: Events = { [event]: event === 'trip_status' ? 'provider' : 'detected' };
    const [both, without] = [await callsFor({ ...DETECTED, ...wish }), await alone];
    const more = Object.keys(both.calls).filter((service) => !(service in without.calls));
    assert.deepEqual(more, services === 'sensors' ? [] : services);
    const needsSensors = services === 'sensors';
    assert.ok(both.unitFlags.length > 0 && without.unitFlags.length > 0);
    assert.ok(both.unitFlags.every((flags) => ((flags & SENSORS) !== 0) === needsSensors));
    assert.ok(without.unitFlags.every((flags) => (flags & SENSORS) === 0));
    for (const service of more)
      assert.ok((both.calls[service] ?? 0) >= 2, 'also after five minutes');
    for (const service of Object.keys(both.calls)) {
      const isPlanned = ONCE.has(service) || planned({ ...DETECTED, ...wish }).has(service);
      assert.ok(isPlanned, `${service} is called and not planned`);
      assert.doesNotMatch(service, /report|notification/, 'no event needs them');
    }
    const only = await callsFor(wish);
    const names = (calls: object): string[] => Object.keys(calls).toSorted();
    assert.deepEqual(names(only.calls), event === 'trip_status' ? [] : names(both.calls));
  });
}

test('without events nobody even logs in', async () => {
  assert.deepEqual((await callsFor({})).calls, {});
});

test('an hour costs no more calls than the plan says', async () => {
  const events: Events = { trip: 'detected', site_visit: 'detected', shift: 'detected' };
  const { calls } = await callsFor(events, 3_600_000);
  for (const [service, perHour] of planned(events)) {
    const counted = calls[service] ?? 0;
    // The first look-up is at the start of the hour, the last one at its end.
    assert.ok(counted <= Math.ceil(perHour) + 2, `${service}: ${counted}, planned ${perHour}`);
  }
  assert.ok((calls['avl_evts'] ?? 0) >= 360);
});
