import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { topics, type ShiftWorked } from '@waybill/contracts';
import { cutShifts, type Activity } from './core/shift-cut.ts';
import { createDriver, type Driver } from './testing/driver.ts';
import { position, progress, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';

const HOUR_S = 3600;
/** Eight in the evening in Los Angeles. */
const START_S = Date.parse('2008-05-21T03:00:00Z') / 1000;

const config = tenant({ events: { site_visit: 'off', shift: 'detected' } });

/** Half an hour of driving so many hours after the start, under a code. */
function drive(unit: string, hour: number, driver: string): readonly Fixture[] {
  const cab = vehicle(START_S + hour * HOUR_S, { unit, driver });
  return [...cab.stay(2), ...cab.drive(30), ...cab.stay(10)];
}

async function worked(fixtures: readonly Fixture[], untilHour: number): Promise<Driver> {
  const driver = await createDriver(config);
  for (const fixture of fixtures) await driver.process([position(fixture)]);
  await driver.process([progress(START_S + untilHour * HOUR_S)]);
  return driver;
}

function hours(shift: ShiftWorked): readonly unknown[] {
  const from = (shift.start_time / 1000 - START_S) / HOUR_S;
  const to = (shift.end_time / 1000 - START_S) / HOUR_S;
  return [shift.driver_code, Math.round(from), Math.round(to), shift.units, shift.activity_count];
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

test('a shift goes across vehicles and midnight until seven hours of rest', async () => {
  const driver = await worked(
    [
      ...drive('wialon:1', 0, 'D-1'),
      ...drive('wialon:2', 6, 'D-1'),
      ...drive('wialon:1', 14, 'D-1'),
      ...drive('wialon:3', 15, 'D-2'),
    ],
    16,
  );
  const shifts = driver.standing(topics.shift);
  assert.deepEqual(shifts.map(hours).toSorted(byText), [
    ['D-1', 0, 7, ['wialon:1', 'wialon:2'], 2],
    ['D-1', 14, 15, ['wialon:1'], 1],
    ['D-2', 15, 16, ['wialon:3'], 1],
  ]);
  const [first] = shifts;
  assert.equal(first?.business_date, '2008-05-21', 'the local date of its end');
  assert.equal(first.moving_s, 3600);
  assert.ok(shifts.every(({ finality }) => finality === 'provisional'));

  await driver.process([progress(START_S + 29 * HOUR_S)]);
  const finals = driver.standing(topics.shift).filter(({ finality }) => finality === 'final');
  assert.deepEqual(finals.map(hours).toSorted(byText), [
    ['D-1', 0, 7, ['wialon:1', 'wialon:2'], 2],
    ['D-1', 14, 15, ['wialon:1'], 1],
  ]);
});

test('a late drive joins two shifts under the older id, and the other is withdrawn', async () => {
  const driver = await worked([...drive('wialon:1', 0, 'D-1'), ...drive('wialon:1', 9, 'D-1')], 10);
  const before = driver.standing(topics.shift);
  assert.equal(before.length, 2);
  const late = drive('wialon:2', 5, 'D-1').map((fixture) =>
    position({ ...fixture, rt: START_S + 10 * HOUR_S }),
  );
  await driver.process(late);
  await driver.restart();
  await driver.process([progress(START_S + 11 * HOUR_S)]);
  const after = driver.standing(topics.shift);
  assert.deepEqual(after.map(hours), [['D-1', 0, 10, ['wialon:1', 'wialon:2'], 3]]);
  assert.ok(before.some(({ shift_id: id }) => id === after[0]?.shift_id));
  const withdrawn = driver.versions(topics.shift).filter(({ retracted }) => retracted);
  assert.equal(withdrawn.length, 1);
  assert.equal(withdrawn[0]?.replaced_by, after[0]?.shift_id);
});

test('a trip that turns out to be somebody else’s leaves the shift', async () => {
  const driver = await createDriver(config);
  const fixtures = drive('wialon:1', 0, 'D-1').map((fixture) => ({ ...fixture }));
  const nameless = fixtures.map(({ driver: _code, ...rest }) => rest);
  const bound = (code: string, revision: number) => ({
    tenant_id: 'bay-cabs',
    unit: 'wialon:1',
    event_time: revision,
    revision,
    intervals: [
      { valid_from_time: null, valid_to_time: null, driver_id: 'wialon:600_1', driver_code: code },
    ],
  });
  await driver.setBinding(bound('D-1', 1));
  await driver.process([...nameless.map(position), progress(START_S + HOUR_S)]);
  assert.deepEqual(
    driver.standing(topics.shift).map(({ driver_code: code }) => code),
    ['D-1'],
  );
  await driver.setBinding(bound('D-2', 2e12));
  assert.deepEqual(
    driver.standing(topics.shift).map(({ driver_code: code }) => code),
    ['D-2'],
  );
});

test('shifts do not depend on the order of activities', () => {
  const activity = fc.record({
    id: fc.uuid(),
    from: fc.integer({ min: 0, max: 100 }),
    length: fc.integer({ min: 0, max: 10 }),
  });
  fc.assert(
    fc.property(fc.array(activity, { maxLength: 12 }), fc.integer(), (drawn, seed) => {
      const given = drawn.map(({ id, from, length }): Activity => {
        const trace = { topic: 't', partition: 0, offset: 0, index: 0 };
        const named = { id, eventId: id, unit: 'wialon:1', revision: 1, movingS: 1, trace };
        const inputs = { firstFix: trace, lastFix: trace, fixCount: 2, inputsHash: id };
        return { ...named, ...inputs, from, to: from + length };
      });
      const shuffled = given.toSorted(
        (a, b) => a.id.charCodeAt(Math.abs(seed) % 36) - b.id.charCodeAt(Math.abs(seed) % 36),
      );
      const shifts = cutShifts(given, 7);
      assert.deepEqual(cutShifts(shuffled, 7), shifts);
      // Independent: before the start of a shift nobody drove for 7, within it there is no such rest.
      const isFresh = (start: number): boolean =>
        given.every(({ from, to }) => from >= start || to + 7 <= start);
      assert.deepEqual(
        shifts.map(({ from }) => from),
        [...new Set(given.map(({ from }) => from))].filter(isFresh).toSorted((a, b) => a - b),
      );
      for (const { from, to, activities } of shifts) {
        assert.equal(from, Math.min(...activities.map((each) => each.from)));
        assert.equal(to, Math.max(...activities.map((each) => each.to)));
      }
    }),
  );
});
