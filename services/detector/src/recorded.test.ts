import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fixOf, type Fix } from './core/fix.ts';
import { fixturesOf, referenceOf, sitesOf } from './testing/recordings.ts';
import { position } from './testing/messages.ts';
import { everyRule } from './testing/fixes.ts';
import { compareCrossings, detectRecording, rowsOf } from './testing/recorded.ts';
import { compareRecording } from './testing/recorded-rules.ts';

const folder = fileURLToPath(new URL('../testdata/recordings', import.meta.url));
const events = rowsOf(`${folder}/geofences/site_events_reference`);

const trips = { envirocar: 1, 'rabat-ev': 2, 'austin-buses': 264 };
for (const [recording, count] of Object.entries(trips)) {
  test(`${recording}: the trips of the simple rule row for row, movement by recorded speed`, () => {
    const found = compareRecording(folder, recording, events).trips;
    assert.deepEqual(found, { reference: count, missing: [], extra: [], worstDistance: 0 });
  });
}

/** Both conditions on a detector with debounce, and that it says less than one without. */
function assertCrossings(found: ReturnType<typeof compareCrossings>): void {
  assert.ok(found.stays > 0);
  assert.deepEqual(found.missedStays, []);
  assert.deepEqual(found.unfounded, []);
  assert.ok(found.ours < found.reference, `${found.ours} events, reference ${found.reference}`);
}

test('austin-buses: every stay over 5 min is found, nothing is entered without a crossing', () => {
  assertCrossings(compareRecording(folder, 'austin-buses', events).crossings);
});

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
