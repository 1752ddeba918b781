import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testDatabase, type TestDatabase } from '@waybill/testkit';
import type { Pool } from 'pg';
import { binaryArray, type ArrayType } from './arrays.ts';
import { createPool } from './pool.ts';

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url, { applicationName: 'test', max: 2 });
});
after(async () => {
  await pool.end();
  await database.stop();
});

/** The elements of the array as the server writes them. */
async function elements(sqlType: string, array: Buffer): Promise<(string | null)[]> {
  const { rows } = await pool.query<{ value: string | null }>(
    `select value::text from unnest($1::${sqlType}[]) with ordinality as input (value, place)
     order by place`,
    [array],
  );
  return rows.map(({ value }) => value);
}

const cases: readonly [ArrayType, string, Buffer, readonly (string | null)[]][] = [
  [
    'text',
    'text',
    binaryArray('text', ['', 'a,"b"{}\\', null, 'Žluť 🚚']),
    ['', 'a,"b"{}\\', null, 'Žluť 🚚'],
  ],
  [
    'integer',
    'integer',
    binaryArray('integer', [0, -1, null, 2_147_483_647, -2_147_483_648]),
    ['0', '-1', null, '2147483647', '-2147483648'],
  ],
  [
    'bigint',
    'bigint',
    binaryArray('bigint', [
      0,
      -1,
      -4_294_967_296,
      9_007_199_254_740_991,
      2n ** 63n - 1n,
      -(2n ** 63n),
    ]),
    ['0', '-1', '-4294967296', '9007199254740991', '9223372036854775807', '-9223372036854775808'],
  ],
  ['real', 'real', binaryArray('real', [0.125, null, -3.5]), ['0.125', null, '-3.5']],
  [
    'double',
    'double precision',
    binaryArray('double', [0.1, -1e300, Number.NaN]),
    ['0.1', '-1e+300', 'NaN'],
  ],
  ['boolean', 'boolean', binaryArray('boolean', [true, false, undefined]), ['true', 'false', null]],
  [
    'json',
    'jsonb',
    binaryArray('json', ['{"a": [1, "ž"]}', null, 'null']),
    ['{"a": [1, "ž"]}', null, 'null'],
  ],
  [
    'bytea',
    'bytea',
    binaryArray('bytea', [Buffer.from([0, 255]), Buffer.alloc(0)]),
    ['\\x00ff', '\\x'],
  ],
  ['hex', 'bytea', binaryArray('hex', ['00ff', '', null]), ['\\x00ff', '\\x', null]],
  [
    'uuid',
    'uuid',
    binaryArray('uuid', ['00112233445566778899aabbccddeeff', null]),
    ['00112233-4455-6677-8899-aabbccddeeff', null],
  ],
  ['text', 'text', binaryArray('text', []), []],
];
for (const [type, sqlType, array, expected] of cases) {
  test(`the server reads ${type} arrays of ${expected.length} as they were meant`, async () => {
    assert.deepEqual(await elements(sqlType, array), expected);
  });
}

test('instants keep every millisecond from year 1 to year 9999', async () => {
  const instants = [
    Date.parse('0001-01-01T00:00:00Z'),
    -1,
    0,
    946_684_799_999,
    1_763_812_345_678,
    Date.parse('9999-12-31T23:59:59.999Z'),
  ];
  const { rows } = await pool.query<{ ms: string }>(
    `select (extract(epoch from value) * 1000)::bigint::text as ms
     from unnest($1::timestamptz[]) with ordinality as input (value, place) order by place`,
    [binaryArray('instant', instants)],
  );
  assert.deepEqual(
    rows.map(({ ms }) => Number(ms)),
    instants,
  );
});

test('a number that does not fit its type is refused before it is sent', () => {
  assert.throws(() => binaryArray('integer', [2 ** 31]), RangeError);
  assert.throws(() => binaryArray('bigint', [2n ** 63n]), RangeError);
});
