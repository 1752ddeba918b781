import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirtyHours } from './dirty-hours.ts';

const MINUTE = 60_000;

test('an hour is read once it was quiet for ten minutes', () => {
  const dirty = new DirtyHours();
  dirty.mark('u', 7, 0);
  dirty.mark('u', 7, 5 * MINUTE);
  assert.equal(dirty.take(14 * MINUTE), undefined);
  assert.deepEqual(dirty.take(15 * MINUTE), { unit: 'u', hours: [7] });
  assert.equal(dirty.size, 0);
});

test('a black box that unloads on and on is read after half an hour', () => {
  const dirty = new DirtyHours();
  for (let minute = 0; minute <= 30; minute += 1) dirty.mark('u', 7, minute * MINUTE);
  assert.deepEqual(dirty.take(30 * MINUTE), { unit: 'u', hours: [7] });
});

test('neighbouring hours are one run, and units take turns', () => {
  const dirty = new DirtyHours();
  for (const hour of [9, 7, 8, 11]) dirty.mark('a', hour, 0);
  dirty.mark('b', 3, 0);
  assert.deepEqual(dirty.take(10 * MINUTE), { unit: 'a', hours: [7, 8, 9] });
  assert.deepEqual(dirty.take(10 * MINUTE), { unit: 'b', hours: [3] });
  assert.deepEqual(dirty.take(10 * MINUTE), { unit: 'a', hours: [11] });
});

test('what the proof asks for is due at once, and too much is left to the next proof', () => {
  const dirty = new DirtyHours();
  dirty.markDue('u', 5);
  assert.deepEqual(dirty.take(0), { unit: 'u', hours: [5] });
  for (let hour = 0; hour < 20_001; hour += 1) dirty.mark('u', hour, 0);
  assert.equal(dirty.size, 20_000);
  assert.equal(dirty.overflow, 1);
});

test('a mark stands until its hour was read, and waits again when its reader gave up', () => {
  const dirty = new DirtyHours();
  assert.equal(dirty.mark('u', 7, 0), true);
  assert.equal(dirty.mark('u', 7, 1), false, 'it stands already');
  dirty.mark('u', 9, 0);
  assert.deepEqual(dirty.take(11 * MINUTE), { unit: 'u', hours: [7] });
  assert.deepEqual(dirty.of('u'), [7, 9], 'with a reader');
  dirty.giveBack();
  assert.deepEqual(dirty.take(0), { unit: 'u', hours: [7] });
  dirty.done('u', [7]);
  assert.deepEqual(dirty.of('u'), [9]);
  assert.deepEqual(dirty.of('other'), []);
});
