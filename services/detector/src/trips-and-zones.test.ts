import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssetDescribed, TripDetector } from '@waybill/contracts';
import { createDriver } from './testing/driver.ts';
import { position, progress, UNIT, zone, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';

/** One fix a minute at these thousandths of a degree of latitude. */
function drive(thousandths: readonly number[], from = 0): Fixture[] {
  return thousandths.map((lat, i) => ({ t: (from + i) * 60, lat: lat / 1000, lon: 0.0001 }));
}

const detector: TripDetector = {
  detector: 2,
  gps_correction: true,
  min_satellites: 0,
  min_moving_speed_kmh: 5,
  min_stay_time_s: 120,
  max_messages_distance_m: 0,
  min_trip_time_s: 0,
  min_trip_distance_m: 100,
};

interface Version {
  readonly from: number | null;
  readonly to: number | null;
  readonly settings: TripDetector | null;
}

function asset(revision: number, ...versions: readonly Version[]): AssetDescribed {
  return {
    tenant_id: 'bay-cabs',
    unit: UNIT,
    event_time: revision,
    revision,
    intervals: versions.map(({ from, to, settings }) => ({
      valid_from_time: from,
      valid_to_time: to,
      name: 'truck',
      device_id: null,
      vin: null,
      registration_plate: null,
      sensors: [],
      trip_detector: settings,
      service_intervals: [],
      measure_system: null,
      counter_flags: null,
      hardware_id: null,
    })),
  };
}

// Two drives with a stop of 3 min, then a long stop.
const stopping = [0, 2, 4, 4, 4, 4, 6, 8, 8, 8, 8, 8, 8, 8, 8];

test('the tenant chooses: its own settings, or the unit’s as of event time', async () => {
  const wishes = { detection: { trip_settings: 'unit' as const } };
  const driver = await createDriver(tenant(wishes));
  await driver.setAsset(
    asset(
      1,
      { from: null, to: 1_800_000, settings: null },
      { from: 1_800_000, to: null, settings: detector },
    ),
  );
  const inputs = [...drive(stopping), ...drive(stopping, 60)].map(position);
  await driver.process([...inputs, progress(9000)]);
  const trips = driver.standingTrips();
  assert.deepEqual(
    trips.map((trip) => [trip.start_time / 60_000, trip.end_time / 60_000, trip.settings_source]),
    [
      [0, 7, 'tenant'],
      [60, 62, 'unit'],
      [65, 67, 'unit'],
    ],
  );
});

test('settings that are published later cut the retained range again', async () => {
  const driver = await createDriver(tenant({ detection: { trip_settings: 'unit' } }));
  await driver.process([...drive(stopping).map(position), progress(3600)]);
  assert.equal(driver.standingTrips().length, 1);
  const { trips } = await driver.setAsset(asset(1, { from: null, to: null, settings: detector }));
  assert.deepEqual(new Set(trips.map(({ cause }) => cause)), new Set(['late_binding']));
  assert.equal(driver.standingTrips().length, 2);
});

test('settings without a version and zones with a mistake are named and counted, and harm nobody', async () => {
  const driver = await createDriver(tenant({ detection: { trip_settings: 'unit' } }));
  const settings = { from: null, to: null, settings: detector };
  await driver.process([position({ t: 0, lat: 0, lon: 0.0001 })]);
  await driver.setAsset(asset(1, settings, settings));
  const bowTie = [
    [0, 0],
    [1, 1],
    [1, 0],
    [0, 1],
  ] as const;
  await driver.setZone(zone('wialon:600_1', bowTie.slice(0, 2)));
  await driver.setZone(zone('wialon:600_2', bowTie));
  assert.deepEqual(driver.flaws.slice(0, 3), ['no_version', 'no_version', 'two_points']);
  assert.ok(driver.flaws.includes('crosses_itself'));
  const line = driver.logged.find(({ message }) => message === 'zone.flawed');
  const { geofence_id } = (line?.fields ?? {}) as { geofence_id?: string };
  assert.equal(geofence_id, 'wialon:600_1');
  await driver.process([...drive(stopping).map(position), progress(9000)]);
  assert.equal(driver.standingTrips().length, 1, 'by the tenant’s settings');
});

test('settings that were wrong before the unit was first heard of are named too', async () => {
  const driver = await createDriver(tenant({ detection: { trip_settings: 'unit' } }));
  const settings = { from: null, to: null, settings: detector };
  await driver.setAsset(asset(1, settings, settings));
  await driver.process([position({ t: 0, lat: 0, lon: 0.0001 })]);
  assert.deepEqual(driver.flaws, ['no_version', 'no_version']);
  await driver.restart();
  await driver.process([position({ t: 60, lat: 0, lon: 0.0001 })]);
  assert.equal(driver.flaws.length, 2, 'said once');
});

const square = [
  [-0.005, 0.002],
  [0.005, 0.002],
  [0.005, 0.02],
  [-0.005, 0.02],
] as const;

test('geofence events come on their own topic, and only to tenants that want them', async () => {
  const detection = { visit_interpolate_s: 120, visit_confirm_depth_m: 20, dwell_threshold_s: 300 };
  const inputs = [...drive([0, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0]).map(position), progress(9000)];
  const plain = await createDriver(tenant({ detection }));
  await plain.setZone(zone('z', square));
  await plain.process(inputs);
  assert.equal(plain.crossings.length, 0);
  const driver = await createDriver(tenant({ detection, events: { geofence: 'detected' } }));
  await driver.setZone(zone('z', square));
  await driver.process(inputs);
  assert.deepEqual(
    driver.crossings.map(({ crossing, event_time }) => [crossing, event_time / 1000]),
    [
      ['ENTERED', 40],
      ['DWELLED', 340],
      ['LEFT', 500],
    ],
  );
  await driver.restart();
  const late = await driver.process([position({ t: 50, lat: 0.0019, lon: 0.0001, rt: 8000 })]);
  assert.equal(late.visits.length, 1);
  assert.deepEqual(
    driver.crossings.slice(3).map(({ crossing, retracted, cause }) => [crossing, retracted, cause]),
    [
      ['ENTERED', true, 'late_fix'],
      ['ENTERED', false, 'late_fix'],
      ['DWELLED', true, 'late_fix'],
      ['DWELLED', false, 'late_fix'],
      ['LEFT', false, 'late_fix'],
    ],
  );
});

test('an impossible position is left out of trips, over a restart and when it comes late', async () => {
  const driver = await createDriver(tenant({ detection: { outlier_speed_kmh: 200 } }));
  const [a, b, c, d, ...rest] = drive([0, 2, 4, 404, 6, 8, 8, 8, 8, 8, 8]).map(position);
  assert.ok(a && b && c && d);
  await driver.process([a, b, c, d]);
  await driver.restart();
  await driver.process([...rest, progress(3600)]);
  const [trip] = driver.standingTrips();
  assert.equal(trip?.left_out_count, 1);
  assert.ok((trip?.distance_km ?? 100) < 1);
  const late = await createDriver(tenant({ detection: { outlier_speed_kmh: 200 } }));
  await late.process([a, b, c, ...rest, progress(3600)]);
  await late.process([d]);
  const [same] = late.standingTrips();
  assert.equal(same?.left_out_count, 1);
  assert.equal(same?.distance_km, trip?.distance_km);
});
