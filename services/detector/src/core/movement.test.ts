import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PositionRecorded, TripCompleted, TripDetector } from '@waybill/contracts';
import { everyRule, fix, rules } from '../testing/fixes.ts';
import { detectAll } from './detect-all.ts';
import type { LocatedFix } from './fix.ts';
import { isMoving } from './movement.ts';
import type { Rules, TripRule } from './rules.ts';
import { tripRuleOf, tripVersionsOf } from './trip-settings.ts';

const ours = rules().trip;

function at(minute: number, lat: number, signals: Partial<PositionRecorded> = {}): LocatedFix {
  return fix({ t: minute * 60, lat, lon: 1, signals });
}

function moves(rule: TripRule, before: LocatedFix, now: LocatedFix): boolean {
  const stepM = Math.abs(now.latitude - before.latitude) * 111_195;
  return isMoving(now, { before, gapMs: now.time - before.time, stepM }, rule);
}

// 0.001 degree a minute are 6.7 km/h.
const sources: readonly [string, Partial<TripRule>, Partial<PositionRecorded>, number, boolean][] =
  [
    ['position: way over time', {}, { speed_kmh: 0 }, 0.001, true],
    ['position: recorded speed does not count', {}, { speed_kmh: 50 }, 0, false],
    ['speed: recorded', { movementSource: 'speed' }, { speed_kmh: 50 }, 0, true],
    [
      'speed: 5 km/h is standing by ours',
      { movementSource: 'speed' },
      { speed_kmh: 5 },
      0.001,
      false,
    ],
    [
      'speed: 5 km/h is moving by Wialon’s',
      { movementSource: 'speed', isMinSpeedMoving: true },
      { speed_kmh: 5 },
      0,
      true,
    ],
    ['speed: without one positions tell', { movementSource: 'speed' }, {}, 0.001, true],
    ['ignition on', { movementSource: 'ignition' }, { ignition: true }, 0, true],
    ['ignition off', { movementSource: 'ignition' }, { ignition: false }, 0.001, false],
    [
      'ignition on, but too slow',
      { movementSource: 'ignition', checksSpeed: true },
      { ignition: true, speed_kmh: 1 },
      0,
      false,
    ],
    ['no ignition signal: speed tells', { movementSource: 'ignition' }, { speed_kmh: 50 }, 0, true],
    ['odometer rises', { movementSource: 'odometer' }, { odometer_km: 10.1 }, 0, true],
    ['odometer stands', { movementSource: 'odometer' }, { odometer_km: 10 }, 0.001, false],
  ];
for (const [title, rule, signals, lat, expected] of sources) {
  test(`movement: ${title}`, () => {
    const before = at(0, 0, { odometer_km: 10 });
    assert.equal(moves({ ...ours, ...rule }, before, at(1, lat, signals)), expected);
  });
}

const detector: TripDetector = {
  detector: 1,
  gps_correction: true,
  min_satellites: 4,
  min_moving_speed_kmh: 3,
  min_stay_time_s: 120,
  max_messages_distance_m: 1000,
  min_trip_time_s: 90,
  min_trip_distance_m: 200,
};

test('the unit’s own settings mean what the provider means by them', () => {
  const rule = tripRuleOf(detector, ours);
  assert.equal(rule.movementSource, 'speed');
  assert.deepEqual([rule.minSpeedKmh, rule.isMinSpeedMoving, rule.minSatellites], [3, true, 4]);
  assert.deepEqual([rule.stayMs, rule.maxStepM, rule.minDurationMs], [120_000, 1000, 90_000]);
  assert.equal(rule.minDistanceM, 200);
  const byPosition = tripRuleOf({ ...detector, detector: 2 }, ours);
  assert.equal(byPosition.minSpeedKmh, 0, 'every change of place is movement');
  const free = tripRuleOf({ ...detector, detector: 3, gps_correction: false }, ours);
  assert.deepEqual([free.checksSpeed, free.minSatellites], [false, 0]);
  const anyWay = tripRuleOf({ ...detector, max_messages_distance_m: 0, detector: 77 }, ours);
  assert.deepEqual([anyWay.maxStepM, anyWay.movementSource], [Infinity, 'speed']);
});

