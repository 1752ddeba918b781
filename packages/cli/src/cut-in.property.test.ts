import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cutIn, type ShownInterval } from './cut-in.ts';

const DAY_MS = 86_400_000;
const instant = (day: number | null): string | null =>
  day === null ? null : new Date(day * DAY_MS).toISOString();

const edge = fc.option(fc.integer({ min: 0, max: 20 }));
const interval = fc
  .tuple(fc.constantFrom('A', 'B', 'C'), edge, edge)
  .filter(([, from, to]) => from === null || to === null || from < to)
  .map(([erp_id, from, to]): ShownInterval => ({
    erp_id,
    valid_from: instant(from),
    valid_to: instant(to),
  }));

function at(intervals: readonly ShownInterval[], ms: number): string[] {
  return intervals
    .filter(
      ({ valid_from: from, valid_to: to }) =>
        (from === null || Date.parse(from) <= ms) && (to === null || ms < Date.parse(to)),
    )
    .map(({ erp_id: id }) => id);
}

test('at every instant the newest decision counts, and none else', () => {
  fc.assert(
    fc.property(fc.array(interval, { minLength: 1, maxLength: 6 }), (decisions) => {
      let intervals: readonly ShownInterval[] = [];
      for (const decision of decisions) intervals = cutIn(intervals, decision);
      for (let day = -1; day <= 21; day += 1) {
        const ms = day * DAY_MS;
        const newest = decisions.findLast((decision) => at([decision], ms).length > 0);
        assert.deepEqual(at(intervals, ms), newest === undefined ? [] : [newest.erp_id]);
      }
    }),
  );
});
