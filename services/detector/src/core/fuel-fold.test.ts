import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix, rules } from '../testing/fixes.ts';
import { stepsOf } from '../testing/steps.ts';
import { advanceFuel } from './fuel-fold.ts';
import { FUEL_START, type FuelCut, type FuelKind, type FuelRule } from './fuel-state.ts';

/** One reading; standing with the engine on at the start where nothing else is said. */
interface Row {
  readonly minute: number;
  /** Litres. */
  readonly level?: number;
  readonly percent?: number;
  readonly speed?: number;
  readonly ignition?: boolean;
  /** Degrees of latitude. */
  readonly lat?: number;
}

/** Readings a minute apart. */
function readings(from: number, count: number, row: Omit<Row, 'minute'>): Row[] {
  return Array.from({ length: count }, (_, i) => ({ ...row, minute: from + i }));
}

function kindsOf(rows: readonly Row[], tanks = HUNDRED): FuelKind[] {
  return cutsOf(rows, tanks).map(({ kind }) => kind);
}

type Tanks = FuelRule['tanks'];

const HUNDRED: Tanks = [{ from: -Infinity, to: Infinity, value: 100 }];

/** What was cut of a unit, the refuel under way included. */
function cutsOf(rows: readonly Row[], tanks = HUNDRED): FuelCut[] {
  const { fuel, trip } = rules();
  const rule = { ...fuel, tanks };
  const closed: FuelCut[] = [];
  let state = FUEL_START;
  const fixes = rows.map(({ minute, level, percent, speed = 0, ignition = true, lat = 1 }) => {
    const levels = { fuel_level_l: level ?? null, fuel_level_percent: percent ?? null };
    return fix({ t: minute * 60, lat, lon: 1, speed, signals: { ignition, ...levels } });
  });
  for (const step of stepsOf(fixes, { ...trip, movementSource: 'speed' })) {
    state = advanceFuel(state, step, rule, closed);
  }
  if (state.filling !== undefined) closed.push(state.filling);
  return closed;
}

test('a rise at rest is a refuel; a level that the tank cannot hold is no reading', () => {
  assert.deepEqual(kindsOf([...readings(0, 5, { level: 50 }), ...readings(5, 5, { level: 90 })]), [
    'REFUEL',
  ]);
  assert.deepEqual(
    kindsOf([...readings(0, 5, { level: 50 }), ...readings(5, 5, { level: 200 })]),
    [],
  );
});

test('a refuel that grows rests on the readings before and on the newest ones', () => {
  const rows = [
    ...readings(0, 5, { level: 50 }),
    ...readings(5, 3, { level: 70 }),
    ...readings(8, 3, { level: 75 }),
  ];
  const [early] = cutsOf(rows.slice(0, 8));
  const [grown] = cutsOf(rows);
  assert.deepEqual([early?.levelAfterL, grown?.levelAfterL], [70, 75]);
  assert.deepEqual([early?.inputs.count, grown?.inputs.count], [6, 6], 'three and three');
  assert.notEqual(early?.inputs.low, grown?.inputs.low);
  assert.equal(grown?.start.time, early?.start.time);
});

test('a fall at rest is a drain when the level is still low 10 min after moving off', () => {
  const fallen = [...readings(0, 5, { level: 80 }), ...readings(5, 5, { level: 60 })];
  assert.deepEqual(kindsOf(fallen), [], 'nothing is said before the unit has moved off');
  assert.deepEqual(kindsOf([...fallen, ...readings(10, 13, { level: 59, speed: 40 })]), ['DRAIN']);
  const back = kindsOf([...fallen, ...readings(10, 13, { level: 80, speed: 40 })]);
  assert.ok(!back.includes('DRAIN'), `a float that stuck: ${back.join()}`);
});

test('a running engine explains a slow fall, an engine that is off does not', () => {
  const standing = (ignition: boolean): Row[] =>
    Array.from({ length: 60 }, (_, i) => ({
      minute: 4 * i,
      level: 50 - (2 * 4 * i) / 60,
      ignition,
    }));
  const drive = readings(240, 13, { level: 42, speed: 40 });
  assert.deepEqual(kindsOf([...standing(false), ...drive]), ['DRAIN']);
  assert.deepEqual(kindsOf([...standing(true), ...drive]), []);
});

test('a fall across a silence in which the unit moved is unexplained, never a drain', () => {
  const before = readings(0, 5, { level: 80 });
  const after = (level: number): Row[] => readings(125, 5, { level, lat: 1.1 });
  const drive = readings(130, 13, { level: 50, lat: 1.1, speed: 40 });
  assert.deepEqual(kindsOf([...before, ...after(50), ...drive]), ['UNEXPLAINED']);
  assert.deepEqual(kindsOf([...before, ...after(72)]), [], 'the way explains it');
});

test('percent counts by the tank as of event time, and is nothing where no tank is known', () => {
  const rows = [...readings(0, 5, { percent: 20 }), ...readings(5, 5, { percent: 60 })];
  const tanks: Tanks = [
    { from: -Infinity, to: 5 * 60_000, value: 80 },
    { from: 5 * 60_000, to: Infinity, value: 200 },
  ];
  assert.deepEqual(
    cutsOf(rows, tanks).map(({ kind, levelBeforeL, levelAfterL }) => [
      kind,
      levelBeforeL,
      levelAfterL,
    ]),
    [['REFUEL', 16, 120]],
  );
  assert.deepEqual(cutsOf(rows, []), []);
});

