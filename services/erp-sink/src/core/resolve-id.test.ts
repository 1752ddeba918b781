import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { changedSpans, erpIdAt, resolveIds } from './resolve-id.ts';

type Interval = [string, number | null, number | null];

function intervals(...list: Interval[]) {
  return list.map(([erp_id, valid_from_time, valid_to_time]) => ({
    erp_id,
    valid_from_time,
    valid_to_time,
  }));
}

test('starts are inclusive, ends exclusive, gaps have no id', () => {
  const map = intervals(['A', null, 100], ['B', 100, 200], ['C', 300, null]);
  const ids = [-5, 99, 100, 199, 200, 299, 300, 1e12].map((at) => erpIdAt(map, at));
  assert.deepEqual(ids, ['A', 'A', 'B', 'B', undefined, undefined, 'C', 'C']);
});

const cases: readonly [string, Interval[], Interval[], [number | null, number | null][]][] = [
  ['nothing changes', [['A', null, null]], [['A', null, null]], []],
  ['a unit is mapped for the first time', [], [['A', null, null]], [[null, null]]],
  ['a mapping ends', [['A', null, null]], [['A', null, 100]], [[100, null]]],
  [
    'a move is corrected to earlier',
    [
      ['A', null, 200],
      ['B', 200, null],
    ],
    [
      ['A', null, 100],
      ['B', 100, null],
    ],
    [[100, 200]],
  ],
  [
    'an interval is split without changing ids',
    [['A', null, null]],
    [
      ['A', null, 100],
      ['A', 100, null],
    ],
    [],
  ],
  [
    'neighbouring changes are one span',
    [['A', 0, 300]],
    [
      ['B', 0, 100],
      ['C', 100, 300],
    ],
    [[0, 300]],
  ],
];
for (const [name, before, after, expected] of cases) {
  test(name, () => {
    assert.deepEqual(
      changedSpans(intervals(...before), intervals(...after)),
      expected.map(([from, to]) => ({ from, to })),
    );
  });
}

test('property: an instant is in a changed span exactly when its id changed', () => {
  const map = fc
    .uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 0, maxLength: 5 })
    .chain((cuts) =>
      fc
        .array(fc.constantFrom('A', 'B', undefined), {
          minLength: cuts.length + 1,
          maxLength: cuts.length + 1,
        })
        .map((ids) => {
          const sorted = cuts.toSorted((a, b) => a - b);
          return ids.flatMap((id, n) =>
            id === undefined
              ? []
              : [
                  {
                    erp_id: id,
                    valid_from_time: sorted[n - 1] ?? null,
                    valid_to_time: sorted[n] ?? null,
                  },
                ],
          );
        }),
    );
  fc.assert(
    fc.property(map, map, fc.integer({ min: -60, max: 60 }), (before, after, at) => {
      const inSpan = changedSpans(before, after).some(
        ({ from, to }) => (from === null || from <= at) && (to === null || at < to),
      );
      assert.equal(inSpan, erpIdAt(before, at) !== erpIdAt(after, at));
    }),
  );
});

test('an id is waited for where a column takes it, and only looked up where none does', () => {
  const at = { refs: ['vehicle/u', 'site/z'], eventTime: 5 };
  const known = new Map([
    ['vehicle/u', [{ erp_id: 'V', valid_from_time: null, valid_to_time: null }]],
  ]);
  assert.equal(resolveIds(at, known, new Set(['vehicle_id', 'site_id'])), 'site/z');
  assert.deepEqual(resolveIds(at, known, new Set(['vehicle_id'])), {
    vehicleId: 'V',
    siteId: null,
    driverId: null,
  });
});
