import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixOf, type Fix } from './core/fix.ts';
import { fixturesOf, referenceOf, sitesOf } from './testing/recordings.ts';
import { position } from './testing/messages.ts';
import { everyRule } from './testing/fixes.ts';
import { compareCrossings, detectRecording, rowsOf } from './testing/recorded.ts';
import { compareRecording } from './testing/recorded-rules.ts';

/** Extracts of three recordings; RECORDINGS names a folder of the same layout with whole ones. */
const folder =
  process.env['RECORDINGS'] ?? fileURLToPath(new URL('../testdata/recordings', import.meta.url));
const events = rowsOf(`${folder}/geofences/site_events_reference`);

const recordings = readdirSync(folder).filter(
  (name) => rowsOf(join(folder, name, 'reference_trips_simple_rule')).length > 0,
);

/** Both conditions on a detector with debounce, and that it says less than one without. */
function assertCrossings(found: ReturnType<typeof compareCrossings>): void {
  assert.ok(found.stays > 0);
  assert.deepEqual(found.missedStays, []);
  assert.deepEqual(found.unfounded, []);
  assert.ok(found.ours < found.reference, `${found.ours} events, reference ${found.reference}`);
}

for (const recording of recordings) {
  test(`${recording}: the trips of the simple rule row for row, stays and crossings of the reference`, () => {
    const { trips, crossings } = compareRecording(folder, recording, events);
    assert.ok(trips.reference > 0);
    assert.deepEqual(
      { ...trips, reference: 0 },
      { reference: 0, missing: [], extra: [], worstDistance: 0 },
    );
    if (crossings.reference > 0) assertCrossings(crossings);
  });
}

for (const recording of ['sf-cabs', 'jersey-city-trucks'] as const) {
  test(`${recording}: every stay over 5 min is found, nothing is entered without a crossing`, () => {
    const vehicles = new Map<string, Fix[]>();
    const fixtures = fixturesOf(recording, 'bay-cabs').toSorted(
      (a, b) => a.lat - b.lat || a.lon - b.lon,
    );
    for (const [index, fixture] of fixtures.entries()) {
      const vehicle = (fixture.unit ?? '').slice('wialon:'.length);
      const made = position(fixture);
      const fixes = vehicles.get(vehicle) ?? [];
      vehicles.set(vehicle, fixes);
      fixes.push(fixOf({ ...made, provider_time: made.event_time + index }));
    }
    const areas = sitesOf(recording, 'bay-cabs').map(({ geofence_id, intervals }) => ({
      zoneId: geofence_id,
      shape: 'POLYGON' as const,
      widthM: 0,
      points: intervals[0]?.points ?? [],
      validFrom: -Infinity,
      validTo: Infinity,
    }));
    const every = everyRule(areas);
    const ruled = {
      ...every,
      outlierSpeedKmh: Infinity,
      visit: { ...every.visit, interpolateMs: 0 },
    };
    const reference = referenceOf('site-events.csv.gz').filter(
      (row) => row['dataset'] === recording,
    );
    assertCrossings(compareCrossings(detectRecording(vehicles, ruled).visits, reference));
  });
}
