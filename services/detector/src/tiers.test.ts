import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellOf } from './adapters/h3-cell.ts';
import { createDriver, type Driver } from './testing/driver.ts';
import { position, progress, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';

const BASE = Date.parse('2008-05-20T19:00:00Z') / 1000;
const HOUR = 3600;
const wanted = tenant({ events: { latest_position: 'detected', position_minute: 'detected' } });

async function feed(driver: Driver, fixtures: readonly Fixture[], clock?: number) {
  const inputs = fixtures.map((fix) => position(fix));
  return driver.process(clock === undefined ? inputs : [...inputs, progress(clock)]);
}

test('the newest position of a unit never goes back in event time, whatever arrives late or twice', async () => {
  const driver = await createDriver(wanted);
  const fixes = vehicle(BASE).drive(4);
  const [first, second, third, fourth] = fixes as [Fixture, Fixture, Fixture, Fixture];
  const times = async (...arriving: Fixture[]): Promise<readonly number[]> =>
    (await feed(driver, arriving)).newest.map(({ event_time: time }) => time / 1000);
  assert.deepEqual(await times(first, third), [third.t]);
  assert.deepEqual(await times(second, first, third), []);
  await driver.restart();
  assert.deepEqual(await times(second), []);
  assert.deepEqual(await times(fourth), [fourth.t]);
  const beyond = { ...second, t: BASE - 9 * HOUR, rt: BASE };
  const future = { ...second, t: 4_070_908_800, rt: BASE };
  assert.deepEqual(await times(beyond, future), [], 'no clock and no position moves');
});

test('a minute goes out once it is whole, with its cell and without coordinates, and again when it changes', async () => {
  const driver = await createDriver(wanted);
  const at = (t: number, wishes: Partial<Fixture> = {}): Fixture => ({
    ...{ t: BASE + t, lat: 37.7752702, lon: -122.4183072, speed: 10 },
    ...wishes,
  });
  const open = await feed(driver, [at(1), at(20, { speed: 21 })]);
  assert.deepEqual(open.minutes, []);
  const { minutes } = await feed(driver, [at(61)]);
  assert.deepEqual(
    minutes.map(({ minute_time, cell, fixes, speed_kmh }) => [minute_time, cell, fixes, speed_kmh]),
    [[BASE * 1000, '872830828ffffff', 2, 15.5]],
  );
  const [whole] = minutes;
  assert.ok(whole);
  assert.deepEqual(
    Object.keys(whole).filter((name) => /lat|lon|driver/.test(name)),
    [],
  );
  const late = await feed(driver, [at(40, { rt: BASE + 90, speed: 5 })]);
  assert.deepEqual(
    late.minutes.map(({ event_id: id, fixes, speed_kmh: speed }) => [id, fixes, speed]),
    [[whole.event_id, 3, 12]],
  );
  assert.ok((late.minutes[0]?.revision ?? 0) > whole.revision);
  const quiet = await driver.process([progress(BASE + 179)]);
  assert.deepEqual(quiet.minutes, []);
  const passed = await driver.process([progress(BASE + 180)]);
  assert.deepEqual(
    passed.minutes.map(({ minute_time: time }) => time / 1000),
    [BASE + 60],
  );
  assert.deepEqual((await driver.process([progress(BASE + 400)])).minutes, []);
});

test('who wants neither gets neither', async () => {
  const driver = await createDriver(tenant());
  const { newest, minutes } = await feed(driver, vehicle(BASE).drive(5), BASE + HOUR);
  assert.deepEqual([newest, minutes], [[], []]);
});

test('the cell of a coordinate is that of H3', () => {
  assert.equal(cellOf(37.7752702151959, -122.418307270836), '872830828ffffff');
  assert.equal(cellOf(-33.8688, 151.2093).length, 15);
});

test('every hour is counted by tenant: fixes, late ones, units heard and silent, until it is final', async () => {
  const driver = await createDriver(tenant());
  const cab = vehicle(BASE);
  const other = { unit: 'wialon:7002' };
  const first = [...cab.drive(30)];
  const [held] = first.splice(10, 1) as [Fixture];
  const counted = await feed(
    driver,
    [...first, { ...held, rt: BASE + 1900 }, { ...held, ...other }],
    BASE + 2000,
  );
  const shown = (hours: typeof counted.hours): unknown =>
    hours.map((hour) => [
      ...[hour.hour_time / 1000, hour.fixes, hour.late_fixes, hour.beyond_grace_fixes],
      ...[hour.units_heard, hour.units_silent, hour.final],
    ]);
  assert.deepEqual(shown(counted.hours), [[BASE, 31, 1, 0, 2, 0, false]]);
  assert.deepEqual((await driver.process([progress(BASE + 2030)])).hours, [], 'once a minute');
  await driver.restart();
  cab.silence(40);
  const next = await feed(driver, cab.drive(5), BASE + 2 * HOUR);
  assert.deepEqual(shown(next.hours), [
    [BASE, 31, 1, 0, 2, 0, false],
    [BASE + HOUR, 5, 0, 0, 1, 1, false],
  ]);
  const late = { ...held, t: held.t + 7, rt: BASE + 8 * HOUR };
  const end = await feed(driver, [late], BASE + 8.5 * HOUR);
  assert.deepEqual(shown(end.hours), [
    [BASE, 31, 1, 1, 2, 0, true],
    [BASE + HOUR, 5, 0, 0, 1, 1, true],
    // Nobody was heard: unknown is never zero, so these hours are said too.
    ...[2, 3, 4, 5, 6, 7].map((n) => [BASE + n * HOUR, 0, 0, 0, 0, 2, false]),
  ]);
  await driver.restart();
  const again = await driver.process([progress(BASE + 9.5 * HOUR)]);
  assert.deepEqual(
    again.hours.filter(({ fixes }) => fixes === 0).map(({ hour_time: time }) => time / 1000 - BASE),
    [2, 3, 4, 5, 6, 7, 8].map((n) => n * HOUR),
  );
});

test('what comes beyond grace makes no hours of silence between', async () => {
  const driver = await createDriver(tenant());
  const weeksOld = { t: BASE - 500 * HOUR, rt: BASE, lat: 37.7, lon: -122.4 };
  const { hours } = await feed(driver, [weeksOld, ...vehicle(BASE).drive(3)], BASE + 2 * HOUR);
  assert.deepEqual(
    hours.map(({ hour_time: time }) => (time / 1000 - BASE) / HOUR).toSorted((a, b) => a - b),
    [-500, 0, 1],
  );
});

test('after 40 days an hour leaves the topic, and what is later than that does not bring it back', async () => {
  const driver = await createDriver(tenant());
  const DAY = 24 * HOUR;
  const [first, second] = vehicle(BASE).drive(2) as [Fixture, Fixture];
  await feed(driver, [first], BASE + 100);
  const during = await driver.process([progress(BASE + HOUR + 40 * DAY - 1)]);
  assert.deepEqual(during.hoursGone, []);
  const passed = await driver.process([progress(BASE + HOUR + 40 * DAY + 60)]);
  assert.deepEqual(passed.hoursGone, [`bay-cabs/${BASE * 1000}/0`]);
  const late = await feed(
    driver,
    [{ ...second, rt: BASE + 41 * DAY }],
    BASE + HOUR + 40 * DAY + 200,
  );
  assert.deepEqual([late.hours.filter(({ fixes }) => fixes > 0), late.hoursGone], [[], []]);
  assert.equal(
    late.hours.some(({ beyond_grace_fixes: beyond }) => beyond > 0),
    false,
  );
});

test('where idling is wanted, hours say how many units have no engine signal', async () => {
  const driver = await createDriver(tenant({ events: { idle: 'detected' } }));
  const at = (n: number, unit: string, ignition: boolean | null): Fixture => ({
    ...{ t: BASE + n, lat: 37.7, lon: -122.4, unit, signals: { ignition } },
  });
  const without = async (fixtures: readonly Fixture[], clock: number): Promise<unknown> =>
    (await feed(driver, fixtures, clock)).hours.map((hour) => [
      ...[hour.units_heard, hour.units_without_engine],
    ]);
  const mute = at(1, 'wialon:7001', null);
  assert.deepEqual(await without([mute, at(2, 'wialon:7002', null)], BASE + 70), [[2, 2]]);
  await driver.restart();
  assert.deepEqual(await without([at(80, 'wialon:7002', false)], BASE + 140), [[2, 1]]);
  assert.deepEqual(await without([at(150, 'wialon:7002', null)], BASE + 7 * HOUR), [
    [2, 1],
    ...[1, 2, 3, 4, 5, 6].map(() => [0, 0]),
  ]);
  const unwanted = await createDriver(tenant());
  const [hour] = (await feed(unwanted, [mute], BASE + 70)).hours;
  assert.equal(hour?.units_without_engine, null);
});

test('a clock that stands still is said once per second', async () => {
  const driver = await createDriver(tenant());
  const stuck = Array.from({ length: 6 }, (_, i) => ({
    ...{ t: BASE, lat: 37.7 + i / 1000, lon: -122.4, rt: BASE + 1 + i },
  }));
  await feed(driver, [...stuck.slice(0, 2), stuck[1] as Fixture]);
  const said = (): number =>
    driver.logged.filter(({ message }) => message === 'device_clock.stands').length;
  assert.equal(said(), 0);
  await feed(driver, stuck.slice(2));
  assert.equal(said(), 1);
});

test('an ancient time that is a rollover of GPS weeks is named, not corrected', async () => {
  const driver = await createDriver(tenant());
  const weeks = 1_024 * 7 * 24 * HOUR;
  const at = (behind: number): Fixture => ({ t: BASE - behind, lat: 37.7, lon: -122.4, rt: BASE });
  const { rejections, trips } = await feed(driver, [
    at(weeks + 60),
    at(2 * weeks),
    at(500 * 24 * HOUR),
  ]);
  assert.deepEqual(
    rejections.map(({ code, message }) => [code, /(\d) × 1,024 weeks/.exec(message)?.[1]]),
    [
      ['ANCIENT_TIME', '1'],
      ['ANCIENT_TIME', '2'],
      ['ANCIENT_TIME', undefined],
    ],
  );
  assert.deepEqual(trips, []);
});