test('how far readings of one level lie apart depends on the tank, and on whether they were taken at rest', () => {
  const noisy = (spread: number, speed: number, tanks: Tanks): number => {
    const level = (i: number): number => 20 + (i % 2 === 0 ? 0 : spread);
    const before = [0, 1, 2, 3, 4].map((minute) => ({ minute, level: level(minute), speed }));
    return cutsOf([...before, ...readings(5, 3, { level: 90 })], tanks).length;
  };
  // 1 l or 1.5 % of the tank at rest, 4 l or 8 % else.
  assert.deepEqual([noisy(1, 0, []), noisy(1.2, 0, [])], [1, 0]);
  assert.deepEqual([noisy(1.5, 0, HUNDRED), noisy(1.6, 0, HUNDRED)], [1, 0]);
  assert.deepEqual([noisy(4, 40, []), noisy(4.5, 40, [])], [1, 0]);
  assert.deepEqual([noisy(8, 40, HUNDRED), noisy(8.5, 40, HUNDRED)], [1, 0]);
});

test('three readings at rest make a level, while driving five', () => {
  const after = (count: number, speed: number): FuelKind[] =>
    kindsOf([...readings(0, count, { level: 50, speed }), ...readings(count, 3, { level: 90 })]);
  assert.deepEqual([after(2, 0), after(3, 0)], [[], ['REFUEL']]);
  assert.deepEqual([after(4, 40), after(5, 40)], [[], ['REFUEL']]);
});

test('of a fall at rest what the engine burnt meanwhile is no drain, and not part of its volume', () => {
  const fallen = (minutes: number, level: number): FuelCut[] =>
    cutsOf([
      ...readings(0, 5, { level: 80 }),
      // Zero is no reading.
      ...readings(5, minutes, { level: 0 }),
      ...readings(5 + minutes, 5, { level }),
      ...readings(10 + minutes, 13, { level: level - 1, speed: 40 }),
    ]);
  // Six litres at once; in an hour 2.5 l of them are the engine's.
  assert.deepEqual(
    fallen(1, 74).map(({ kind }) => kind),
    ['DRAIN'],
  );
  assert.deepEqual(fallen(57, 74), []);
  const [drain] = fallen(57, 72);
  assert.deepEqual([drain?.kind, drain?.levelBeforeL, drain?.levelAfterL], ['DRAIN', 77.5, 72]);
  const stopped = [
    ...readings(0, 5, { level: 80 }),
    ...readings(5, 57, { level: 0 }),
    ...readings(62, 5, { level: 74, ignition: false }),
    ...readings(67, 13, { level: 73, speed: 40 }),
  ];
  assert.deepEqual(kindsOf(stopped), [], 'it ran until it was switched off');
});

test('of readings within ten seconds one counts', () => {
  const within = (seconds: number): Row[] => [
    ...[0, 1, 2].map((i) => ({ minute: (i * seconds) / 60, level: 50 })),
    ...readings(3, 3, { level: 90 }),
  ];
  assert.deepEqual([kindsOf(within(3)), kindsOf(within(10))], [[], ['REFUEL']]);
});

test('a rise while driving is slosh; of noisy levels more must have risen than the noise', () => {
  const driving = (from: number, level: number): Row[] => readings(from, 5, { level, speed: 40 });
  assert.deepEqual(kindsOf([...driving(0, 50), ...driving(5, 70)]), []);
  const risen = (level: number): FuelKind[] =>
    kindsOf([
      ...[0, 1, 2, 3, 4].map((minute) => ({ minute, level: 50 + 4 * (minute % 2), speed: 40 })),
      ...readings(5, 3, { level }),
    ]);
  assert.deepEqual([risen(59), risen(60)], [[], ['REFUEL']], '8 l and half of 4 l');
});

test('a level within the tolerance is no growth of a refuel', () => {
  const grown = (level: number): number | undefined =>
    cutsOf([
      ...readings(0, 5, { level: 50 }),
      ...readings(5, 3, { level: 70 }),
      ...readings(8, 3, { level }),
    ])[0]?.levelAfterL;
  assert.deepEqual([grown(71.5), grown(72)], [70, 72]);
});

test('confidence is high at rest, less over a silence, low from readings while driving', () => {
  const confidence = (before: readonly Row[], from: number): string | undefined =>
    cutsOf([...before, ...readings(from, 5, { level: 90 })])[0]?.confidence;
  assert.equal(confidence(readings(0, 5, { level: 50 }), 5), 'HIGH');
  assert.equal(confidence(readings(0, 5, { level: 50 }), 65), 'MEDIUM');
  assert.equal(confidence(readings(0, 5, { level: 50, speed: 40 }), 5), 'LOW');
});

test('what noise may have hidden is not unexplained', () => {
  const fall = (noise: number): FuelKind[] => {
    const noisy = (from: number, level: number, lat: number): Row[] =>
      [0, 1, 2, 3, 4].map((i) => ({ minute: from + i, level: level + noise * (i % 2), lat }));
    return kindsOf([...noisy(0, 80, 1), ...noisy(125, 64, 1.1)]);
  };
  // 16 l fell: 8.3 l by the way, 2.5 l by standing, 5 l is the threshold.
  assert.deepEqual([fall(0), fall(0.5)], [['UNEXPLAINED'], []]);
});
