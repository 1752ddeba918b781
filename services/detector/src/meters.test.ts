import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  topics,
  type AssetDescribed,
  type PositionRecorded,
  type ServiceInterval,
} from '@waybill/contracts';
import { unitSettingsOf } from './core/unit-settings.ts';
import { createDriver } from './testing/driver.ts';
import { position, progress, UNIT } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';

const HOUR_S = 3600;
/** Midnight in Los Angeles, 20 May 2008. */
const DAY_S = Date.parse('2008-05-20T07:00:00Z') / 1000;

const config = tenant({
  events: { trip: 'off', site_visit: 'off', odometer: 'detected', service_due: 'detected' },
});

/** A reading so many hours after the day began. */
function reading(hour: number, odometerKm: number | null, wishes: Partial<PositionRecorded> = {}) {
  return position({
    t: DAY_S + hour * HOUR_S,
    lat: 37.7,
    lon: -122.4,
    signals: { odometer_km: odometerKm, ...wishes },
  });
}

const days: readonly [
  string,
  readonly (readonly [number, number])[],
  readonly (readonly [string, number | null, number | null, number, number])[],
][] = [
  [
    'the last reading of each business day, also across midnight in UTC',
    [
      [1, 1000],
      [16.5, 1080],
      [23.9, 1100],
      [25, 1120],
    ],
    [
      ['2008-05-20', 1100, 100, 0, 0],
      ['2008-05-21', 1120, 20, 0, 0],
    ],
  ],
  [
    'a single wild reading is left out',
    [
      [1, 1000],
      [2, 9000],
      [3, 1050],
    ],
    [['2008-05-20', 1050, 50, 0, 1]],
  ],
  [
    'a fall is a reset, never a negative distance',
    [
      [1, 1000],
      [2, 1020],
      [3, 5],
      [4, 30],
    ],
    [['2008-05-20', 30, 45, 1, 0]],
  ],
  [
    'a counter that is rounded differently for once does not fall',
    [
      [1, 1000],
      [2, 1010],
      [3, 1009.5],
    ],
    [['2008-05-20', 1010, 10, 0, 0]],
  ],
  [
    'nor does the distance behind a reset',
    [
      [1, 1000],
      [2, 1020],
      [3, 5],
      [4, 4.5],
    ],
    [['2008-05-20', 4.5, 20, 1, 0]],
  ],
  [
    'a rise that is faster than anything drives is left out',
    [
      [1, 1000],
      [1.1, 1100],
    ],
    [['2008-05-20', 1000, 0, 0, 1]],
  ],
  [
    'more than 1,500 km in a day is not driven',
    [
      [0, 1000],
      [8, 2000],
      [16, 3000],
    ],
    [['2008-05-20', 2000, 1000, 0, 1]],
  ],
];

for (const [title, readings, expected] of days) {
  test(`meters: ${title}`, async () => {
    const driver = await createDriver(config);
    await driver.process(readings.map(([hour, km]) => reading(hour, km)));
    await driver.process([progress(DAY_S + 48 * HOUR_S)]);
    const found = driver.standing(topics.odometer);
    assert.deepEqual(
      found.map((event) => [
        event.business_date,
        event.odometer_km,
        event.distance_km,
        event.reset_count,
        event.implausible_count,
      ]),
      expected,
    );
  });
}

test('a late reading revises its day under the same id, and only that', async () => {
  const driver = await createDriver(config);
  await driver.process([reading(1, 1000), reading(25, 1100)]);
  await driver.process([progress(DAY_S + 26 * HOUR_S)]);
  const late = { ...reading(23, 1060), provider_time: (DAY_S + 26 * HOUR_S) * 1000 };
  await driver.process([late]);
  const versions = driver.versions(topics.odometer);
  assert.deepEqual(
    versions.map((event) => [event.business_date, event.odometer_km, event.cause]),
    [
      ['2008-05-20', 1000, 'live'],
      ['2008-05-20', 1060, 'late_fix'],
    ],
  );
  assert.equal(versions[0]?.reading_id, versions[1]?.reading_id);
});

