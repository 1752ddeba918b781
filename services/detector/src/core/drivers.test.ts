import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix } from '../testing/fixes.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { drive, mainDriver, NOBODY, readDrivers, writeDrivers, type Drivers } from './drivers.ts';
import type { Assignment, Valid } from './unit-settings.ts';

const MINUTE = 60_000;

function assigned(
  driver: string,
  source: Assignment['source'],
  from: number,
  to: number,
): Valid<Assignment> {
  return { from: from * MINUTE, to: to * MINUTE, value: { driver, source } };
}

/** Ten moving fixes, a minute apart, with these codes at these minutes. */
function driven(
  codes: Readonly<Record<number, string>>,
  assignments: readonly Valid<Assignment>[],
): Drivers {
  let drivers = NOBODY;
  for (let minute = 1; minute <= 10; minute += 1) {
    const code = codes[minute];
    const wishes = code === undefined ? {} : { driver: code };
    const given = fix({ t: minute * 60, lat: 0, lon: minute / 100, ...wishes });
    drivers = drive(drivers, given, MINUTE, assignments);
  }
  return drivers;
}

const cases: readonly [
  string,
  Readonly<Record<number, string>>,
  readonly Valid<Assignment>[],
  string | undefined,
  string | undefined,
  number,
][] = [
  ['nobody is known', {}, [], undefined, undefined, 0],
  ['a code holds until another one', { 1: 'A', 8: 'B' }, [], 'A', 'MESSAGE', 1],
  ['a binding as of event time', {}, [assigned('C', 'BINDING', 3, 6)], 'C', 'BINDING', 0],
  [
    'a code before a binding, a binding before the plan',
    { 4: 'A' },
    [assigned('C', 'BINDING', 0, 99), assigned('D', 'PLAN', 0, 99)],
    'A',
    'MESSAGE',
    1,
  ],
  [
    'the plan where no binding holds; the most moving time wins',
    {},
    [assigned('C', 'BINDING', 0, 4), assigned('D', 'PLAN', 0, 99)],
    'D',
    'PLAN',
    1,
  ],
  ['of equals the earlier one', { 1: 'A', 6: 'B' }, [], 'A', 'MESSAGE', 1],
];

for (const [title, codes, assignments, driver, source, changes] of cases) {
  test(`driver: ${title}`, () => {
    const drivers = driven(codes, assignments);
    const main = mainDriver(drivers);
    assert.deepEqual([main?.driver, main?.source, drivers.changes], [driver, source, changes]);
    const writer = new ByteWriter();
    writeDrivers(writer, drivers);
    assert.deepEqual(readDrivers(new ByteReader(writer.finish())), drivers);
  });
}
