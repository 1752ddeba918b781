import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Activity } from './shift-cut.ts';
import {
  dueOf,
  NO_DRIVER,
  settleDriver,
  withActivity,
  type DriverState,
  type ShiftTimes,
} from './shift-state.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const REST = 7 * HOUR;
const SETTLING = 8 * HOUR;

function activity(id: string, from: number, to: number, revision = 1): Activity {
  const trace = { topic: 'wialon.page.raw.v1', partition: 0, offset: 0, index: 0 };
  return {
    ...{ id, unit: 'wialon:1', eventId: id, from: from * HOUR, to: to * HOUR, movingS: 60 },
    ...{ revision, trace, firstFix: null, lastFix: null, fixCount: 1, inputsHash: id },
  };
}

function stateOf(...activities: readonly Activity[]): DriverState {
  return { ...NO_DRIVER, activities };
}

function times(clock?: number): ShiftTimes {
  return { restMs: REST, settlingMs: SETTLING, clock };
}

/** When a shift that ended at hour 2 is settled. */
const SETTLED = 2 * HOUR + REST + SETTLING;

test('of an activity the newest revision counts, whichever comes first', () => {
  const second = stateOf(activity('a', 0, 2, 2));
  assert.equal(withActivity(second, activity('a', 0, 9, 1), false), undefined, 'older');
  assert.equal(withActivity(second, activity('a', 0, 9, 2), false), undefined, 'the same again');
  assert.equal(withActivity(second, activity('a', 0, 9, 1), true), undefined, 'withdrawn before');
  const third = withActivity(second, activity('a', 0, 3, 3), false);
  assert.deepEqual(
    third?.activities.map(({ to }) => to),
    [3 * HOUR],
  );
  assert.deepEqual(withActivity(second, activity('a', 0, 2, 3), true)?.activities, []);
  assert.equal(withActivity(second, activity('b', 0, 2, 3), true), undefined, 'never heard of');
});

test('a shift is final once rest and settling are over, not before and not without a clock', () => {
  const finality = (clock: number | undefined): boolean | undefined =>
    settleDriver('d', stateOf(activity('a', 0, 2)), times(clock), 5).versions[0]?.said.isFinal;
  assert.equal(finality(SETTLED), false);
  assert.equal(finality(SETTLED + 1), true);
  assert.equal(finality(undefined), false);
});

test('a driver is due when a shift becomes final, and when it is let go a day later', () => {
  const open = settleDriver('d', stateOf(activity('a', 0, 2)), times(undefined), 5).state;
  assert.equal(dueOf(NO_DRIVER, times()), Infinity);
  assert.equal(dueOf(open, times()), SETTLED + 1);
  const final = settleDriver('d', open, times(SETTLED + 1), 6).state;
  assert.equal(dueOf(final, times()), SETTLED + 1 + DAY);
  const kept = settleDriver('d', final, times(SETTLED + DAY), 7);
  assert.deepEqual([kept.state, kept.versions], [final, []]);
  assert.deepEqual(settleDriver('d', final, times(SETTLED + DAY + 1), 7).state, NO_DRIVER);
});

test('who lets a shift go keeps what came after it', () => {
  const both = stateOf(activity('a', 0, 2), activity('b', 30, 31));
  const settled = settleDriver('d', both, times(SETTLED + 1), 5).state;
  const later = settleDriver('d', settled, times(SETTLED + DAY + 1), 6).state;
  assert.deepEqual(
    later.activities.map(({ id }) => id),
    ['b'],
  );
  assert.deepEqual(
    later.said.map(({ from }) => from),
    [30 * HOUR],
  );
});

test('revisions rise with the receipt, or by one; a shift that did not change has no version', () => {
  const first = settleDriver('d', stateOf(activity('a', 0, 2)), times(), 5);
  assert.deepEqual(
    first.versions.map(({ said }) => said.revision),
    [5],
  );
  assert.deepEqual(settleDriver('d', first.state, times(), 9).versions, []);
  const longer = { ...first.state, activities: [activity('a', 0, 3, 2)] };
  const [changed] = settleDriver('d', longer, times(), 4).versions;
  assert.deepEqual([changed?.said.id, changed?.said.revision], [first.versions[0]?.said.id, 6]);
  const [newer] = settleDriver('d', longer, times(), 40).versions;
  assert.equal(newer?.said.revision, 40);
});

test('a shift without heir is withdrawn before the others and names what stands in its place', () => {
  const worked = [activity('z', -20, -19), activity('a', 0, 2), activity('b', 9, 12)];
  const apart = settleDriver('d', stateOf(...worked), times(), 5);
  const joined = [...apart.state.activities, activity('c', 3, 5)];
  const { versions } = settleDriver('d', { ...apart.state, activities: joined }, times(), 6);
  const [gone, grown, ...others] = versions;
  assert.equal(others.length, 0);
  const [, short, long] = apart.state.said;
  assert.deepEqual([gone?.cut, gone?.said.id, gone?.said.revision], [undefined, short?.id, 6]);
  assert.deepEqual([grown?.said.id, gone?.replacedBy], [long?.id, long?.id]);
  assert.deepEqual([grown?.cut?.from, grown?.cut?.to], [0, 12 * HOUR]);
  const empty = settleDriver('d', { ...apart.state, activities: [] }, times(), 3).versions;
  assert.deepEqual(
    empty.map(({ said, replacedBy }) => [said.revision, replacedBy]),
    [
      [6, null],
      [6, null],
      [6, null],
    ],
  );
});
