import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutShifts, fixesOf, shiftHash, type Activity } from './shift-cut.ts';

const REST = 7;

function activity(id: string, from: number, to: number, wishes: Partial<Activity> = {}): Activity {
  const trace = { topic: 'wialon.page.raw.v1', partition: 0, offset: from, index: 0 };
  return {
    ...{ id, unit: 'wialon:1', eventId: id, from, to, movingS: 60, revision: 1, trace },
    ...{ firstFix: trace, lastFix: { ...trace, offset: to }, fixCount: 3, inputsHash: id },
    ...wishes,
  };
}

/** Ids of the activities of each shift. */
function cut(...activities: readonly Activity[]): readonly string[] {
  return cutShifts(activities, REST).map((shift) => shift.activities.map(({ id }) => id).join(''));
}

test('a whole rest ends a shift, a moment less does not', () => {
  assert.deepEqual(cut(activity('a', 0, 2), activity('b', 9, 10)), ['a', 'b']);
  assert.deepEqual(cut(activity('a', 0, 2), activity('b', 8, 10)), ['ab']);
  assert.deepEqual(cut(), []);
});

test('a rest begins when the last of all activities has ended, also one that began before', () => {
  const [long, short, next] = [activity('a', 0, 20), activity('b', 1, 2), activity('c', 21, 22)];
  assert.deepEqual(cut(long, short, next), ['abc']);
  const [shift] = cutShifts([next, long, short], REST);
  assert.deepEqual([shift?.from, shift?.to], [0, 22]);
});

test('order of arrival does not matter, not even of activities of the same times', () => {
  const all = [activity('a', 0, 2), activity('b', 0, 1), activity('c', 0, 2), activity('d', 3, 4)];
  const expected = cutShifts(all, REST);
  assert.deepEqual(cut(...all), ['bacd']);
  for (const order of [
    [3, 2, 1, 0],
    [2, 0, 3, 1],
  ]) {
    const shuffled = order.map((i) => all[i] as Activity);
    assert.deepEqual(cutShifts(shuffled, REST), expected);
  }
});

test('a shift names the fixes at its ends and counts those of all its trips', () => {
  const shiftOf = (...activities: readonly Activity[]) => {
    const [shift] = cutShifts(activities, REST);
    assert.ok(shift);
    return fixesOf(shift);
  };
  const ends = ({ first_fix, last_fix, fix_count }: ReturnType<typeof fixesOf>) => [
    first_fix?.offset,
    last_fix?.offset,
    fix_count,
  ];
  assert.deepEqual(ends(shiftOf(activity('a', 1, 2), activity('b', 3, 9))), [1, 9, 6]);
  assert.deepEqual(ends(shiftOf(activity('a', 1, 20), activity('b', 3, 9))), [1, 20, 6]);
  const same = { ...activity('b', 3, 20), lastFix: null };
  assert.deepEqual(ends(shiftOf(activity('a', 1, 20), same)), [1, 20, 6], 'the first of two');
  const none = shiftOf(activity('a', 1, 2, { firstFix: null, lastFix: null }));
  assert.deepEqual(none, { first_fix: null, last_fix: null, fix_count: 3 });
});

test('the hash says all that a shift was cut from', () => {
  const hash = (wishes: Partial<Activity> = {}): string =>
    shiftHash({ from: 0, to: 2, activities: [activity('a', 0, 2, wishes), activity('b', 3, 4)] });
  assert.match(hash(), /^[0-9a-f]{16}$/);
  assert.equal(
    hash({ revision: 9, unit: 'wialon:2' }),
    hash(),
    'a revision alone says nothing new',
  );
  for (const wish of [
    { eventId: 'x' },
    { from: 1 },
    { to: 3 },
    { movingS: 61 },
    { inputsHash: '' },
  ])
    assert.notEqual(hash(wish), hash());
});
