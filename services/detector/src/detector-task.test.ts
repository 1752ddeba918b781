import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SiteVisited } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { newUnit } from './core/unit.ts';
import { createDriver, type Driver, type Produced } from './testing/driver.ts';
import { position, progress, square, UNIT, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';
import { checkUnit } from './unit-store.ts';

const BASE = 1_211_310_000;
const HOUR = 3600;
const DAY = 86_400;

function feed(driver: Driver, fixtures: readonly Fixture[]): Promise<Produced> {
  return driver.process(fixtures.map(position));
}

/** A stay, a drive of `minutes`, a stay of 7 minutes: one closed trip. */
function oneTrip(minutes = 10): { readonly fixtures: readonly Fixture[]; readonly end: number } {
  const cab = vehicle(BASE);
  const driven = [...cab.stay(3), ...cab.drive(minutes)];
  const end = cab.now();
  return { fixtures: [...driven, ...cab.stay(7)], end };
}

test('a trip runs from the fix before the first moving one to the last moving one', async () => {
  const { fixtures, end } = oneTrip();
  const [trip, ...others] = (await feed(await createDriver(tenant()), fixtures)).trips;
  assert.equal(others.length, 0);
  assert.ok(trip);
  assert.equal(trip.start_time, (BASE + 180) * 1000);
  assert.equal(trip.end_time, end * 1000);
  assert.equal(trip.duration_s, 600);
  assert.equal(trip.fix_count, 11);
  assert.equal(trip.distance_km, 2.22);
  assert.equal(trip.cause, 'live');
  assert.equal(trip.trip_id, hashId('trip', 'bay-cabs', UNIT, trip.start_time));
  assert.equal(trip.event_id, hashId('entity', 'bay-cabs', 'trip', trip.trip_id));
  assert.equal(trip.finality, 'provisional');
});

test('a trip is published with the fix that stands 300 s behind its end, not before', async () => {
  const { fixtures, end } = oneTrip();
  const driver = await createDriver(tenant());
  assert.equal(
    (
      await feed(
        driver,
        fixtures.filter(({ t }) => t < end + 300),
      )
    ).trips.length,
    0,
  );
  const closing = fixtures.find(({ t }) => t >= end + 300) as Fixture;
  const [trip] = (await feed(driver, [{ ...closing, received: 77_000, offset: 9 }])).trips;
  assert.equal(trip?.received_time, 77_000);
  assert.equal(trip?.revision, 77_000);
  assert.equal(trip?.trace.offset, 9);
});

test('a trip ends by silence when T reaches the newest fix plus 600 s', async () => {
  const cab = vehicle(BASE);
  const driver = await createDriver(tenant());
  await feed(driver, [...cab.stay(1), ...cab.drive(10)]);
  assert.equal((await driver.process([progress(cab.now() + 599)])).trips.length, 0);
  const [trip] = (await driver.process([progress(cab.now() + 600, { received_time: 123_456 })]))
    .trips;
  assert.equal(trip?.end_time, cab.now() * 1000);
  assert.equal(trip?.received_time, 123_456);
  assert.equal(trip?.provider_time, (cab.now() + 600) * 1000);
  assert.deepEqual(trip?.trace, trip?.last_fix);
  assert.equal((await driver.process([progress(cab.now() + 700)])).trips.length, 0);
});

test('a pull source that was never heard of holds the clock, a webhook source does not count', async () => {
  const cab = vehicle(BASE);
  const driver = await createDriver(tenant({ pullSources: ['wialon', 'second'] }));
  await feed(driver, cab.drive(12));
  assert.equal((await driver.process([progress(cab.now() + HOUR)])).trips.length, 0);
  await driver.restart();
  const late = progress(cab.now() + 600, { source_id: 'second' });
  assert.equal((await driver.process([late])).trips.length, 1);
});

test('progress that goes back moves nothing', async () => {
  const driver = await createDriver(tenant());
  await driver.process([progress(BASE + HOUR)]);
  await driver.process([progress(BASE)]);
  const cab = vehicle(BASE);
  assert.equal((await feed(driver, cab.drive(12))).trips.length, 1, 'T stands an hour on');
});

test('a late fix moves the border of a published trip: same id, greater revision', async () => {
  const { fixtures, end } = oneTrip();
  const driver = await createDriver(tenant());
  // The last moving fix is held back for an hour.
  const held = fixtures.find(({ t }) => t === end) as Fixture;
  const [before] = (
    await feed(
      driver,
      fixtures.filter((fixture) => fixture !== held),
    )
  ).trips;
  // Without it the next fix has moved, so the trip seems to end a minute later.
  assert.equal(before?.end_time, (end + 60) * 1000);
  const [after] = (await feed(driver, [{ ...held, rt: end + HOUR, received: 5_000 }])).trips;
  assert.equal(after?.trip_id, before?.trip_id);
  assert.equal(after?.end_time, end * 1000);
  assert.equal(after?.cause, 'late_fix');
  assert.equal(after?.late_by_s, HOUR);
  assert.equal(after?.retracted, false);
  assert.equal(after?.revision, (before?.revision ?? 0) + 1, 'received earlier, so one more');
});

test('a late stretch that joins two trips updates the longer and withdraws the other', async () => {
  const cab = vehicle(BASE);
  const first = [...cab.stay(1), ...cab.drive(6)];
  const middle = cab.drive(8);
  const second = cab.drive(20);
  const driver = await createDriver(tenant());
  const published = (await feed(driver, [...first, ...second, ...cab.stay(6)])).trips;
  assert.equal(published.length, 2);
  const [shorter, longer] = published;
  const joined = (
    await feed(
      driver,
      middle.map((fixture) => ({ ...fixture, rt: cab.now() + 60 })),
    )
  ).trips;
  assert.deepEqual(
    joined.map(({ trip_id, retracted, replaced_by }) => ({ trip_id, retracted, replaced_by })),
    [
      { trip_id: shorter?.trip_id, retracted: true, replaced_by: longer?.trip_id },
      { trip_id: longer?.trip_id, retracted: false, replaced_by: null },
    ],
  );
  assert.equal(joined[1]?.start_time, shorter?.start_time);
  assert.deepEqual(
    driver.standingTrips().map((trip) => trip.trip_id),
    [longer?.trip_id],
  );
});

test('a late standstill that cuts a trip in two leaves the id with the longer part', async () => {
  // Two legs that end and begin at the same place; without the stay between them 4 min 59 s pass.
  const cab = vehicle(BASE);
  const first = [...cab.stay(1), ...cab.drive(6)];
  const place = first.at(-1) as Fixture;
  const rest = Array.from({ length: 4 }, (_, i) => ({ ...place, t: place.t + 60 * (i + 1) }));
  const next = vehicle(place.t + 240, { lat: place.lat });
  const second = [...next.drive(20)];
  const driver = await createDriver(tenant({ detection: { stay_time_s: 200 } }));
  const one = await feed(driver, [...first, ...second, ...next.stay(6)]);
  assert.equal(one.trips.length, 2, 'a gap of 300 s already cuts');
  const all = await feed(
    driver,
    rest.map((fixture) => ({ ...fixture, rt: next.now() })),
  );
  assert.deepEqual(
    all.trips.map(({ start_time, retracted, trip_id }) => [start_time, retracted, trip_id]),
    [[rest.at(-1)!.t * 1000, false, one.trips[1]?.trip_id]],
    'the second now starts at the fix before its first moving one, under its own id',
  );
});

test('a trip that shrinks below 500 m is withdrawn; when it comes back it gets an id of its own', async () => {
  const cab = vehicle(BASE);
  // There and back at 300 m: 600 m only with the turning point.
  const start = cab.stay(2);
  const at = start.at(-1) as Fixture;
  const far = { ...at, t: at.t + 60, lat: at.lat + 0.0027 };
  const back = { ...at, t: at.t + 120 };
  const stay = Array.from({ length: 6 }, (_, i) => ({ ...at, t: at.t + 180 + 60 * i }));
  const driver = await createDriver(tenant());
  const [trip] = (await feed(driver, [...start, far, back, ...stay])).trips;
  assert.equal(trip?.distance_km, 0.6);
  // A copy of the second of the turning point that was registered earlier shows it never left.
  const [gone] = (await feed(driver, [{ ...at, t: far.t, rt: far.t }])).trips;
  assert.equal(gone?.trip_id, trip?.trip_id);
  assert.equal(gone?.retracted, true);
  assert.equal(gone?.replaced_by, null);
  assert.equal(gone?.distance_km, 0.6, 'a withdrawn version says what is withdrawn');
  // A still earlier copy of the turning point shows that it did: the same trip as before.
  const [again] = (await feed(driver, [{ ...far, rt: far.t - 5 }])).trips;
  assert.equal(again?.start_time, trip?.start_time);
  assert.notEqual(again?.trip_id, trip?.trip_id);
  assert.equal(driver.standingTrips().length, 1);
});

test('a trip that silence closed stays published while a later fix holds it open, then moves', async () => {
  const cab = vehicle(BASE);
  const driver = await createDriver(tenant());
  await feed(driver, [...cab.stay(1), ...cab.drive(10)]);
  const [closed] = (await driver.process([progress(cab.now() + 600)])).trips;
  // The vehicle goes on; the fixes were registered behind T.
  const on = cab.drive(3).map((fixture) => ({ ...fixture, rt: fixture.t + 700 }));
  assert.equal((await feed(driver, on)).trips.length, 0);
  assert.deepEqual(driver.standingTrips(), [closed]);
  const [moved] = (await driver.process([progress(cab.now() + 600)])).trips;
  assert.equal(moved?.trip_id, closed?.trip_id);
  assert.equal(moved?.end_time, cab.now() * 1000);
  assert.equal(moved?.cause, 'late_fix');
});

test('a live fix that moves the borders of a published trip is a late one', async () => {
  const cab = vehicle(BASE);
  const driver = await createDriver(tenant());
  await feed(driver, [...cab.stay(1), ...cab.drive(10)]);
  const [closed] = (await driver.process([progress(cab.now() + 600)])).trips;
  const [moved] = (await feed(driver, [...cab.drive(3), ...cab.stay(6)])).trips;
  assert.equal(moved?.trip_id, closed?.trip_id);
  assert.equal(moved?.cause, 'late_fix');
});

test('what was withdrawn is forgotten with its range', async () => {
  const { fixtures } = oneTrip();
  const driver = await createDriver(tenant());
  await feed(driver, fixtures);
  await driver.setTenant(tenant({ detection: { min_trip_distance_m: 5000 }, version: 2 }));
  const head = async (): Promise<number> => (await driver.saved()).get('bay-cabs/wialon:7001') ?? 0;
  const before = await head();
  await driver.process([progress(BASE + DAY)]);
  const after = await head();
  assert.ok(after < before / 2, `${after} of ${before} bytes`);
});

test('a trip of two days keeps its start although only six hours of fixes are retained', async () => {
  const cab = vehicle(BASE);
  const driver = await createDriver(tenant());
  const start = cab.now() + 60;
  let largest = 0;
  for (let hour = 0; hour < 48; hour += 1) {
    await driver.process([...cab.drive(60).map(position), progress(cab.now() - 5)]);
    largest = Math.max(largest, (await driver.saved()).size);
    if (hour % 10 === 0) await driver.restart();
  }
  const [trip] = (await driver.process([progress(cab.now() + 600)])).trips;
  assert.equal(trip?.start_time, start * 1000);
  assert.equal(trip?.fix_count, 48 * 60);
  assert.equal(trip?.distance_km, 640.26);
  // 6 h 10 min of quarter hours, 48 h of seen blocks of 6 h, head, clock, rules.
  assert.ok(largest <= 27 + 10 + 3, `${largest} saved parts`);
});

test('a fact published when no fix within grace can change it any more is final', async () => {
  const { fixtures, end } = oneTrip();
  const driver = await createDriver(tenant());
  const trips = (
    await driver.process([
      ...fixtures.filter(({ t }) => t <= end).map(position),
      progress(end + 6 * HOUR + 601),
    ])
  ).trips;
  assert.equal(trips[0]?.finality, 'final');
});

test('a visit is published when its entry is confirmed and again when its exit is', async () => {
  const cab = vehicle(BASE, { lat: 37.69 });
  const driver = await createDriver(tenant());
  await driver.setZone(square('depot', 37.7, -122.4, 0.005));
  const fixes = cab.drive(12);
  const inside = fixes.filter(({ lat }) => lat > 37.695 && lat < 37.705);
  const enter = inside[0] as Fixture;
  const leave = fixes.find(({ t }) => t > (inside.at(-1)?.t ?? 0)) as Fixture;
  const versions: SiteVisited[] = [];
  for (const fixture of fixes) versions.push(...(await feed(driver, [fixture])).visits);
  assert.deepEqual(
    versions.map(({ status, entered_time, left_time, dwell_s, cause }) => ({
      status,
      entered_time,
      left_time,
      dwell_s,
      cause,
    })),
    [
      {
        status: 'ENTERED',
        entered_time: enter.t * 1000,
        left_time: null,
        dwell_s: null,
        cause: 'live',
      },
      {
        status: 'LEFT',
        entered_time: enter.t * 1000,
        left_time: leave.t * 1000,
        dwell_s: leave.t - enter.t,
        cause: 'live',
      },
    ],
  );
  const [entered, left] = versions;
  assert.equal(entered?.received_time, ((inside[1]?.t ?? 0) + 1) * 1000, 'the confirming fix');
  assert.equal(left?.visit_id, entered?.visit_id);
  assert.ok((left?.revision ?? 0) > (entered?.revision ?? 0));
  assert.equal(entered?.visit_id, hashId('visit', 'bay-cabs', UNIT, 'depot', enter.t * 1000));
});

test('a unit that falls silent inside leaves by UNKNOWN_EXIT after five days, unless it comes back', async () => {
  const cab = vehicle(BASE, { lat: 37.69 });
  const driver = await createDriver(tenant());
  await driver.setZone(square('depot', 37.7, -122.4, 0.005));
  await feed(driver, cab.drive(5));
  const last = cab.now();
  assert.equal((await driver.process([progress(last + 5 * DAY)])).visits.length, 0);
  const [lost] = (await driver.process([progress(last + 5 * DAY + 1)])).visits;
  assert.equal(lost?.status, 'UNKNOWN_EXIT');
  assert.equal(lost?.left_time, last * 1000);
  await driver.restart();
  // A fix of that very time was registered late, but within grace: the visit goes on.
  const [open] = (
    await feed(driver, [{ t: last + 5 * DAY, lat: 37.7, lon: -122.4, rt: last + 5 * DAY + 60 }])
  ).visits;
  assert.equal(open?.visit_id, lost?.visit_id);
  assert.equal(open?.status, 'ENTERED');
  assert.equal(open?.left_time, null);
});

test('zones that arrive behind the first positions still give their visits', async () => {
  const cab = vehicle(BASE, { lat: 37.69 });
  const driver = await createDriver(tenant());
  await feed(driver, cab.drive(12));
  assert.equal(driver.standingVisits().length, 0);
  const [visit] = (await driver.setZone(square('depot', 37.7, -122.4, 0.005))).visits;
  assert.equal(visit?.status, 'LEFT');
  assert.equal(visit?.cause, 'late_binding');
  assert.equal(visit?.received_time, 1_000, 'when the tables changed last');
  const [gone] = (await driver.removeZone('bay-cabs', 'depot')).visits;
  assert.equal(gone?.retracted, true);
  assert.equal(gone?.visit_id, visit?.visit_id);
});

test('zones that changed while the detector was down are bound by the first record', async () => {
  const cab = vehicle(BASE, { lat: 37.69 });
  const driver = await createDriver(tenant());
  await feed(driver, cab.drive(12));
  await driver.restart();
  assert.equal((await driver.setZone(square('depot', 37.7, -122.4, 0.005))).visits.length, 0);
  assert.equal((await driver.process([progress(BASE)])).visits.length, 1);
});

test('an aborted change of zones is made good by the next record', async () => {
  const cab = vehicle(BASE, { lat: 37.69 });
  const driver = await createDriver(tenant());
  await feed(driver, cab.drive(12));
  await driver.setZone(square('depot', 37.7, -122.4, 0.005), { abort: true });
  const [visit] = (await driver.process([progress(BASE)])).visits;
  assert.equal(visit?.status, 'LEFT');
});

test('a zone that appears when the range before is folded away only learns the state first', async () => {
  const cab = vehicle(BASE, { lat: 37.7 });
  const driver = await createDriver(tenant());
  await driver.process([...cab.stay(30).map(position), progress(BASE + DAY)]);
  await driver.setZone(square('depot', 37.7, -122.4, 0.005));
  cab.silence(24 * 60 + 10);
  assert.equal(
    (await feed(driver, cab.stay(5))).visits.length,
    0,
    'it may have been inside all along',
  );
  assert.equal((await feed(driver, [...cab.drive(6), ...cab.stay(3)])).visits.length, 0);
});

test('settings that change cut the retained range anew', async () => {
  const { fixtures } = oneTrip();
  const driver = await createDriver(tenant());
  const [trip] = (await feed(driver, fixtures)).trips;
  const [gone] = (
    await driver.setTenant(
      tenant({ detection: { min_trip_distance_m: 5000 }, version: 2, appliedTime: 9e12 }),
    )
  ).trips;
  assert.equal(gone?.trip_id, trip?.trip_id);
  assert.equal(gone?.retracted, true);
  assert.equal(gone?.cause, 'late_binding');
  assert.equal(gone?.revision, 9e12);
  assert.equal(gone?.rule_version, 2);
});

test('a configuration that cannot be read leaves the last good one active', async () => {
  const driver = await createDriver(tenant());
  await feed(driver, oneTrip().fixtures.slice(0, 3));
  await driver.setTenant({ ...tenant(), version: 2, document: '{}' });
  assert.equal((await feed(driver, oneTrip().fixtures)).trips.length, 1);
  assert.deepEqual(
    driver.logged.map(({ message }) => message),
    ['rules.bound', 'tenant.refused'],
  );
  await driver.restart();
  // Nothing was good before: the task stops until somebody corrects it.
  assert.equal((await feed(driver, oneTrip().fixtures)).trips.length, 0);
  const stopped = driver.logged.at(-1);
  assert.equal(stopped?.message, 'task.stopped');
  assert.equal((stopped.fields as { code: string }).code, 'TENANT_INVALID');
});

test('what a tenant does not want is not published', async () => {
  const driver = await createDriver(tenant({ events: { trip: 'off', site_visit: 'off' } }));
  await driver.setZone(square('depot', 37.71, -122.4, 0.005));
  const produced = await feed(driver, oneTrip(20).fixtures);
  assert.equal(produced.records.length, 0);
});

test('repeats and second positions of one device second are left out and counted', async () => {
  const { fixtures } = oneTrip();
  const driver = await createDriver(tenant());
  const [first] = (await feed(driver, fixtures)).trips;
  const repeated = await feed(
    driver,
    fixtures.map((fixture) => ({ ...fixture, rt: fixture.t + 900 })),
  );
  assert.deepEqual([...repeated.skipped], [['repeat', fixtures.length]]);
  assert.equal(repeated.records.length, 0);
  const other = fixtures.map((fixture) => ({
    ...fixture,
    lat: fixture.lat + 0.01,
    rt: fixture.t + 2,
  }));
  const outranked = await feed(driver, other);
  assert.deepEqual([...outranked.skipped], [['same_second', fixtures.length]]);
  assert.deepEqual([...(await feed(driver, other)).skipped], [['repeat', fixtures.length]]);
  assert.deepEqual(driver.standingTrips(), [first]);
});

test('a repeat is recognised when its range is folded away, even registered again beyond grace', async () => {
  const { fixtures } = oneTrip();
  const driver = await createDriver(tenant());
  await driver.process([...fixtures.map(position), progress(BASE + DAY)]);
  assert.ok(
    ![...(await driver.saved()).keys()].some((key) => key.includes('#f/')),
    'no fix is retained',
  );
  await driver.restart();
  assert.deepEqual([...(await feed(driver, fixtures)).skipped], [['repeat', fixtures.length]]);
  const again = fixtures.map((fixture) => ({ ...fixture, rt: fixture.t + 20 * HOUR }));
  const produced = await feed(driver, again);
  assert.deepEqual([...produced.skipped], [['repeat', fixtures.length]]);
  assert.equal(produced.tasks.length, 0);
  const unknown = await feed(driver, [{ t: BASE, lat: 1, lon: 1, rt: BASE + HOUR }]);
  assert.deepEqual([...unknown.skipped], [['after_progress', 1]], 'T promised that it had come');
});

test('fixes beyond grace are counted per business day in one task and never applied', async () => {
  const driver = await createDriver(tenant());
  const { fixtures } = oneTrip();
  const late = fixtures.map((fixture) => ({
    ...fixture,
    rt: fixture.t + 8 * HOUR,
    received: 50_000,
  }));
  const first = await feed(driver, late.slice(0, 4));
  assert.equal(first.trips.length, 0);
  assert.deepEqual([...first.skipped], [['beyond_grace', 4]]);
  const [task] = first.tasks;
  assert.equal(task?.task_id, hashId('task', 'BEYOND_GRACE', 'bay-cabs', UNIT, '2008-05-20'));
  assert.equal(task?.fix_count, 4);
  assert.equal(task?.max_late_by_s, 8 * HOUR);
  assert.equal(task?.first_event_time, (late[0]?.t ?? 0) * 1000);
  assert.equal(task?.revision, 50_000);
  const record = first.records[0];
  assert.equal(record?.key, 'bay-cabs');
  await driver.restart();
  const second = await feed(driver, late);
  assert.equal(second.tasks[0]?.fix_count, fixtures.length);
  assert.equal(second.tasks[0]?.revision, 50_001);
  assert.deepEqual(
    [...second.skipped].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [
      ['beyond_grace', fixtures.length - 4],
      ['repeat', 4],
    ],
  );
  assert.equal((await feed(driver, late)).tasks.length, 0);
  // Copies that were registered in time turn up: the day needs nobody any more.
  const [done] = (await feed(driver, fixtures)).tasks;
  assert.equal(done?.status, 'DONE');
  assert.equal(done?.fix_count, 0);
});

test('exactly the grace is within it, a second more is beyond', async () => {
  const driver = await createDriver(tenant());
  const at = { t: BASE, lat: 37.7, lon: -122.4 };
  assert.equal((await feed(driver, [{ ...at, rt: BASE + 6 * HOUR }])).tasks.length, 0);
  assert.equal(
    (await feed(driver, [{ ...at, t: BASE + 1, rt: BASE + 1 + 6 * HOUR + 1 }])).tasks.length,
    1,
  );
});

test('a bucket that nobody adds to is dropped after 35 days', async () => {
  const driver = await createDriver(tenant());
  await feed(driver, [{ t: BASE, lat: 37.7, lon: -122.4, rt: BASE + DAY }]);
  const buckets = async (): Promise<string[]> =>
    [...(await driver.saved()).keys()].filter((key) => key.includes('#b/'));
  await driver.process([progress(BASE + 36 * DAY)]);
  assert.deepEqual(await buckets(), ['bay-cabs/wialon:7001#b/2008-05-20']);
  await driver.process([progress(BASE + 36 * DAY + 1)]);
  assert.deepEqual(await buckets(), []);
});

test('fixes of wrong clocks are refused and move nothing; their neighbours go on', async () => {
  const { fixtures } = oneTrip();
  const driver = await createDriver(tenant());
  const wrong: Fixture[] = [
    { t: 4_070_908_800, lat: 37.7, lon: -122.4, rt: BASE },
    { t: BASE - 401 * DAY, lat: 37.7, lon: -122.4, rt: BASE },
  ];
  const produced = await feed(driver, [wrong[0] as Fixture, ...fixtures, wrong[1] as Fixture]);
  assert.equal(produced.trips.length, 1);
  assert.deepEqual(
    produced.rejections.map(({ code, kind, trace }) => [code, kind, trace.index]),
    [
      ['FUTURE_TIME', 'refused', -1],
      ['ANCIENT_TIME', 'refused', -1],
    ],
  );
  assert.match(
    produced.rejections[0]?.message ?? '',
    /at most 120 s after registration, found \d+ s/,
  );
  const { original } = produced.rejections[0] ?? {};
  assert.equal(original?.[0], 0, 'the record as it stood in the topic');
  assert.ok(original.includes('bay-cabs'));
});

test('a device clock may be two minutes ahead', async () => {
  const driver = await createDriver(tenant());
  const ahead = await feed(driver, [{ t: BASE + 120, lat: 37.7, lon: -122.4, rt: BASE }]);
  assert.equal(ahead.rejections.length, 0);
  assert.equal(
    (await feed(driver, [{ t: BASE + 121, lat: 37.7, lon: -122.4, rt: BASE }])).rejections.length,
    1,
  );
});

test('positions of a tenant without configuration are refused', async () => {
  const produced = await feed(await createDriver(), [{ t: BASE, lat: 37.7, lon: -122.4 }]);
  assert.deepEqual(
    produced.rejections.map(({ code, tenant_id }) => [code, tenant_id]),
    [['TENANT_UNKNOWN', 'bay-cabs']],
  );
});

test('a unit that retains too much refuses more, and goes on when progress moves', async () => {
  const driver = await createDriver(tenant(), { maxFixesPerUnit: 10 });
  const cab = vehicle(BASE);
  const produced = await feed(driver, cab.stay(12));
  assert.deepEqual(
    produced.rejections.map(({ code }) => code),
    ['UNIT_LIMIT', 'UNIT_LIMIT'],
  );
  assert.equal(
    (await feed(driver, vehicle(BASE).stay(10))).rejections.length,
    0,
    'repeats are none',
  );
  await driver.process([progress(BASE + DAY)]);
  cab.silence(24 * 60);
  assert.equal((await feed(driver, cab.stay(3))).rejections.length, 0);
});

/** 20 positions fit: five are refused, T lets the first quarter go, the others find room. */
async function overTheLimit(restart: (driver: Driver) => Promise<void>): Promise<unknown> {
  const driver = await createDriver(tenant({ graceHours: 1 }), { maxFixesPerUnit: 20 });
  const cab = vehicle(BASE);
  const first = await feed(driver, cab.drive(25));
  assert.equal(first.rejections.length, 5);
  await driver.process([progress(BASE + 1.5 * HOUR)]);
  const next = await feed(driver, cab.drive(10));
  await restart(driver);
  const last = await feed(driver, [...cab.drive(5), ...cab.stay(1)]);
  return {
    rejections: [next, last].map(({ rejections }) => rejections.length),
    trips: driver.standingTrips(),
  };
}

test('a position refused at the limit stays so when a restart reads it again', async () => {
  const expected = await overTheLimit(async () => undefined);
  assert.deepEqual(await overTheLimit(async (driver) => driver.restart()), expected);
});

test('a trip that no contract can hold becomes one dead letter and stops nothing', async () => {
  const driver = await createDriver(tenant());
  const jumps = Array.from({ length: 10 }, (_, i) => ({
    t: BASE + i * 60,
    lat: i % 2 === 0 ? 40 : -40,
    lon: i % 2 === 0 ? 0 : 170,
  }));
  const stay = Array.from({ length: 8 }, (_, i) => ({ t: BASE + 600 + i * 60, lat: 40, lon: 0 }));
  const produced = await feed(driver, [...jumps, ...stay]);
  assert.equal(produced.trips.length, 0);
  assert.deepEqual(
    produced.rejections.map(({ code }) => code),
    ['TRIP_IMPLAUSIBLE'],
  );
  await driver.restart();
  assert.equal(
    (await feed(driver, [{ t: BASE + 630, lat: 40, lon: 0, rt: BASE + 2000 }])).rejections.length,
    0,
  );
});

test('units of several tenants in one task keep to their own settings and clocks', async () => {
  const driver = await createDriver(tenant());
  await driver.setTenant(tenant({ tenantId: 'hudson-waste', zone: 'America/New_York' }));
  const cab = vehicle(BASE);
  const truck = vehicle(BASE, { tenantId: 'hudson-waste', unit: 'wialon:8001' });
  await feed(driver, [...cab.drive(10), ...truck.drive(10)]);
  const produced = await driver.process([progress(BASE + HOUR, { tenant_id: 'hudson-waste' })]);
  assert.deepEqual(
    produced.trips.map((trip) => [trip.tenant_id, trip.unit]),
    [['hudson-waste', 'wialon:8001']],
  );
});

test('saved state that lost a part stops with a clear message', async () => {
  const driver = await createDriver(tenant());
  await feed(driver, [{ ...vehicle(BASE).drive(1)[0], rt: BASE + 8 * HOUR } as Fixture]);
  await driver.lose('#b/');
  await assert.rejects(driver.restart(), {
    code: 'STATE_DAMAGED',
    message: /bay-cabs\/wialon:7001.*saved part '#b\/2008-05-20' is missing/,
  });
});

test('fixes that the input no longer has stop the task: their trips would be withdrawn', () => {
  const unit = newUnit('bay-cabs', 'wialon:7001');
  assert.doesNotThrow(() => checkUnit({ unit, named: [] }));
  assert.throws(() => checkUnit({ unit, named: [{ index: 1_345_900, firstOffset: 17 }] }), {
    code: 'STATE_DAMAGED',
    message: /2008-05-20T19:00:00.000Z, which came with offset 17; is the retention/,
  });
});

test('packed fixes are not in the changelog: a fix more writes nothing until something is published', async () => {
  const driver = await createDriver(tenant());
  const cab = vehicle(BASE);
  await feed(driver, cab.drive(5));
  const before = await driver.written();
  assert.ok(before > 0);
  await feed(driver, cab.drive(5));
  assert.equal(await driver.written(), before);
});
