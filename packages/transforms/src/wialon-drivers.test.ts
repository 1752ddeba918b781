import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics } from '@waybill/contracts';
import { pageOf } from './page-fixture.ts';
import { readBindings, readDriverCodes } from './wialon-drivers.ts';

const resources = pageOf({
  call: 'core/search_items',
  parameters: '{}',
  body: Buffer.from(
    JSON.stringify({
      items: [
        { cls: 3, id: 600, drvrs: { 1: { id: 1, n: 'A. Driver', c: 'DRV001' }, 2: { c: '' } } },
        { cls: 2, id: 7001 },
        null,
      ],
    }),
  ),
});

const bindings = (body: unknown, parameters = '{"resourceId":600}') =>
  pageOf({
    call: 'resource/get_driver_bindings',
    parameters,
    body: Buffer.from(JSON.stringify(body)),
  });

test('codes of drivers are read from resources, names are not', () => {
  assert.deepEqual([...readDriverCodes(resources)], [['wialon:600_1', 'DRV001']]);
});

test('marks of drivers become intervals of units, with all that is known of the past', () => {
  const codes = readDriverCodes(resources);
  const found = readBindings(
    bindings({
      1: [
        { t: 1_760_003_600, u: 0 },
        { t: 1_760_000_000, u: 7001 },
        { t: 1_760_007_200, u: 7002 },
      ],
      2: [{ t: 1_760_001_000, u: 7001 }, { t: 'x' }, null],
    }),
    (id) => codes.get(id) ?? null,
  );
  assert.deepEqual(
    found?.map(({ unit, intervals }) => [
      unit,
      intervals.map((one) => [
        (one.valid_from_time ?? 0) / 1000,
        one.valid_to_time === null ? null : one.valid_to_time / 1000,
        one.driver_id,
        one.driver_code,
      ]),
    ]),
    [
      [
        'wialon:7001',
        [
          [1_760_000_000, 1_760_003_600, 'wialon:600_1', 'DRV001'],
          [1_760_001_000, null, 'wialon:600_2', null],
        ],
      ],
      ['wialon:7002', [[1_760_007_200, null, 'wialon:600_1', 'DRV001']]],
    ],
  );
  for (const value of found ?? []) {
    assert.deepEqual(topics.driverBinding.contracts.DriverBound.violations(value), []);
  }
});

test('an answer of another shape gives no bindings, and says so', () => {
  assert.equal(
    readBindings(bindings([1, 2]), () => null),
    undefined,
  );
  assert.equal(
    readBindings(bindings({}, '{}'), () => null),
    undefined,
  );
  assert.deepEqual(
    readBindings(bindings({}), () => null),
    [],
  );
});
