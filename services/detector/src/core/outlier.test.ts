import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GeofenceCrossed, TripCompleted } from '@waybill/contracts';
import { everyRule, fix, track } from '../testing/fixes.ts';
import { detectAll } from './detect-all.ts';
import type { Fix } from './fix.ts';
import { isTooFast, withoutPosition } from './outlier.ts';
import type { Area } from './zone-shape.ts';

const identity = { tenantId: 'bay-cabs', unit: 'wialon:7001' };

function tripsOf(fixes: readonly Fix[], rules = everyRule()): TripCompleted[] {
  return detectAll(identity, fixes, rules).announcements.flatMap(({ message }) =>
    message.type === 'TripCompleted' ? [message.value as TripCompleted] : [],
  );
}

test('too fast is more than the limit, by great circle', () => {
  const [a, b] = track([0, 30]);
  assert.ok(a && b);
  // 30 thousandths of a degree a minute are 200.15 km/h.
  assert.ok(isTooFast(a, b, 200));
  assert.ok(!isTooFast(a, b, 201));
});

// Thousandths of a degree, one fix a minute; 2 are 13 km/h, 400 are 2,669 km/h.
const cases: readonly [string, readonly number[], number][] = [
  ['a jump of one fix and back is left out', [0, 2, 4, 404, 6, 8, 8, 8, 8, 8, 8], 1],
  ['two jumps in a row agree with each other: both count', [0, 2, 4, 404, 406, 6, 8], 0],
  ['a leap after which it goes on from there is believed', [0, 2, 4, 404, 406, 408, 410], 0],
  ['every second fix is wrong', [0, 400, 2, 400, 4, 400, 6, 8], 3],
];
for (const [title, thousandths, leftOut] of cases) {
  test(title, () => {
    const [trip] = tripsOf(track(thousandths));
    assert.equal(trip?.left_out_count, leftOut);
    const jumped = leftOut === 0;
    assert.equal((trip?.great_circle_km ?? 0) > 10, jumped, `${trip?.great_circle_km} km`);
  });
}

test('with the filter off everything counts', () => {
  const rules = everyRule([], { outlierSpeedKmh: Infinity });
  const [trip] = tripsOf(track([0, 2, 4, 404, 6, 8]), rules);
  assert.equal(trip?.left_out_count, 0);
  assert.ok((trip?.distance_km ?? 0) > 80);
});

test('a doubtful fix that nobody contradicts within the gap counts', () => {
  const fixes = [...track([0, 2, 4, 6]), fix({ t: 240, lat: 0.406, lon: 0.0001 })];
  const alone = tripsOf(fixes);
  assert.equal(alone[0]?.end_time, 240_000, 'T has passed, nobody came');
  const later = tripsOf([...fixes, fix({ t: 540, lat: 0.008, lon: 0.0001 })]);
  assert.equal(later[0]?.end_time, 240_000, 'the neighbour comes too late to say anything');
  const soon = tripsOf([...fixes, fix({ t: 300, lat: 0.01, lon: 0.0001 })]);
  assert.deepEqual([soon[0]?.end_time, soon[0]?.left_out_count], [300_000, 1]);
});

test('until then it is held back, and given to the rules when T has passed', () => {
  const fixes = [...track([0, 2, 4]), fix({ t: 180, lat: 0.404, lon: 0.0001 })];
  const before = detectAll(identity, fixes, everyRule(), 479_999).unit.timeline;
  assert.equal(before.view.state.held.length, 1);
  const after = detectAll(identity, fixes, everyRule(), 480_000).unit.timeline;
  assert.equal(after.view.state.held.length, 0);
  assert.equal(after.head.held.length, 1, 'a late neighbour may still contradict');
});

test('an impossible position enters no zone, what else it measured stays', () => {
  const zone: Area = {
    zoneId: 'z',
    shape: 'CIRCLE',
    widthM: 400,
    points: [{ latitude: 0.404, longitude: 0 }],
    validFrom: -Infinity,
    validTo: Infinity,
  };
  const given = track([0, 2, 4, 404, 6, 8], { signals: { fuel_level_l: 40 } });
  const { announcements } = detectAll(identity, given, everyRule([zone]));
  const crossings = announcements.filter(({ message }) => message.type === 'GeofenceCrossed');
  assert.deepEqual(
    crossings.map(({ message }) => (message.value as GeofenceCrossed).crossing),
    [],
  );
  const stripped = withoutPosition(given[3] as Fix);
  assert.equal(stripped.latitude, undefined);
  assert.equal(stripped.fuelLevelL, 40);
});
