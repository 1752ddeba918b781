import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics } from '@waybill/contracts';
import { createDriver, type Driver, type Input } from './testing/driver.ts';
import { position, progress, signal, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';

const BASE = 1_211_310_000;
const DAY = 86_400;
const OTHER = 'wialon:7002';

const config = tenant({ events: { idle: 'detected' } });
/** Positions of the unit that nothing is wrong with. */
const HEALTHY = 20;

/** One trip of the unit that nothing is wrong with. */
function healthy(): readonly Fixture[] {
  const cab = vehicle(BASE, { unit: OTHER });
  return [...cab.stay(3), ...cab.drive(10), ...cab.stay(7)];
}

/** What stands of the healthy unit, when the other one sends `bad` among its positions. */
async function beside(bad: readonly Input[]): Promise<Driver> {
  const driver = await createDriver(config);
  const good = healthy().map(position);
  await driver.process([...good.slice(0, 8), ...bad, ...good.slice(8)]);
  await driver.process([progress(BASE + 3600)]);
  const trips = driver.standingTrips().filter(({ unit }) => unit === OTHER);
  assert.equal(trips.length, 1, 'the other unit is not harmed');
  assert.equal(trips[0]?.fix_count, 11);
  return driver;
}

test('a position of 0/0 is none: counted, no trip to the gulf of Guinea', async () => {
  const cab = vehicle(BASE);
  const fixtures = [...cab.stay(2), ...cab.drive(10)].map((fix, i) =>
    i === 6 ? { ...fix, lat: 0, lon: 0 } : fix,
  );
  const driver = await beside([...fixtures, ...cab.stay(7)].map(position));
  assert.deepEqual(driver.flaws, ['position_zero']);
  assert.deepEqual([...driver.outcomes], [['applied', HEALTHY + 19]]);
  const [trip] = driver.standingTrips().filter(({ unit }) => unit !== OTHER);
  assert.ok(trip !== undefined && trip.distance_km < 3, `${trip?.distance_km} km`);
});

test('readings that are no number are left out and counted, the rest of the record counts', async () => {
  const cab = vehicle(BASE, { speed: Number.NaN });
  const made = [...cab.stay(2), ...cab.drive(10), ...cab.stay(7)].map(position);
  const bad = made.map((each) => ({ ...each, fuel_level_l: Infinity, odometer_km: Number.NaN }));
  const driver = await beside(bad);
  assert.equal(driver.flaws.length, bad.length);
  assert.ok(driver.flaws.every((flaw) => flaw === 'reading_not_finite'));
  assert.equal(driver.standingTrips().length, 2);
});

test('a unit that sends 1,000 positions a second keeps one of each second', async () => {
  const many = Array.from({ length: 3000 }, (_, i) =>
    position({
      t: BASE + Math.floor(i / 1000),
      lat: 37.7 + i * 1e-5,
      lon: -122.4,
      rt: BASE + 10 + i,
    }),
  );
  const driver = await beside(many);
  assert.deepEqual(Object.fromEntries(driver.outcomes), {
    applied: HEALTHY + 3,
    // Of a second two are remembered beside the one that counts: all others look like them.
    ...{ same_second: 6, repeat: 2991 },
    clock_stands: 3,
  });
  const said = driver.logged.filter(({ message }) => message === 'device_clock.stands');
  assert.deepEqual(
    said.map(({ fields }) => (fields as { event_time: number }).event_time / 1000 - BASE),
    [0, 1, 2],
  );
  const saved = [...(await driver.saved()).values()].reduce((sum, size) => sum + size, 0);
  assert.ok(saved < 4000, `${saved} bytes of state`);
});

test('a device clock that jumps back a day makes no trip over the jump', async () => {
  const cab = vehicle(BASE);
  const first = [...cab.stay(2), ...cab.drive(5)];
  const back = cab.drive(5).map((fix) => ({ ...fix, t: fix.t - DAY, rt: fix.t + 1 }));
  const after = [...cab.drive(5), ...cab.stay(7)];
  const driver = await beside([...first, ...back, ...after].map(position));
  const trips = driver.standingTrips().filter(({ unit }) => unit !== OTHER);
  assert.equal(trips.length, 2, 'before and after: the minutes of the jump are missing');
  assert.ok(trips.every(({ duration_s: duration }) => duration < 3600));
  const [task, ...more] = driver.openTasks();
  assert.equal(more.length, 0, 'a day late is beyond grace: one task');
  assert.equal(task?.fix_count, 5);
  assert.equal(driver.outcomes.get('beyond_grace'), 5);
});

test('an ignition that flickers is one idling, named at every change back', async () => {
  const cab = vehicle(BASE);
  const bad = cab
    .stay(50)
    .map((fix, i) => position({ ...fix, signals: { ignition: i % 2 === 0 } }));
  const driver = await beside(bad);
  assert.ok(driver.standingTrips().every(({ unit }) => unit === OTHER));
  assert.deepEqual(
    driver.standing(topics.idle).map((idle) => idle.duration_s),
    // The first position does not tell yet that it stands.
    [46 * 60],
  );
  assert.deepEqual(driver.flaws, Array(48).fill('ignition_flickers'));
});

test('a message without a position is none of a place: no trip, and its neighbours go on', async () => {
  const cab = vehicle(BASE);
  const parked = cab.stay(3);
  const dark = Array.from({ length: 30 }, (_, i) => signal({ t: cab.now() + 1 + i, speed: 50 }));
  const driver = await beside([...parked.map(position), ...dark]);
  assert.ok(driver.standingTrips().every(({ unit }) => unit === OTHER));
  assert.equal(driver.outcomes.get('applied'), HEALTHY + 33);
  assert.deepEqual(driver.flaws, []);
});

test('a fix from 2099 changes nothing', async () => {
  const future = position({ t: 4_070_908_800, lat: 37.7, lon: -122.4, rt: BASE });
  const clean = await beside([]);
  const driver = await beside([future]);
  assert.equal(driver.outcomes.get('refused'), 1);
  assert.deepEqual(driver.standingTrips(), clean.standingTrips());
  assert.deepEqual(await driver.saved(), await clean.saved());
});
