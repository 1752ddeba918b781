import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DriverBound } from '@waybill/contracts';
import { createDriver } from './testing/driver.ts';
import { position, progress, UNIT, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';

const START_S = 1_211_299_200;

function bound(unit: string, from: number, to: number, code: string, revision = 1): DriverBound {
  const interval = {
    valid_from_time: from * 1000,
    valid_to_time: to * 1000,
    driver_id: 'wialon:600_1',
    driver_code: code,
  };
  const time = revision * 1_000_000_000_000;
  return { tenant_id: 'bay-cabs', unit, event_time: time, revision: time, intervals: [interval] };
}

/** Three trips of ten minutes with twenty between, and where each starts, s. */
function day(unit: string): { readonly fixes: readonly Fixture[]; readonly starts: number[] } {
  const cab = vehicle(START_S, { unit });
  const fixes: Fixture[] = [];
  const starts: number[] = [];
  for (let trip = 0; trip < 3; trip += 1) {
    fixes.push(...cab.stay(20));
    starts.push(cab.now());
    fixes.push(...cab.drive(10));
  }
  return { fixes: [...fixes, ...cab.stay(20)], starts };
}

test('a late driver binding changes exactly the trips it should', async () => {
  const driver = await createDriver(tenant());
  const [own, other] = [day(UNIT), day('wialon:7002')];
  await driver.process([...own.fixes, ...other.fixes].map(position));
  await driver.process([progress(START_S + 7200)]);
  const before = driver.standingTrips();
  assert.equal(before.length, 6);
  assert.ok(before.every((trip) => trip.driver_code === null && trip.driver_source === null));

  // Of the second trip it covers eight minutes of ten, of the third two.
  const [, second = 0, third = 0] = own.starts;
  const produced = await driver.setBinding(bound(UNIT, second + 120, third + 121, 'D-7'));
  assert.deepEqual(
    produced.trips.map((trip) => [trip.unit, trip.start_time, trip.driver_code, trip.cause]),
    [
      [UNIT, second * 1000, 'D-7', 'late_binding'],
      [UNIT, third * 1000, 'D-7', 'late_binding'],
    ],
  );
  for (const trip of produced.trips) {
    const old = before.find(({ trip_id }) => trip_id === trip.trip_id);
    assert.ok(old !== undefined && trip.revision > old.revision, 'the same trip, revised');
    assert.equal(trip.driver_source, 'binding');
    assert.equal(trip.driver_changes, 0);
  }

  const narrowed = await driver.setBinding(bound(UNIT, second + 120, third, 'D-7', 2));
  assert.deepEqual(
    narrowed.trips.map((trip) => [trip.start_time, trip.driver_code]),
    [[third * 1000, null]],
  );
});

test('the same binding again cuts nothing anew, also after a restart', async () => {
  const driver = await createDriver(tenant());
  const { fixes, starts } = day(UNIT);
  await driver.process(fixes.map(position));
  await driver.process([progress(START_S + 7200)]);
  const first = starts[0] ?? 0;
  const produced = await driver.setBinding(bound(UNIT, first, first + 700, 'D-7'));
  assert.equal(produced.trips.length, 1);
  await driver.restart();
  const again = await driver.setBinding(bound(UNIT, first, first + 700, 'D-7', 2));
  assert.equal(again.trips.length, 0, 'the same settings cut nothing anew');
});

test('a plan counts where the tenant allows it, after codes and bindings', async () => {
  const { fixes, starts } = day(UNIT);
  const planned = {
    tenant_id: 'bay-cabs',
    unit: UNIT,
    event_time: 1,
    revision: 1,
    intervals: [
      { valid_from_time: null, valid_to_time: null, driver_code: 'P-1', order_id: 'ORDER-1' },
    ],
  };
  for (const allowed of [true, false]) {
    const driver = await createDriver(tenant({ detection: { use_planned_drivers: allowed } }));
    await driver.setPlan(planned);
    const first = starts[0] ?? 0;
    await driver.setBinding(bound(UNIT, first, first + 700, 'D-7'));
    await driver.process(fixes.map(position));
    await driver.process([progress(START_S + 7200)]);
    assert.deepEqual(
      driver.standingTrips().map((trip) => trip.driver_code),
      ['D-7', allowed ? 'P-1' : null, allowed ? 'P-1' : null],
    );
  }
});
