import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssetSensor } from '@waybill/contracts';
import { pageOf } from './page-fixture.ts';
import type { NullReason } from './sensor-expression.ts';
import { transformPage } from './transform.ts';
import { signalsOf } from './wialon-signals.ts';

function sensor(
  sensor_type: string,
  parameter: string,
  wishes: Partial<AssetSensor> = {},
): AssetSensor {
  return {
    sensor_id: 1,
    name: sensor_type,
    sensor_type,
    metric: '',
    parameter,
    flags: 0,
    lower_bound: null,
    upper_bound: null,
    validation_type: 0,
    validator_id: 0,
    calibration: [],
    ...wishes,
  };
}

/** The first fuel level of a message by one sensor, and why it is null. */
function level(
  parameters: Record<string, unknown>,
  parameter: string,
  wishes: Partial<AssetSensor> = {},
  others: readonly AssetSensor[] = [],
): readonly [number | null | undefined, readonly NullReason[]] {
  const noted: NullReason[] = [];
  const sensors = [sensor('fuel level', parameter, wishes), ...others];
  const { fuelLevelL } = signalsOf({ p: parameters, i: 5 }, sensors, (reason) =>
    noted.push(reason),
  );
  return [fuelLevelL, noted];
}

const table = [
  { x: 0, a: 0.5, b: 0 },
  { x: 100, a: 1, b: -50 },
];

const cases: readonly [string, ReturnType<typeof level>, ReturnType<typeof level>][] = [
  ['a parameter as it is', level({ lls: 40 }, 'lls'), [40, []]],
  ['digits in text are a number', level({ lls: '40.5' }, 'lls'), [40.5, []]],
  ['a text is none', level({ lls: 'ok' }, 'lls'), [null, ['not_a_number']]],
  ['an absent parameter is no fault', level({}, 'lls'), [null, []]],
  [
    'the row below the first counts',
    level({ lls: -10 }, 'lls + 30', { calibration: table }),
    [10, []],
  ],
  ['calibration by rows', level({ lls: 120 }, 'lls', { calibration: table }), [70, []]],
  ['operators and brackets', level({ a: 2, b: 3 }, '(a + b) * const10 - 2 ^ 3'), [42, []]],
  ['division by zero', level({ a: 2, b: 0 }, 'a / b'), [null, ['divided_by_zero']]],
  ['a power beyond every number', level({ a: 1e300 }, 'a ^ 2'), [null, ['not_a_number']]],
  ['the first valid one', level({ b: 7 }, 'a | b'), [7, []]],
  ['a bit of a parameter', level({ flags: 4 }, 'flags:3 * 30'), [30, []]],
  ['a bit of the inputs', level({}, 'in1 * 10 + in2 * 100 + in3'), [11, []]],
  ['the previous message', level({ lls: 1 }, 'lls - #lls'), [null, ['unsupported']]],
  ['a broken expression', level({ lls: 1 }, 'lls * ('), [null, ['unsupported']]],
  ['saturated', level({ lls: 4095 }, 'lls', { upper_bound: 4095 }), [null, ['out_of_bounds']]],
  ['below its bound', level({ lls: 1 }, 'lls', { lower_bound: 2 }), [null, ['out_of_bounds']]],
  [
    'bounds after calibration',
    level({ lls: 120 }, 'lls', { calibration: table, flags: 0x41, upper_bound: 70 }),
    [null, ['out_of_bounds']],
  ],
  ["Wialon's no value", level({ lls: -348201.3876 }, 'lls'), [null, []]],
  [
    'a validator: only with the engine on',
    level({ lls: 40 }, 'lls', { validation_type: 8, validator_id: 2 }, [
      sensor('digital', 'in2', { sensor_id: 2 }),
    ]),
    [0, []],
  ],
  [
    'a validator that divides by zero',
    level({ lls: 40, n: 0 }, 'lls', { validation_type: 9, validator_id: 2 }, [
      sensor('custom', 'n', { sensor_id: 2 }),
    ]),
    [null, []],
  ],
  [
    'another sensor by name',
    level({ n: 12 }, '[tank left] * 2', {}, [
      sensor('custom', 'n', { sensor_id: 2, name: 'tank left' }),
    ]),
    [24, []],
  ],
  ['a sensor that asks itself', level({}, '[fuel level]'), [null, ['unsupported']]],
  ['two tanks are one level', level({ a: 1, b: 2 }, 'a', {}, [sensor('fuel level', 'b')]), [3, []]],
  ['one of two tanks is none', level({ a: 1 }, 'a', {}, [sensor('fuel level', 'b')]), [null, []]],
];

for (const [title, found, expected] of cases) {
  test(`sensor: ${title}`, () => assert.deepEqual(found, expected));
}

test('a message gives every signal that the unit has a sensor for', () => {
  const sensors = [
    sensor('engine operation', 'in1', { sensor_id: 1 }),
    sensor('engine rpm', 'rpm', { sensor_id: 2 }),
    sensor('fuel level', 'soc', { sensor_id: 3, metric: '%' }),
    sensor('mileage', 'odo', { sensor_id: 4, metric: 'm' }),
    sensor('engine hours', 'eh', { sensor_id: 5 }),
    sensor('driver', 'card', { sensor_id: 6 }),
    sensor('private mode', 'prv', { sensor_id: 7 }),
  ];
  const p = { rpm: 850, soc: 61, odo: 123_456_000, eh: 512.5, card: 'D-7', prv: 1 };
  assert.deepEqual(
    signalsOf({ p, i: 1 }, sensors, () => assert.fail('nothing is null')),
    {
      ignition: true,
      engineRpm: 850,
      fuelLevelL: null,
      fuelLevelPercent: 61,
      odometerKm: 123_456,
      engineHoursH: 512.5,
      driverCode: 'D-7',
      isPrivate: true,
    },
  );
});

test('a message without a position is a signal where its unit has sensors, by their event time', () => {
  const body = [
    {
      t: 1_760_000_001,
      f: 2,
      tp: 'ud',
      pos: null,
      i: 1,
      p: { lls: 40, bad: 0 },
      rt: 1_760_000_002,
    },
    { t: 1_760_009_999, f: 2, tp: 'ud', pos: null, i: 1, p: { lls: 40 }, rt: 1_760_010_000 },
  ];
  const page = pageOf({ body: Buffer.from(JSON.stringify(body)) });
  const address = { topic: 'wialon.page.raw.v1', partition: 0, offset: 1 };
  const sensors = [sensor('fuel level', 'lls'), sensor('engine rpm', 'lls / bad')];
  const made = transformPage(page, address, (_unit, time) =>
    time < 1_760_005_000_000 ? sensors : [],
  );
  assert.deepEqual(made.skipped, [{ reason: 'no_position', count: 1 }]);
  assert.deepEqual(made.nulled, [{ reason: 'divided_by_zero', count: 1 }]);
  assert.equal(made.events.length, 1);
  const [event] = made.events;
  assert.equal(event?.contract, 'SignalRecorded');
  const { value } = event;
  assert.deepEqual(
    [value.fuel_level_l, value.engine_rpm, value.event_time],
    [40, null, 1_760_000_001_000],
  );
  const again = transformPage(page, { ...address, offset: 9 }, (_unit, time) =>
    time < 1_760_005_000_000 ? sensors : [],
  );
  assert.deepEqual(
    again.events.map((other) => 'event_id' in other.value && other.value.event_id),
    [value.event_id],
  );
});
