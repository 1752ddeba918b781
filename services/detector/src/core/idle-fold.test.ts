import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix, rules } from '../testing/fixes.ts';
import { stepsOf } from '../testing/steps.ts';
import { advanceIdle, type Idling, type IdleState } from './idle-fold.ts';

/** Minute, engine on, and thousandths of a degree away from the start. */
type Row = readonly [minute: number, engine: boolean, away?: number];

/** First and last minute of every stretch that ended. */
function ended(rows: readonly Row[]): (readonly [number, number])[] {
  const { idle, trip } = rules();
  const closed: Idling[] = [];
  let state: IdleState;
  const fixes = rows.map(([minute, ignition, away = 0]) =>
    fix({ t: minute * 60, lat: away / 1000, lon: 0.0001, signals: { ignition } }),
  );
  for (const step of stepsOf(fixes, trip)) state = advanceIdle(state, step, idle, closed);
  return closed.map(({ start, end }) => [start.time / 60_000, end.time / 60_000]);
}

const RUNNING: readonly Row[] = [0, 1, 2, 3].map((minute) => [minute, true]);

const cases: readonly [string, readonly Row[], readonly (readonly [number, number])[]][] = [
  ['an engine that runs on has not ended', RUNNING, []],
  ['movement ends it at the last fix that stood', [...RUNNING, [4, true, 5]], [[1, 3]]],
  ['a silence ends it at the last fix before', [...RUNNING, [20, true]], [[1, 3]]],
  ['an engine that is off for 30 s flickers', [...RUNNING, [4, false], [4.5, true], [5, true]], []],
  ['an engine that is off for 2 min has ended', [...RUNNING, [4, false], [6, true]], [[1, 3]]],
];
for (const [title, rows, expected] of cases) {
  test(title, () => {
    assert.deepEqual(ended(rows), expected);
  });
}
