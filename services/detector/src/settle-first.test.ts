import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashId } from '@waybill/domain';
import { createDriver, type Driver, type Input } from './testing/driver.ts';
import { position, progress, square, UNIT } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';

/** Minute 0. */
const BASE = 1_211_310_000;
/** Further north by so much each minute is 222 m. */
const STEP = 0.002;

let records = 0;

/** Where a vehicle is that left at minute 10, a raw record of its own each. */
function at(minute: number, steps: number, offset = (records += 1)): Input {
  const t = BASE + minute * 60;
  return position({ t, lat: 37.7 + steps * STEP, lon: -122.4, rt: t + 1800, offset });
}

/** What stands at the end. */
function standing(steps: number): readonly Input[] {
  return [22, 23, 24, 25, 26, 27, 28].map((minute) => at(minute, steps));
}

function tripId(startMinute: number): string {
  return hashId('trip', 'bay-cabs', UNIT, (BASE + startMinute * 60) * 1000);
}

/** Ids of the trips that stand after these calls. */
async function trips(calls: readonly (readonly Input[])[]): Promise<readonly string[]> {
  const driver = await createDriver(tenant());
  for (const call of calls) await driver.process(call);
  return driver.standingTrips().map(({ trip_id }) => trip_id);
}

/** The ids are these, whether the log is handled record by record or at once behind `before`. */
async function assertIds(
  before: readonly Input[],
  log: readonly Input[],
  expected: readonly string[],
): Promise<void> {
  assert.deepEqual(await trips([before, ...log.map((input) => [input])]), expected, 'one by one');
  assert.deepEqual(await trips([before, log]), expected, 'at once');
}

/** Too short to be a trip. */
const SHORT = [at(10, 0), at(11, 1), at(12, 2)];
const LONG = [...SHORT, at(13, 3)];
/** The very moment at which silence closes what the long ones opened. */
const SILENCE = progress(BASE + 23 * 60);

test('a late fix that makes a trip is settled before the late fix of another record', async () => {
  const late = [at(9, -1), at(8, -2)];
  await assertIds([...SHORT, ...standing(2)], late, [tripId(9)]);
});

test('what newer fixes closed is settled before the late fix of another record', async () => {
  await assertIds([], [...LONG, ...standing(3), at(9, -1)], [tripId(10)]);
});

test('what the newest fix says is settled before another one of its second', async () => {
  const visits = async (calls: readonly (readonly Input[])[]): Promise<readonly string[]> => {
    const detection = { visit_interpolate_s: 120, visit_confirm_fixes: 1 };
    const driver = await createDriver(tenant({ detection }));
    await driver.setZone(square('zone-a', 37.71, -122.4, 0.003));
    for (const call of calls) await driver.process(call);
    return driver.standingVisits().map(({ visit_id }) => visit_id);
  };
  const outside = at(10, 0);
  const inside = at(11, 4);
  const first = { ...at(11, 6), provider_time: BASE * 1000 + 700_000 };
  const found = await visits([[outside, inside, first]]);
  assert.equal(found.length, 1);
  assert.deepEqual(found, await visits([[outside], [inside], [first]]));
  assert.notDeepEqual(found, await visits([[outside], [first]]), 'the crossing moved');
});

test('late fixes of one record are settled together', async () => {
  const late = [at(9, -1, 7_000), at(8, -2, 7_000)];
  assert.deepEqual(await trips([[...SHORT, ...standing(2)], late]), [tripId(8)]);
});

test('a late fix is settled before a newer one that holds open what silence closed', async () => {
  const log = [at(9, -1), at(16, 4), at(8, -2), ...standing(4)];
  await assertIds([...SHORT, SILENCE], log, [tripId(9)]);
});

test('what silence closed in the same call is settled before a fix that opens it again', async () => {
  const log = [...LONG, SILENCE, at(17, 5), at(9, -1), ...standing(5)];
  await assertIds([], log, [tripId(10)]);
});

test('what silence closed of an earlier call is settled before a fix that opens it again', async () => {
  await assertIds(LONG, [SILENCE, at(17, 5), at(9, -1), ...standing(5)], [tripId(10)]);
});

test('tables that changed are settled before the first fix', async () => {
  const zone = square('zone-a', 37.71, -122.4, 0.003);
  const visits = async (isAborted: boolean): Promise<readonly string[]> => {
    const driver: Driver = await createDriver(tenant());
    await driver.process([at(10, 0), at(12, 4), at(13, 5), at(14, 5)]);
    await driver.setZone(zone, { abort: isAborted });
    await driver.process([at(11, 4)]);
    return driver.standingVisits().map(({ visit_id }) => visit_id);
  };
  const [found, ...others] = await visits(true);
  assert.equal(others.length, 0);
  assert.deepEqual([found], await visits(false));
});
