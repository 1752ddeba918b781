import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix, rules, track } from '../testing/fixes.ts';
import { stepsOf } from '../testing/steps.ts';
import type { LocatedFix } from './fix.ts';
import type { TripRule } from './rules.ts';
import { advanceRun, cutBySilence, inputsHash, type Run, type TripCut } from './trip-fold.ts';

function foldAll(
  fixes: readonly LocatedFix[],
  rule: TripRule = rules().trip,
): { readonly closed: TripCut[]; readonly run: Run | undefined } {
  const closed: TripCut[] = [];
  let run: Run | undefined;
  for (const { located: last, place: fix, wayM, leftOut } of stepsOf(fixes, rule)) {
    if (fix === undefined) continue;
    run = advanceRun({ last, fix, wayM, leftOut, assignments: [] }, run, rule, closed);
  }
  return { closed, run };
}

/** Start and end of a cut in minutes. */
function minutes(cut: TripCut): readonly [number, number] {
  return [cut.start.time / 60_000, cut.end.time / 60_000];
}

const cases: readonly [string, readonly number[], readonly (readonly [number, number])[]][] = [
  ['no movement is no trip', [0, 0, 0, 0, 0, 0, 0, 0], []],
  ['a standstill of 300 s ends a trip', [0, 2, 4, 4, 4, 4, 4, 4], [[0, 2]]],
  ['a standstill of 240 s does not', [0, 2, 4, 4, 4, 4, 6, 6, 6, 6, 6, 6], [[0, 6]]],
  [
    'movement 300 s after the last one opens the next trip',
    [0, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4],
    [
      [0, 1],
      [5, 6],
    ],
  ],
];
for (const [title, thousandths, expected] of cases) {
  test(title, () => {
    assert.deepEqual(foldAll(track(thousandths)).closed.map(minutes), expected);
  });
}

test('the pending stretch after the last moving fix counts only when movement goes on', () => {
  // Slow creeping of 0.01 thousandths a minute between two drives.
  const creeping = [0, 2, 2.01, 2.02, 2.03, 4.03, 4.04, 4.04, 4.04, 4.04, 4.04];
  const [cut] = foldAll(track(creeping)).closed;
  assert.ok(cut);
  assert.equal(cut.tally.fixCount, 6);
  assert.ok(Math.abs(cut.tally.distanceM - 4.03 * 111.195) < 0.1, `${cut.tally.distanceM} m`);
});

test('a fix behind a gap does not move and does not open a trip backwards', () => {
  const fixes = [0, 400, 460].map((t, i) => fix({ t, lat: i * 0.01, lon: 0.0001 }));
  const { run } = foldAll(fixes);
  assert.equal(run?.start.time, 400_000);
});

test('recorded speed decides where the tenant says so; a fix without one falls back to positions', () => {
  const rule: TripRule = { ...rules().trip, movementSource: 'speed' };
  const standing = track([0, 2, 4], { speed: 0 });
  assert.equal(foldAll(standing, rule).run, undefined);
  const creeping = track([0, 0, 0], { speed: 30 });
  assert.equal(foldAll(creeping, rule).run?.start.time, 0);
  assert.equal(foldAll(track([0, 2, 4]), rule).run?.end.time, 120_000);
});

test('a moving first fix by speed opens the trip itself', () => {
  const rule: TripRule = { ...rules().trip, movementSource: 'speed' };
  const fixes = [
    fix({ t: 0, lat: 0, lon: 0.0001, speed: 0 }),
    fix({ t: 400, lat: 0, lon: 0.0001, speed: 30 }),
  ];
  assert.equal(foldAll(fixes, rule).run?.start.time, 400_000);
});

test('who signs on after the last moving fix did not drive', () => {
  const fixes = track([0, 2, 4, 4, 4, 4, 4, 4]).map((given, i) => ({
    ...given,
    driver: { 0: 'A', 2: 'B', 5: 'C' }[i],
  }));
  const drivers = foldAll(fixes).closed[0]?.tally.drivers;
  assert.deepEqual(
    drivers?.shares.map(({ driver, movingMs }) => [driver, movingMs]),
    [
      ['A', 60_000],
      ['B', 60_000],
    ],
  );
  assert.equal(drivers.changes, 1);
});

test('inputs_hash is the sum of the identities of the fixes modulo 2^64', () => {
  const fixes = track([0, 2, 4, 6, 8]);
  const run = foldAll(fixes).run as Run;
  const sum = fixes.reduce(
    (total, { idHigh, idLow }) => total + BigInt(idHigh) * 2n ** 32n + BigInt(idLow),
    0n,
  );
  const expected = (sum % 2n ** 64n).toString(16).padStart(16, '0');
  assert.equal(inputsHash(cutBySilence(run).tally), expected);
});
