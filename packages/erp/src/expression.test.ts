import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '@waybill/fault';
import { evaluate, readBack } from './expression.ts';
import type { Expression } from './mapping.ts';
import type { FieldValue } from './port.ts';

const ZONE = 'America/New_York';
const noon = new Date('2015-12-10T17:00:00Z');

const cases: readonly [string, Omit<Expression, 'from'>, FieldValue | undefined, unknown][] = [
  ['text', { as: 'text' }, 'D-1', 'D-1'],
  ['a number as text', { as: 'text' }, 4821, '4821'],
  ['an instant as text', { as: 'text' }, noon, '2015-12-10T17:00:00.000Z'],
  ['a number', { as: 'number' }, 3.1, '3.1'],
  ['a number in another unit', { as: 'number', multiply: 0.621371, decimals: 4 }, 10, '6.2137'],
  ['half is rounded away from zero', { as: 'number', decimals: 2 }, 1.005, '1.01'],
  ['a boolean', { as: 'boolean' }, true, true],
  ['an instant', { as: 'timestamp' }, noon, '2015-12-10T17:00:00.000Z'],
  ['local time', { as: 'local_timestamp' }, noon, '2015-12-10T12:00:00'],
  [
    'local time keeps ms',
    { as: 'local_timestamp' },
    new Date(+noon + 7),
    '2015-12-10T12:00:00.007',
  ],
  ['a date', { as: 'date' }, '2015-12-10', '2015-12-10'],
  ['local date of an instant', { as: 'date' }, new Date('2015-12-11T04:59:59Z'), '2015-12-10'],
  ['a translated value', { as: 'text', values: { LEFT: 'GONE' } }, 'LEFT', 'GONE'],
  ['null', { as: 'number' }, null, null],
  ['a field that is not there', { as: 'text' }, undefined, null],
];
for (const [name, expression, value, expected] of cases) {
  test(`evaluates ${name}`, () => {
    assert.equal(evaluate({ from: 'f', ...expression }, value, ZONE), expected);
  });
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(isFault(error));
    return `${error.kind} ${error.code}`;
  }
  return assert.fail('expected a fault');
}

test('a value without translation is refused, a field of another kind is a wrong mapping', () => {
  const status = { from: 'status', as: 'text', values: { LEFT: 'GONE' } } as const;
  assert.equal(
    codeOf(() => evaluate(status, 'ENTERED', ZONE)),
    'refused VALUE_UNKNOWN',
  );
  const number = { from: 'status', as: 'number' } as const;
  assert.equal(
    codeOf(() => evaluate(number, 'LEFT', ZONE)),
    'misconfigured MAPPING_INVALID',
  );
});

test('stored values are read back in the contract’s terms', () => {
  const stage = { from: 'status', as: 'text', values: { LEFT: 'GONE' } } as const;
  assert.equal(readBack(stage, 'GONE'), 'LEFT');
  assert.equal(readBack(stage, 'SOMETHING'), 'SOMETHING');
  assert.equal(readBack({ from: 'start_time', as: 'local_timestamp' }, '1449766800000'), +noon);
  assert.equal(readBack({ from: 'dwell_s', as: 'number' }, null), null);
});

test('property: miles with four decimals give every hundredth of a kilometre back', () => {
  const miles: Expression = {
    from: 'distance_km',
    as: 'number',
    multiply: 0.621371192237334,
    decimals: 4,
  };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500_000 }), (hundredths) => {
      const stored = evaluate(miles, hundredths / 100, ZONE);
      assert.equal(readBack(miles, String(stored)), hundredths / 100);
    }),
  );
});

test('property: minutes with four decimals give every second back', () => {
  const minutes: Expression = {
    from: 'duration_s',
    as: 'number',
    multiply: 0.016666666666666666,
    decimals: 4,
  };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seconds) => {
      assert.equal(readBack(minutes, String(evaluate(minutes, seconds, ZONE))), seconds);
    }),
  );
});
