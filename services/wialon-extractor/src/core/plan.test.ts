import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { backoffMs, jitterMs } from './backoff.ts';
import { END_OF_TIME_S, halves, startOfInterval } from './plan.ts';

const settings = { readFromTime: 1_000_000, lookbackMs: 100 };
const unit = (readToTime: number, updatedTime: number) => ({ readToTime, updatedTime });

test('a unit never read starts where the tenant says', () => {
  assert.equal(startOfInterval(undefined, undefined, settings), 1_000_000);
  assert.equal(startOfInterval(undefined, unit(9_000_000, 9), settings), 1_000_000);
});

test('after a gap a complete unit starts at the live cursor less the lookback', () => {
  assert.equal(startOfInterval(unit(2_000_000, 5), unit(3_000_000, 6), settings), 3_000_000 - 100);
});

test('an interrupted first reading goes on at the unit’s own cursor less the lookback', () => {
  assert.equal(startOfInterval(unit(2_000_000, 5), undefined, settings), 2_000_000 - 100);
});

test('an interrupted reading of a new unit is not skipped because the account was further', () => {
  assert.equal(startOfInterval(unit(2_000_000, 7), unit(3_000_000, 6), settings), 2_000_000 - 100);
});

test('an interrupted re-reading never starts behind the live cursor', () => {
  assert.equal(startOfInterval(unit(5_000_000, 7), unit(3_000_000, 6), settings), 3_000_000 - 100);
});

test('a gap may reach before the first instant: a late message of then can have come in it', () => {
  assert.equal(startOfInterval(unit(1_000_050, 5), unit(1_000_050, 6), settings), 999_950);
});

test('halves cover the window without overlap and end', () => {
  assert.deepEqual(halves({ fromS: 10, toS: END_OF_TIME_S }, 20), [
    { fromS: 10, toS: 20 },
    { fromS: 21, toS: END_OF_TIME_S },
  ]);
  assert.equal(halves({ fromS: 10, toS: 10 }, 20), undefined);
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (from, length, now) => {
      const window = { fromS: from, toS: from + length };
      const cut = halves(window, now);
      if (cut === undefined) return assert.equal(length, 0);
      const [older, newer] = cut;
      assert.equal(older.fromS, window.fromS);
      assert.equal(newer.fromS, older.toS + 1);
      assert.equal(newer.toS, window.toS);
      assert.ok(older.toS >= older.fromS && newer.toS >= newer.fromS);
    }),
  );
});

test('waits stay within their bounds', () => {
  fc.assert(
    fc.property(fc.nat({ max: 10_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (n, r) => {
      const wait = backoffMs(n, r);
      assert.ok(wait >= 700 && wait <= 60_000, String(wait));
      assert.ok(wait >= 0.7 * Math.min(60_000, 1000 * 2 ** Math.min(n, 16)) - 1);
      assert.ok(jitterMs(n, r) >= 0 && jitterMs(n, r) <= 60_000);
    }),
  );
});
