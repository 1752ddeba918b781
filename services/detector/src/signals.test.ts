import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics, type FuelLevelChanged } from '@waybill/contracts';
import { createDriver, type Driver, type Input } from './testing/driver.ts';
import { position, progress, signal } from './testing/messages.ts';
import { electricFixtures, fuelFixturesOf, obdRows, referenceOf } from './testing/recordings.ts';
import { tenant } from './testing/tenant.ts';

const QUARTER_MS = 900_000;

type Kind = FuelLevelChanged['kind'];

async function detector(tankL: number, movement: 'position' | 'speed'): Promise<Driver> {
  return createDriver(
    tenant({
      events: { trip: 'off', site_visit: 'off', idle: 'detected', fuel_level: 'detected' },
      detection: {
        movement_source: movement,
        fuel: {
          ...{ min_refuel_l: 8, min_drain_l: 5, min_drain_percent: 5, confirm_s: 600 },
          ...{ idle_burn_l_per_h: 2.5, drive_burn_l_per_km: 0.5, tanks: [{ tank_l: tankL }] },
        },
      },
    }),
  );
}

async function feed(driver: Driver, inputs: readonly Input[], endS: number): Promise<void> {
  for (let at = 0; at < inputs.length; at += 5000) {
    await driver.process(inputs.slice(at, at + 5000));
  }
  await driver.process([progress(endS)]);
}

interface Truth {
  readonly unit: string;
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

/** How many of the true events were found, each by one change of its kind, and what nobody caused. */
function matched(
  truths: readonly Truth[],
  changes: readonly FuelLevelChanged[],
  kind: Kind,
): { readonly share: number; readonly falseOnes: number } {
  const left = new Set(changes.filter((change) => change.kind === kind));
  const events = truths.filter((truth) => truth.kind === kind);
  let found = 0;
  for (const { unit, from, to } of events) {
    const hit = [...left].find(
      (change) =>
        change.unit === unit &&
        change.start_time <= to + QUARTER_MS &&
        change.end_time >= from - QUARTER_MS,
    );
    if (hit === undefined) continue;
    left.delete(hit);
    found += 1;
  }
  return { share: found / events.length, falseOnes: left.size };
}

test('refuels and drains of the simulated set are found', async () => {
  const driver = await detector(70, 'position');
  const fixtures = fuelFixturesOf('bay-cabs').toSorted((a, b) => a.t - b.t);
  await feed(driver, fixtures.map(position), (fixtures.at(-1)?.t ?? 0) + 86_400);
  const truths = referenceOf('sim-fuel-truth.csv').map((row) => ({
    unit: `wialon:${row['vehicle_id']}`,
    kind: row['type'] === 'refuel' ? ('REFUEL' as const) : ('DRAIN' as const),
    isEvent: row['type'] === 'refuel' || row['type'] === 'drain',
    from: Date.parse(row['start_utc'] ?? ''),
    to: Date.parse(row['end_utc'] ?? ''),
  }));
  const events = truths.filter((truth) => truth.isEvent);
  const changes = driver.standing(topics.fuelLevel);
  const refuels = matched(events, changes, 'REFUEL');
  const drains = matched(events, changes, 'DRAIN');
  assert.ok(refuels.share >= 0.95, `refuels found: ${refuels.share}`);
  assert.ok(drains.share >= 0.9, `drains found: ${drains.share}`);
  assert.ok(refuels.falseOnes <= 2 && drains.falseOnes <= 2);
});

test('the OBD car: every labelled idling is one event, and no drain while driving', async () => {
  const driver = await detector(100, 'speed');
  const rows = obdRows();
  const apart = rows.map(({ session, fixture }) => signal({ ...fixture, unit: `obd:${session}` }));
  const together = rows.map(({ fixture }) => signal({ ...fixture, unit: 'obd:car' }));
  const endS = (rows.at(-1)?.fixture.t ?? 0) + 86_400;
  await feed(driver, [...apart, ...together], endS);
  const sessions = new Set(rows.filter(({ isIdle }) => isIdle).map(({ session }) => session));
  assert.equal(sessions.size, 30);
  const idles = Map.groupBy(driver.standing(topics.idle), ({ unit }) => unit);
  for (const session of sessions) {
    const found = idles.get(`obd:${session}`) ?? [];
    assert.equal(found.length, 1, `${session}: ${found.length} idle events`);
    assert.ok((found[0]?.duration_s ?? 0) >= 300);
    assert.equal(found[0]?.latitude, null);
  }
  const changes = Map.groupBy(driver.standing(topics.fuelLevel), ({ kind }) => kind);
  assert.equal(changes.get('DRAIN')?.length ?? 0, 0);
  assert.equal(changes.get('REFUEL')?.length, 11, 'all refuels that the data set infers');
});

test('the electric car: all nine recharges, in percent of a tank of 100 l', async () => {
  const driver = await detector(100, 'speed');
  const fixtures = electricFixtures('ev:twizy');
  await feed(driver, fixtures.map(position), (fixtures.at(-1)?.t ?? 0) + 86_400);
  const truths = referenceOf('rabat-ev-recharges.csv').map((row) => ({
    unit: 'ev:twizy',
    kind: 'REFUEL' as const,
    from: Date.parse(row['window_start_utc'] ?? ''),
    to: Date.parse(row['window_end_utc'] ?? ''),
  }));
  assert.equal(truths.length, 9);
  const changes = driver.standing(topics.fuelLevel);
  assert.deepEqual(matched(truths, changes, 'REFUEL'), { share: 1, falseOnes: 0 });
  assert.ok(changes.every(({ kind }) => kind === 'REFUEL'));
});
