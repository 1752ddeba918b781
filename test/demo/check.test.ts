import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareRows, hashRows } from './check.ts';

const row = fc.record({
  vehicle_id: fc.constantFrom('CAB-1', 'CAB-2'),
  distance_km: fc.constantFrom('1.00', '2.50', null),
});
const rows = fc.array(row, { minLength: 1, maxLength: 8 });

test('equal rows in any order differ in nothing and have one hash', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const turned = list.toReversed();
      assert.deepEqual(compareRows(list, turned), { missing: [], unexpected: [] });
      assert.equal(hashRows(list), hashRows(turned));
    }),
  );
});

test('a deleted row is missing, a doubled one unexpected, an edited one both', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const [first] = list;
      assert.ok(first);
      assert.equal(compareRows(list, list.slice(1)).missing.length, 1);
      assert.equal(compareRows(list, [...list, first]).unexpected.length, 1);
      const edited = [{ ...first, distance_km: '9.99' }, ...list.slice(1)];
      const { missing, unexpected } = compareRows(list, edited);
      assert.deepEqual([missing.length, unexpected.length], [1, 1]);
      assert.notEqual(hashRows(list), hashRows(edited));
    }),
  );
});

test('an empty value and the text "null" are different', () => {
  assert.equal(compareRows([{ left_time: null }], [{ left_time: 'null' }]).missing.length, 1);
});