test('versions of settings hold as of event time; what is wrong with them is named', () => {
  const value = { trip_detector: detector };
  const none = { trip_detector: null };
  const versions = (list: Parameters<typeof tripVersionsOf>[0]): unknown[] => {
    const { versions: found, problems } = tripVersionsOf(list, ours);
    return [found.map(({ from, to }) => [from, to]), problems];
  };
  const [early, late] = [-Infinity, Infinity];
  assert.deepEqual(versions([{ from: early, to: late, value }]), [[[early, late]], []]);
  assert.deepEqual(
    versions([
      { from: 100, to: late, value },
      { from: early, to: 150, value },
    ]),
    [
      [
        [early, 100],
        [100, late],
      ],
      ['overlap'],
    ],
  );
  assert.deepEqual(versions([{ from: early, to: late, value: none }]), [[], ['no_settings']]);
  assert.deepEqual(
    versions([
      { from: early, to: late, value },
      { from: early, to: late, value },
    ]),
    [[], ['no_version', 'no_version']],
  );
});

function tripsOf(fixes: readonly LocatedFix[], given: Rules): TripCompleted[] {
  const identity = { tenantId: 'bay-cabs', unit: 'wialon:7001' };
  return detectAll(identity, fixes, given).announcements.flatMap(({ message }) =>
    message.type === 'TripCompleted' ? [message.value as TripCompleted] : [],
  );
}

/** Minutes of start and end. */
function minutes(trips: readonly TripCompleted[]): number[][] {
  return trips.map((trip) => [trip.start_time / 60_000, trip.end_time / 60_000]);
}

function drive(speeds: readonly number[], signals: Partial<PositionRecorded> = {}): LocatedFix[] {
  let lat = 0;
  return speeds.map((speed, minute) => {
    lat = Math.round((lat + speed / 6671) * 1e7) / 1e7;
    return at(minute, lat, { speed_kmh: speed, ...signals });
  });
}

function withUnit(wishes: Partial<TripDetector>): Rules {
  const rule = tripRuleOf({ ...detector, min_stay_time_s: 300, ...wishes }, ours);
  return everyRule([], { unitTrip: [{ from: -Infinity, to: Infinity, rule }] });
}

test('a stay begins with the first standing message', () => {
  // Moving until minute 3, standing from 4 to 8: four minutes by Wialon, five by ours.
  const fixes = drive([0, 30, 30, 30, 0, 0, 0, 0, 30, 30, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(minutes(tripsOf(fixes, withUnit({}))), [[0, 9]]);
  const bySpeed = everyRule([], { trip: { ...ours, movementSource: 'speed' } });
  assert.deepEqual(minutes(tripsOf(fixes, bySpeed)), [
    [0, 3],
    [7, 9],
  ]);
});

test('trip time, trip distance, message distance and satellites of the unit', () => {
  const short = drive([0, 30, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(minutes(tripsOf(short, withUnit({}))), [], 'one minute is less than 90 s');
  assert.deepEqual(minutes(tripsOf(short, withUnit({ min_trip_time_s: 60 }))), [[0, 1]]);
  const creeping = drive([0, 4, 4, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(minutes(tripsOf(creeping, withUnit({}))), [], '133 m are less than 200 m');
  const jumping = drive([0, 30, 30, 30, 90, 30, 30, 30, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(minutes(tripsOf(jumping, withUnit({}))), [
    [0, 3],
    [4, 7],
  ]);
  const blind = drive([0, 30, 30, 30, 0, 0, 0, 0, 0, 0], { satellites: 3 });
  assert.deepEqual(minutes(tripsOf(blind, withUnit({}))), []);
});

test('distance by odometer where the tenant wants it and the unit has one; both are reported', () => {
  const given = everyRule([], { trip: { ...ours, distanceSource: 'odometer' } });
  const readings = [500, 500.5, 1.2, 1.9, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6];
  const fixes = drive([0, 30, 30, 30, 30, 0, 0, 0, 0, 0, 0]).map((each, i) => ({
    ...each,
    odometerKm: readings[i],
  }));
  const [trip] = tripsOf(fixes, given);
  // 0.5 km, a counter that was reset, twice 0.7 km.
  assert.equal(trip?.distance_source, 'odometer');
  assert.equal(trip?.distance_km, 1.9);
  assert.equal(trip?.odometer_km, 1.9);
  assert.equal(trip?.great_circle_km, 2);
  const [without] = tripsOf(drive([0, 30, 30, 30, 30, 0, 0, 0, 0, 0, 0]), given);
  assert.equal(without?.distance_source, 'great_circle');
  assert.equal(without?.odometer_km, null);
});

test('a private trip has times and distance and no coordinates', () => {
  const fixes = drive([0, 30, 30, 30, 0, 0, 0, 0, 0, 0], { is_private: true });
  const [trip] = tripsOf(fixes, everyRule());
  assert.ok(trip?.is_private);
  assert.equal(trip.distance_km, 1.5);
  const { start_latitude, start_longitude, end_latitude, end_longitude } = trip;
  assert.deepEqual([start_latitude, start_longitude, end_latitude, end_longitude], [0, 0, 0, 0]);
});
