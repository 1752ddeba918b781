import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix, rules } from '../testing/fixes.ts';
import { stepsOf } from '../testing/steps.ts';
import { advanceFuel, FUEL_START, type FuelCut, type FuelKind } from './fuel-fold.ts';

/** One reading; standing with the engine on at the start where nothing else is said. */
interface Row {
  readonly minute: number;
  readonly level: number;
  readonly speed?: number;
  readonly ignition?: boolean;
  /** Degrees of latitude. */
  readonly lat?: number;
}

/** Readings a minute apart. */
function readings(from: number, count: number, row: Omit<Row, 'minute'>): Row[] {
  return Array.from({ length: count }, (_, i) => ({ ...row, minute: from + i }));
}

function kindsOf(rows: readonly Row[]): FuelKind[] {
  return cutsOf(rows).map(({ kind }) => kind);
}

/** What was cut of a unit with a tank of 100 l, the refuel under way included. */
function cutsOf(rows: readonly Row[]): FuelCut[] {
  const { fuel, trip } = rules();
  const rule = { ...fuel, tanks: [{ from: -Infinity, to: Infinity, value: 100 }] };
  const closed: FuelCut[] = [];
  let state = FUEL_START;
  const fixes = rows.map(({ minute, level, speed = 0, ignition = true, lat = 1 }) =>
    fix({ t: minute * 60, lat, lon: 1, speed, signals: { ignition, fuel_level_l: level } }),
  );
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
