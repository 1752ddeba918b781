import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayOf, instantOf } from './index.ts';

const noon = Date.UTC(2025, 9, 29, 12);

test('a time is ISO 8601 with its offset, or a count of seconds or milliseconds', () => {
  for (const value of [
    '2025-10-29T12:00:00Z',
    '2025-10-29T12:00Z',
    '2025-10-29t12:00:00z',
    '2025-10-29T12:00:00.000000000+00:00',
    '2025-10-29T16:00:00+04:00',
    noon,
    noon / 1000,
    String(noon),
    String(noon / 1000),
  ]) {
    assert.equal(instantOf(value), noon, String(value));
  }
  assert.equal(instantOf('2025-10-29T12:00:00.250Z'), noon + 250);
});

test('what has no offset, no such day, or lies before 1970 is no time', () => {
  for (const value of [
    '2025-10-29T12:00:00',
    '2025-10-29',
    '2025-02-30T12:00:00Z',
    '2025-02-29T12:00:00Z',
    '2025-10-29T24:00:00Z',
    '2025-10-29T12:60:00Z',
    '2025-10-29T12:00:00+0400',
    '29 Oct 2025 12:00 +00:00',
    '1969-12-31T23:59:59Z',
    'today',
    '',
    '-5',
    0,
    -1,
    1e15,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    {},
    [noon],
    true,
  ]) {
    assert.equal(instantOf(value), undefined, JSON.stringify(value));
  }
});

test('every instant since 1970 comes back from its ISO text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
      assert.equal(instantOf(new Date(ms).toISOString()), ms);
    }),
  );
});

test('a day is a day of the calendar', () => {
  assert.equal(dayOf('1970-01-02'), 1);
  assert.equal(dayOf('2024-02-29'), 19_782);
  for (const value of ['2025-02-29', '2025-04-31', '2025-13-01', '2025-1-1', '', 5, null]) {
    assert.equal(dayOf(value), undefined, String(value));
  }
});
