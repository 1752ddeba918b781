import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TripCompleted } from '@waybill/contracts';
import { createDriver, type Driver } from './testing/driver.ts';
import { position, progress, type Fixture } from './testing/messages.ts';
import { fixturesOf, referenceOf, sitesOf, type Recording } from './testing/recordings.ts';
import { tenant } from './testing/tenant.ts';

const tenants = { 'sf-cabs': 'bay-cabs', 'jersey-city-trucks': 'hudson-waste' } as const;
const BATCH = 500;

async function play(recording: Recording, fixtures: readonly Fixture[]): Promise<Driver> {
  const tenantId = tenants[recording];
  const driver = await createDriver(
    tenant({ tenantId, graceHours: 240, detection: { visit_confirm_fixes: 1 } }),
  );
  for (const site of sitesOf(recording, tenantId)) await driver.setZone(site);
  for (let at = 0; at < fixtures.length; at += BATCH) {
    await driver.process(fixtures.slice(at, at + BATCH).map(position));
  }
  const end = Math.max(...fixtures.map(({ t, rt }) => Math.max(t, rt ?? t)));
  await driver.process([progress(end + 600, { tenant_id: tenantId })]);
  return driver;
}

/**
 * The crossings' reference took, of several positions in one second, the one with the smallest latitude
 * and longitude, not the one polled first as its description says (the trips' reference did). Without
 * the others both rules choose the same.
 */
function smallestPerSecond(fixtures: readonly Fixture[]): Fixture[] {
  const chosen = new Map<string, Fixture>();
  for (const fixture of fixtures) {
    const key = `${fixture.unit} ${fixture.t}`;
    const known = chosen.get(key);
    const isSmaller =
      known === undefined ||
      fixture.lat < known.lat ||
      (fixture.lat === known.lat && fixture.lon < known.lon);
    if (isSmaller) chosen.set(key, fixture);
  }
  return [...chosen.values()];
}

/** Enter and the exit that follows it; `open` where none does. */
function visitsOf(recording: Recording): string[] {
  const visits: string[] = [];
  const entered = new Map<string, string>();
  for (const row of referenceOf('site-events.csv.gz')) {
    if (row['dataset'] !== recording) continue;
    const place = `${row['vehicle_id']} ${row['geofence_id']}`;
    const time = row['time_utc'] ?? '';
    const start = entered.get(place);
    if (row['event'] === 'enter') {
      entered.set(place, time);
    } else if (start !== undefined) {
      visits.push(`${place} ${start} ${time}`);
      entered.delete(place);
    }
  }
  for (const [place, start] of entered) visits.push(`${place} ${start} open`);
  return visits;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

function keyOf(vehicle: string, start: string, end: string): string {
  return `${vehicle} ${start} ${end}`;
}

function compareTrips(found: readonly TripCompleted[], reference: Record<string, string>[]): void {
  const byKey = new Map(
    found.map((trip) => [
      keyOf(trip.unit.slice('wialon:'.length), iso(trip.start_time), iso(trip.end_time)),
      trip,
    ]),
  );
  const keys = reference.map((row) =>
    keyOf(row['vehicle_id'] ?? '', row['start_utc'] ?? '', row['end_utc'] ?? ''),
  );
  assert.deepEqual([...byKey.keys()].toSorted(), keys.toSorted());
  for (const [index, row] of reference.entries()) {
    const trip = byKey.get(keys[index] ?? '');
    assert.ok(trip !== undefined);
    assert.ok(Math.abs(trip.distance_km * 1000 - Number(row['distance_m'])) <= 10, keys[index]);
    assert.equal(trip.fix_count, Number(row['fixes']));
    assert.equal(trip.start_latitude, Number(row['start_lat']));
    assert.equal(trip.start_longitude, Number(row['start_lon']));
    assert.equal(trip.end_latitude, Number(row['end_lat']));
    assert.equal(trip.end_longitude, Number(row['end_lon']));
  }
}

for (const [recording, rows] of [
  ['sf-cabs', 983],
  ['jersey-city-trucks', 333],
] as const) {
  const fixtures = fixturesOf(recording, tenants[recording]);

  test(`the plain recording of ${recording} gives the ${rows} trips of the simple rule`, async () => {
    const reference = referenceOf(`${recording}.trips.csv.gz`);
    assert.equal(reference.length, rows);
    compareTrips((await play(recording, fixtures)).standingTrips(), reference);
  });

  test(`the plain recording of ${recording} gives a visit for every pair of crossings`, async () => {
    const driver = await play(recording, smallestPerSecond(fixtures));
    const found = driver.standingVisits().map((visit) => {
      const place = `${visit.unit.slice('wialon:'.length)} ${visit.geofence_id}`;
      const left = visit.status === 'LEFT' && visit.left_time !== null;
      return `${place} ${iso(visit.entered_time)} ${left ? iso(visit.left_time) : 'open'}`;
    });
    assert.deepEqual(found.toSorted(), visitsOf(recording).toSorted());
  });
}
