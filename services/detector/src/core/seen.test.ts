import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Fix } from './fix.ts';
import { Seen, type Marks } from './seen.ts';

const at = (second: number, idHigh = 7): Pick<Fix, 'time' | 'idHigh'> => ({
  time: second * 1000,
  idHigh,
});

const marksOf = (seconds: readonly number[]): Marks => ({
  seconds,
  words: seconds.map(() => 7),
});

test('exactly the seconds of trimmed fixes are known, also after a restart', () => {
  const run = fc.record({
    step: fc.integer({ min: 1, max: 60 }),
    count: fc.integer({ min: 1, max: 3000 }),
  });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 20 }), (runs) => {
      let second = 1_300_000_000;
      // Now and then another one of the same second.
      const seconds = runs.flatMap(({ step, count }) =>
        Array.from({ length: count }, (_, i) => (i % 50 === 1 ? second : (second += step))),
      );
      const seen = new Seen();
      for (let i = 0; i < seconds.length; i += 500)
        seen.remember(marksOf(seconds.slice(i, i + 500)));
      const blocks = seen.indexes.map(
        (index) => [index, seen.block(index) ?? new Uint8Array(0)] as const,
      );
      const restored = new Seen(blocks);
      for (const [, block] of blocks) assert.ok(block.length <= 2701);
      const atOnce = new Seen();
      atOnce.remember(marksOf(seconds));
      for (const [index, block] of blocks) assert.deepEqual(block, atOnce.block(index));
      const known = new Set(seconds);
      for (let i = 0; i < 50; i += 1) {
        const probe = 1_300_000_000 + Math.floor((i / 50) * (second - 1_300_000_000 + 2));
        for (const store of [seen, restored])
          assert.equal(store.knows(at(probe)), known.has(probe));
      }
    }),
    { numRuns: 30 },
  );
});

test('six hours of a device that reports every 5 s are a few bytes', () => {
  const seen = new Seen();
  for (let i = 0; i < 24; i += 1) {
    seen.remember(marksOf(Array.from({ length: 180 }, (_, j) => 5 * (180 * i + j))));
  }
  assert.ok((seen.block(0)?.length ?? 0) < 10);
});

test('of a unit with few fixes another one of the same second is told apart', () => {
  const seen = new Seen();
  seen.remember(marksOf([60, 120]));
  assert.ok(seen.knows(at(60)));
  assert.ok(!seen.knows(at(60, 8)));
  seen.remember(marksOf(Array.from({ length: 450 }, (_, i) => 121 + i)));
  assert.ok(seen.knows(at(60, 8)), 'of one with many only the second is known');
});

test('whole blocks are forgotten, not before their end', () => {
  const seen = new Seen();
  assert.deepEqual(seen.remember(marksOf([5, 21_605])), [0, 1]);
  assert.equal(seen.oldestEnd, 21_600_000);
  assert.deepEqual(seen.forget(21_599_999), []);
  assert.deepEqual(seen.forget(21_600_000), [0]);
  assert.deepEqual(seen.indexes, [1]);
});

test('words that will not be kept are not asked for, and a block without them keeps seconds', () => {
  const seen = new Seen();
  const quarter = { startTime: 0, count: 450 };
  assert.ok(seen.wantsWords(quarter));
  assert.ok(!seen.wantsWords({ startTime: 0, count: 451 }));
  seen.remember(marksOf([5]));
  assert.ok(!seen.wantsWords(quarter));
  const told = new Seen(seen.indexes.map((index) => [index, seen.block(index) as Uint8Array]));
  const seconds = Array.from({ length: 450 }, (_, i) => 10 + i);
  told.remember(marksOf(seconds));
  seen.remember({ seconds, words: undefined });
  assert.deepEqual(seen.block(0), told.block(0));
  assert.ok(!seen.wantsWords({ startTime: 0, count: 1 }));
  assert.ok(seen.knows(at(5, 8)), 'only the second is known');
});
