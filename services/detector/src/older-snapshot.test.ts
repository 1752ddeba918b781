import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TripCompleted } from '@waybill/contracts';
import { createDriver, type Driver } from './testing/driver.ts';
import { position, progress, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';

/** The start of a quarter of an hour. */
const BASE = 1_211_310_000;
const HOUR = 3600;

async function feed(driver: Driver, fixtures: readonly Fixture[], clockS?: number): Promise<void> {
  const inputs = fixtures.map(position);
  await driver.process(clockS === undefined ? inputs : [...inputs, progress(clockS)]);
}

/** One drive of three hours; what comes late is of its first quarter, which T closes before the process dies. */
async function longDrive(
  late: readonly number[],
  end: (driver: Driver) => Promise<void>,
): Promise<readonly TripCompleted[]> {
  const driver = await createDriver(tenant({ graceHours: 1 }));
  const cab = vehicle(BASE);
  const first = cab.drive(60);
  await feed(
    driver,
    first.filter((_, i) => !late.includes(i)),
  );
  driver.snapshot();
  const rt = cab.now() + 1;
  await feed(
    driver,
    late.map((i) => ({ ...(first[i] as Fixture), rt })),
  );
  await feed(driver, cab.drive(60), BASE + 1.5 * HOUR);
  await end(driver);
  await feed(driver, [...cab.drive(60), ...cab.stay(7)]);
  return driver.standingTrips();
}

test('a fix that came and was folded away after the snapshot stays in all sums', async () => {
  for (const late of [[3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]]) {
    const expected = await longDrive(late, async () => undefined);
    assert.equal(expected[0]?.fix_count, 180);
    assert.deepEqual(await longDrive(late, async (driver) => driver.restart()), expected);
  }
});
