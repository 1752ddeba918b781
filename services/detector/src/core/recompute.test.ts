import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rules, track } from '../testing/fixes.ts';
import type { PublishedFacts } from './archive.ts';
import type { Interval } from './inherit.ts';
import { recompute, type Recomputed, type RecomputeInput } from './recompute.ts';
import { RULES } from './rule-list.ts';
import { settle } from './settle.ts';
import { newUnit } from './unit.ts';

const MINUTE = 60_000;
const unit = 'wialon:7001';
const given = rules();

/** Minutes 10 to 14 and 30 to 34 are trips: four steps of 222 m each. */
const TWO = track([
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6, 8, 8, 8, 8, 8, 8, 8],
  ...[8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 10, 12, 14, 16, 16, 16, 16, 16, 16, 16],
]);
const EVERYTHING: Interval = { from: 0, to: 60 * MINUTE };
const NOTHING: PublishedFacts = RULES.map(() => []);

function again(wishes: Partial<RecomputeInput> = {}): Recomputed {
  const fixes = TWO.map((fix) => ({ fix, receivedTime: 0, isLate: false }));
  return recompute({
    ...{ tenantId: 'bay-cabs', unit, arrivals: fixes, published: NOTHING, rules: given },
    ...{ core: EVERYTHING, clock: 90 * MINUTE, settledTo: 60 * MINUTE, requestedTime: 5 },
    ...wishes,
  });
}

/** Change, first and last minute of each difference. */
function found({ differences }: Recomputed): readonly (readonly [string, number, number])[] {
  return differences.map(({ decision: { change }, interval: { from, to } }) => [
    change,
    from / MINUTE,
    to / MINUTE,
  ]);
}

/** What is published when only the fixes of these minutes are known. */
function publishedOf(known: (minute: number) => boolean): PublishedFacts {
  const before = newUnit('bay-cabs', unit);
  for (const fix of TWO) if (known(fix.time / MINUTE)) before.timeline.insert(fix, given);
  const clock = 90 * MINUTE;
  settle(before, given, { arrivals: [], clock, progress: undefined, binding: undefined });
  return before.facts.map(({ published }) => published);
}

const FIRST = ['inserted', 10, 14] as const;
const SECOND = ['inserted', 30, 34] as const;

test('a range gives what its positions give, and nothing where that is published', () => {
  assert.deepEqual(found(again()), [FIRST, SECOND]);
  assert.equal(again().fixes, TWO.length);
  assert.deepEqual(found(again({ published: publishedOf(() => true) })), []);
  const none = again({ arrivals: [] });
  assert.deepEqual(none, { differences: [], fixes: 0, borders: 0, unsettledTo: undefined });
});

test('only what shares an instant with what was asked about is a difference', () => {
  const core = (from: number, to: number): readonly unknown[] =>
    found(again({ core: { from, to } }));
  assert.deepEqual(core(14 * MINUTE, 20 * MINUTE), [FIRST]);
  assert.deepEqual(core(14 * MINUTE + 1, 30 * MINUTE - 1), []);
  assert.deepEqual(core(20 * MINUTE, 30 * MINUTE), [SECOND]);
});

test('a fact that was published within it counts, wherever it lies now', () => {
  const core = { from: 33 * MINUTE + 1, to: 40 * MINUTE };
  const shorter = TWO.map((fix) => (fix.time > 33 * MINUTE ? { ...fix, latitude: 0.014 } : fix));
  const result = again({
    published: publishedOf(() => true),
    arrivals: shorter.map((fix) => ({ fix, receivedTime: 0, isLate: false })),
    core,
  });
  assert.deepEqual(found(result), [['updated', 30, 33]]);
  assert.equal(result.differences[0]?.before?.interval.to, 34 * MINUTE);
  const before = publishedOf((minute) => minute < 20 || minute > 30);
  assert.deepEqual(found(again({ published: before, core })), [['updated', 30, 34]]);
  const gone = again({
    published: publishedOf(() => true),
    arrivals: TWO.filter(({ time }) => time < 30 * MINUTE).map((fix) => {
      return { fix, receivedTime: 0, isLate: false };
    }),
    core,
  });
  assert.deepEqual(found(gone), [['retracted', 30, 34]]);
});

test('what begins within the first stay that was read is no answer', () => {
  const since = (minute: number): Recomputed =>
    again({
      arrivals: TWO.filter(({ time }) => time >= minute * MINUTE).map((fix) => {
        return { fix, receivedTime: 0, isLate: false };
      }),
    });
  assert.deepEqual([since(5).borders, found(since(5))], [1, [SECOND]]);
  assert.deepEqual([since(4).borders, found(since(4))], [0, [FIRST, SECOND]]);
});

test('what a fix within grace can still change is left, and said until when', () => {
  const margin = given.marginMs;
  const settled = again({ settledTo: 34 * MINUTE + margin });
  assert.deepEqual([found(settled), settled.unsettledTo], [[FIRST, SECOND], undefined]);
  const open = again({ settledTo: 34 * MINUTE + margin - 1 });
  assert.deepEqual([found(open), open.unsettledTo], [[FIRST], 34 * MINUTE + margin]);
});
