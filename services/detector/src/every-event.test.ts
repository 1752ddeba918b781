import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { topics, type AssetDescribed, type PositionRecorded } from '@waybill/contracts';
import { createDriver, type Driver } from './testing/driver.ts';
import { position, progress, square, UNIT } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';

/** Eight in the morning in Los Angeles. */
const START_S = Date.parse('2008-05-20T15:00:00Z') / 1000;
const all = 'detected' as const;
const config = tenant({
  events: {
    ...{ trip: all, site_visit: all, geofence: all, idle: all, fuel_level: all },
    ...{ odometer: all, service_due: all, shift: all },
  },
});

function asset(): AssetDescribed {
  const interval = {
    ...{ interval_id: 1, name: 'Oil', interval_km: 10_000, interval_days: 0, times_done: 3 },
    ...{ interval_engine_hours_h: 0, last_km: 100_000, last_time: null, last_engine_hours_h: 0 },
  };
  const described = {
    ...{ valid_from_time: null, valid_to_time: null, name: 'Cab', device_id: null, vin: null },
    ...{ registration_plate: null, sensors: [], trip_detector: null, measure_system: null },
    ...{ counter_flags: null, hardware_id: null, service_intervals: [interval] },
  };
  return { tenant_id: 'bay-cabs', unit: UNIT, event_time: 1, revision: 1, intervals: [described] };
}

/** A morning in which everything happens once: a drive into a zone, idling there, a refuel, a drive back. */
function morning(): PositionRecorded[] {
  const cab = vehicle(START_S, { driver: 'D-1' });
  const fixtures = [...cab.stay(5), ...cab.drive(20), ...cab.stay(20), ...cab.drive(20)];
  return fixtures.map((fixture, i) =>
    position({
      ...fixture,
      speed: i < 5 || (i >= 25 && i < 45) ? 0 : 7,
      offset: i,
      signals: {
        ignition: true,
        fuel_level_l: i < 35 ? 30 : 80,
        odometer_km: 109_490 + i,
      },
    }),
  );
}

/** What item 5 of the contract of detection wants of every event. */
interface Said {
  readonly event_id: string;
  readonly revision: number;
  readonly retracted: boolean;
  readonly finality: string;
  readonly cause: string;
  readonly late_by_s: number;
  readonly rule: string | null;
  readonly rule_version: number;
  readonly first_fix: { readonly offset: number } | null;
  readonly last_fix: { readonly offset: number } | null;
  readonly fix_count: number | null;
  readonly inputs_hash: string | null;
}

let driver: Driver;
before(async () => {
  driver = await createDriver(config);
  await driver.setAsset(asset());
  await driver.setZone(square('zone-a', 37.74, -122.4, 0.005));
  for (const record of morning()) await driver.process([record]);
  await driver.process([progress(START_S + 30 * 3600)]);
});

/** The topic of activities carries the clock of the first stage too. */
function activities(): readonly Said[] {
  const all = driver.versions<object>(topics.driverActivity);
  return all.filter((value): value is Said => 'activity_id' in value);
}

const entities: readonly (readonly [string, () => readonly Said[]])[] = [
  ['trip', () => driver.standingTrips()],
  ['visit', () => driver.standingVisits()],
  ['crossing', () => driver.crossings],
  ['idling', () => driver.versions(topics.idle)],
  ['change of fuel', () => driver.versions(topics.fuelLevel)],
  ['odometer reading', () => driver.versions(topics.odometer)],
  ['service due', () => driver.versions(topics.workOrder)],
  ['driver activity', activities],
  ['shift', () => driver.versions(topics.shift)],
];
for (const [name, events] of entities) {
  test(`every ${name} says what it is, how final, why, by which rule and from which fixes`, () => {
    assert.ok(events().length > 0);
    for (const event of events()) {
      assert.match(event.event_id, /^[0-9a-f]{32}$/);
      assert.ok(event.revision > 0);
      assert.match(event.finality, /^(provisional|final)$/);
      assert.match(event.cause, /^(live|late_fix)$/);
      assert.equal(event.late_by_s, 1);
      assert.match(event.rule ?? '', /^[a-z_]+\/\d+$/);
      assert.equal(event.rule_version, 1);
      const { first_fix: first, last_fix: last, fix_count: count } = event;
      assert.ok(first !== null && last !== null && count !== null && count > 0, `${count} fixes`);
      assert.ok(first.offset <= last.offset);
      assert.match(event.inputs_hash ?? '', /^[0-9a-f]{16}$/);
    }
  });
}
