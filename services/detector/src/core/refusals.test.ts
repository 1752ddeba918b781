import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusals } from './refusals.ts';

/** What is refused and what is taken; a rework comes back to those before the next one. */
const steps = fc.array(
  fc.record({ back: fc.oneof(fc.constant(0), fc.nat(20)), isRefused: fc.boolean() }),
  { maxLength: 60 },
);

test('offsets that were refused are known, over saves and reworks, and none that was taken', () => {
  fc.assert(
    fc.property(steps, (handled) => {
      let refusals = new Refusals();
      const last = new Map<number, boolean>();
      let next = 0;
      for (const { back, isRefused } of handled) {
        const offset = Math.max(0, next - back);
        if (offset === next) next += 1;
        const before = last.get(offset);
        // A record that was taken is a repeat when it comes again.
        if (before === false) continue;
        last.set(offset, isRefused);
        if (isRefused) refusals.refuse(offset, offset, -1);
        else refusals.take(offset);
        if (offset % 7 === 0) refusals = new Refusals(refusals.save());
      }
      for (const [offset, isRefused] of last) assert.equal(refusals.has(offset), isRefused);
      assert.equal(refusals.isEmpty, ![...last.values()].includes(true));
    }),
    { numRuns: 1000 },
  );
});

test('thousands in a row are one span, and are forgotten when nothing of their time is taken', () => {
  const refusals = new Refusals();
  for (let offset = 1; offset <= 3000; offset += 1) refusals.refuse(offset, 10_000 - offset, 0);
  assert.ok(refusals.save().length < 30);
  refusals.trim(9_999);
  assert.equal(refusals.has(1), true, 'the newest one can come again');
  refusals.trim(10_000);
  assert.equal(refusals.isEmpty, true);
  assert.equal(refusals.unsaved, true);
});

test('one that is handled again is no beginning of a row', () => {
  const refusals = new Refusals();
  refusals.refuse(1, 0, 50);
  refusals.refuse(100, 0, 50);
  assert.deepEqual(
    [1, 60, 100].map((offset) => refusals.has(offset)),
    [true, false, true],
  );
});

test('what changes is to be saved, and nothing else', () => {
  const refusals = new Refusals();
  const isSavedAfter = (change: () => void): boolean => {
    refusals.save();
    change();
    return !refusals.unsaved;
  };
  assert.equal(refusals.unsaved, false);
  assert.equal(
    isSavedAfter(() => refusals.refuse(5, 100, 0)),
    false,
  );
  assert.equal(
    isSavedAfter(() => refusals.refuse(6, 100, 0)),
    false,
  );
  assert.equal(
    isSavedAfter(() => refusals.take(7)),
    true,
  );
  assert.equal(
    isSavedAfter(() => refusals.trim(100)),
    true,
  );
  assert.equal(
    isSavedAfter(() => refusals.take(5)),
    false,
  );
  assert.equal(
    isSavedAfter(() => refusals.trim(101)),
    false,
  );
});

test('after some were forgotten a new row begins', () => {
  const refusals = new Refusals();
  refusals.refuse(1, 500, 0);
  refusals.take(2);
  refusals.refuse(3, 100, 0);
  refusals.trim(200);
  refusals.refuse(9, 500, 0);
  assert.deepEqual(
    [1, 2, 5, 9].map((offset) => refusals.has(offset)),
    [true, false, false, true],
  );
});
