import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createProgress } from './progress.ts';

it('says every 3 s how many records something long has done, and nothing while it is short', () => {
  const told: number[] = [];
  let now = 1_000;
  const progress = createProgress(
    (records) => void told.push(records),
    () => now,
  );
  for (const [at, count] of [
    [1_500, 10],
    [3_999, 10],
    [4_000, 10],
    [6_999, 10],
    [9_000, 10],
  ] as const) {
    now = at;
    progress.add(count);
  }
  assert.deepEqual(told, [30, 50]);
  assert.equal(progress.records(), 50);
});