function asset(
  intervals: readonly ServiceInterval[],
  revision: number,
  counter_flags: number | null = null,
): AssetDescribed {
  const interval = {
    valid_from_time: null,
    valid_to_time: null,
    name: 'Cab',
    device_id: null,
    vin: null,
    registration_plate: null,
    sensors: [],
    trip_detector: null,
    service_intervals: intervals,
    measure_system: null,
    counter_flags,
    hardware_id: null,
  };
  return {
    tenant_id: 'bay-cabs',
    unit: UNIT,
    event_time: revision,
    revision,
    intervals: [interval],
  };
}

const oil: ServiceInterval = {
  interval_id: 1,
  name: 'Oil',
  interval_km: 10_000,
  interval_days: 0,
  interval_engine_hours_h: 0,
  last_km: 100_000,
  last_time: null,
  last_engine_hours_h: 0,
  times_done: 3,
};

test('service is due once per interval and cycle, within the lead', async () => {
  const driver = await createDriver(config);
  const hours = { ...oil, interval_id: 2, interval_km: 0, interval_engine_hours_h: 500 };
  await driver.setAsset(asset([oil, hours], 1));
  await driver.process([reading(1, 109_400), reading(2, 109_501), reading(3, 109_560)]);
  await driver.process([reading(4, 109_600, { engine_hours_h: 481 })]);
  await driver.restart();
  await driver.process([reading(5, 109_650, { engine_hours_h: 499 })]);
  assert.deepEqual(
    driver
      .versions(topics.workOrder)
      .map((due) => [due.interval_id, due.cycle, due.due_by, due.odometer_km, due.event_time]),
    [
      [1, 3, 'DISTANCE', 109_501, (DAY_S + 2 * HOUR_S) * 1000],
      [2, 3, 'ENGINE_HOURS', 109_600, (DAY_S + 4 * HOUR_S) * 1000],
    ],
  );
  // The service was done: a new cycle, and nothing is due.
  await driver.setAsset(asset([{ ...oil, last_km: 109_650, times_done: 4 }, hours], 2));
  await driver.process([reading(6, 109_700)]);
  const standing = driver.standing(topics.workOrder);
  assert.deepEqual(
    standing.map(({ interval_id: id, cycle }) => [id, cycle]),
    [[2, 3]],
  );
});

test('services by distance that the provider counts by GPS are named, where services are wanted', async () => {
  const byGps = (flags: number | null, intervals = [oil]): boolean | undefined =>
    unitSettingsOf(asset(intervals, 1, flags), undefined, undefined).provider[0]?.value
      .plansKmByGps;
  const byDate = { ...oil, interval_km: 0, interval_days: 90 };
  for (const flags of [0, 3, 0x113]) assert.equal(byGps(flags), true);
  for (const flags of [null, 1, 0x112]) assert.equal(byGps(flags), false);
  assert.equal(byGps(0, [byDate]), false);

  const driver = await createDriver(tenant());
  await driver.process([reading(8, 100)]);
  await driver.setAsset(asset([oil], 1, 0));
  assert.deepEqual(driver.flaws, [], 'not wanted');
  await driver.setTenant({ ...config, version: 2 });
  const line = driver.logged.find(({ message }) => message === 'settings.flawed');
  assert.deepEqual(line?.fields, { tenant_id: 'bay-cabs', unit: UNIT, flaw: 'km_by_gps' });
});

test('a date makes service due although the unit is silent, and stays one event when it speaks', async () => {
  const driver = await createDriver(config);
  const last = (DAY_S - 30 * 86_400) * 1000;
  const yearly = { ...oil, interval_km: 0, interval_days: 45, last_time: last };
  await driver.setAsset(asset([yearly], 1));
  await driver.process([reading(1, null)]);
  await driver.process([progress(DAY_S + 23 * HOUR_S)]);
  assert.equal(driver.versions(topics.workOrder).length, 0, '45 - 14 days are not over');
  await driver.process([progress(DAY_S + 25 * HOUR_S)]);
  await driver.process([reading(30, null)]);
  const versions = driver.versions(topics.workOrder);
  assert.deepEqual(
    versions.map((due) => [due.due_by, due.event_time, due.due_time]),
    [['DATE', (DAY_S + 24 * HOUR_S) * 1000, last + 45 * 86_400_000]],
  );
});
