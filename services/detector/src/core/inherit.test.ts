import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { inherit, type Interval } from './inherit.ts';

function intervals(...pairs: readonly (readonly [number, number])[]): Interval[] {
  return pairs.map(([from, to]) => ({ from, to }));
}

test('an interval that moved keeps its id with the cut that overlaps it most', () => {
  const { heirs, ancestors } = inherit(intervals([10, 20]), intervals([0, 12], [15, 30]));
  assert.deepEqual(heirs, [1]);
  assert.deepEqual(ancestors, [undefined, 0]);
});

test('of two equal overlaps the earlier start wins', () => {
  assert.deepEqual(inherit(intervals([10, 20]), intervals([5, 12], [18, 25])).heirs, [0]);
  assert.deepEqual(inherit(intervals([0, 2], [8, 10]), intervals([0, 10])).ancestors, [0]);
});

test('what was joined names the cut that replaced it', () => {
  const { heirs, closest } = inherit(intervals([0, 2], [4, 10]), intervals([0, 10]));
  assert.deepEqual(heirs, [undefined, 0]);
  assert.deepEqual(closest, [0, 0]);
});

test('an interval that nothing overlaps has neither heir nor replacement', () => {
  const { heirs, closest } = inherit(intervals([0, 2]), intervals([5, 10]));
  assert.deepEqual(heirs, [undefined]);
  assert.deepEqual(closest, [undefined]);
});

test('intervals that touch share an instant: the one goes on as the other, or names it', () => {
  assert.deepEqual(inherit(intervals([0, 10]), intervals([10, 20])).heirs, [0]);
  const { heirs, closest } = inherit(intervals([0, 10], [10, 20]), intervals([10, 20]));
  assert.deepEqual(heirs, [undefined, 0]);
  assert.deepEqual(closest, [0, 0]);
  assert.deepEqual(inherit(intervals([0, 10]), intervals([11, 20])).heirs, [undefined]);
});

test('who did not move stays himself, although another overlaps the same cut as much', () => {
  const { heirs } = inherit(intervals([0, 30], [10, 20]), intervals([10, 20]));
  assert.deepEqual(heirs, [undefined, 0]);
});

test('open intervals of visits overlap for ever', () => {
  const open = intervals([100, Infinity]);
  assert.deepEqual(inherit(open, intervals([90, Infinity])).heirs, [0]);
  assert.deepEqual(inherit(open, intervals([0, 50], [120, 180])).heirs, [1]);
});

test('ids pass one to one, only where there is overlap, and stay with what did not move', () => {
  const list = fc
    .uniqueArray(fc.nat({ max: 200 }), { maxLength: 20 })
    .map((points) => points.toSorted((a, b) => a - b))
    .map((points) =>
      points.flatMap((from, i) => {
        const to = points[i + 1];
        return i % 2 === 0 && to !== undefined ? [{ from, to }] : [];
      }),
    );
  fc.assert(
    fc.property(list, list, (olds, cuts) => {
      const { heirs, ancestors } = inherit(olds, cuts);
      for (const [old, cut] of heirs.entries()) {
        if (cut === undefined) continue;
        assert.equal(ancestors[cut], old);
        const [before, now] = [olds[old] as Interval, cuts[cut] as Interval];
        assert.ok(before.from <= now.to && now.from <= before.to);
      }
      for (const [old, before] of olds.entries()) {
        const same = cuts.findIndex((cut) => cut.from === before.from && cut.to === before.to);
        if (same !== -1) assert.equal(heirs[old], same);
      }
    }),
  );
});
