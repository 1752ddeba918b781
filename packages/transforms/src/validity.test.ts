import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { endValidity, joinValidity } from './validity.ts';

interface Interval {
  readonly valid_from_time: number | null;
  readonly valid_to_time: number | null;
  readonly name: string;
}

const state = (time: number, name: string) => ({
  event_time: time,
  revision: time,
  intervals: [{ valid_from_time: null, valid_to_time: null, name }] as readonly Interval[],
});

const shown = (value: { readonly intervals: readonly Interval[] } | undefined) =>
  value?.intervals.map(({ valid_from_time: a, valid_to_time: b, name }) => `${a}-${b} ${name}`);

test('a change closes what was valid and opens the next; an equal reading changes nothing', () => {
  const first = joinValidity<Interval, ReturnType<typeof state>>(undefined, state(10, 'a'));
  assert.deepEqual(shown(first), ['null-null a']);
  assert.equal(joinValidity(first, state(20, 'a')), undefined);
  const second = joinValidity(first, state(30, 'b'));
  assert.deepEqual(shown(second), ['null-30 a', '30-null b']);
  assert.equal(joinValidity(second, state(25, 'c')), undefined, 'an older reading');
});

test('what is gone has no present, and may come back', () => {
  const gone = endValidity<Interval, ReturnType<typeof state>>(state(10, 'a'), 20);
  assert.deepEqual(shown(gone), ['null-20 a']);
  assert.ok(gone);
  assert.equal(endValidity(gone, 30), undefined);
  assert.deepEqual(shown(joinValidity(gone, state(40, 'a'))), ['null-20 a', '40-null a']);
});

test('whatever is read in whatever order, intervals follow each other and the last reading is the present', () => {
  const reading = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.constantFrom('a', 'b', 'c'));
  fc.assert(
    fc.property(fc.array(reading, { minLength: 1, maxLength: 30 }), (readings) => {
      let known: ReturnType<typeof state> | undefined;
      for (const [time, name] of readings) known = joinValidity(known, state(time, name)) ?? known;
      const intervals = known?.intervals ?? [];
      for (const [index, interval] of intervals.entries()) {
        const next = intervals[index + 1];
        assert.equal(interval.valid_to_time, next?.valid_from_time ?? null);
        if (next !== undefined) assert.notEqual(interval.name, next.name);
      }
    }),
  );
});
