import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isFault } from '@waybill/fault';
import { loadTenant, problemsOf } from './index.ts';

const valid = new URL('../testdata/valid', import.meta.url).pathname;
let root = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'waybill-tenant-'));
});
after(() => rm(root, { recursive: true, force: true }));

/** A copy of the valid folder in which `file` has `from` replaced by `to`. */
async function changed(edits: readonly [string, string, string][]): Promise<string> {
  const dir = await mkdtemp(join(root, 't-'));
  await cp(valid, dir, { recursive: true });
  for (const [file, from, to] of edits) {
    const text = await readFile(join(dir, file), 'utf8');
    assert.ok(text.includes(from), `${file} holds ${from}`);
    await writeFile(join(dir, file), text.replace(from, to));
  }
  return dir;
}

async function faultOf(dir: string): Promise<Error> {
  try {
    await loadTenant(dir);
  } catch (error) {
    assert.ok(isFault(error));
    assert.equal(error.code, 'TENANT_INVALID');
    assert.equal(error.kind, 'misconfigured');
    return error;
  }
  throw new assert.AssertionError({ message: 'the folder was accepted' });
}

test('a valid folder gives the model with defaults and the id map with all intervals', async () => {
  const { model, idmap } = await loadTenant(valid);
  assert.equal(model.tenant_id, 'valid-haulage');
  assert.equal(model.detection.silence_s, 600);
  assert.deepEqual(
    model.mappings.map(({ entity, mode }) => [entity, mode]),
    [
      ['site_visit', 'upsert'],
      ['transport_order', 'update'],
      ['trip', 'upsert'],
    ],
  );
  assert.equal(model.ownership.length, 5);
  const moved = idmap.find(({ telematics_id: id }) => id === 'wialon:8002');
  const move = Date.parse('2015-12-10T15:00:00Z');
  assert.deepEqual(moved?.intervals, [
    { erp_id: 'TRK-S-9', valid_from_time: null, valid_to_time: move },
    { erp_id: 'TRK-SPARE-1', valid_from_time: move, valid_to_time: null },
  ]);
});

const literal = 'hunter2-very-secret';

const cases: readonly [string, readonly [string, string, string][], RegExp][] = [
  [
    'a typo in a key names the nearest known key, once',
    [['tenant.yaml', 'account: valid', 'acount: valid']],
    /1 problem:\n {2}tenant\.yaml:12 sources\.0\.acount: unknown key "acount"; did you mean account\?$/,
  ],
  [
    'a typo in a nested mapping key',
    [['erp/trip.yaml', 'withdrawn', 'withdrawn\nretractd: x']],
    /erp\/trip\.yaml:14 retractd: unknown key "retractd"; did you mean retracted\?/,
  ],
  [
    'a missing key says what to add',
    [['tenant.yaml', '  currency: USD\n', '']],
    /tenant\.yaml:2 company\.currency: expected string, found nothing; add currency/,
  ],
  [
    'a zone that does not exist',
    [['tenant.yaml', 'America/New_York', 'America/New_Yrok']],
    /tenant\.yaml:5 company\.zone: .*"America\/New_Yrok"; did you mean America\/New_York\?/,
  ],
  ['an offset is no zone', [['tenant.yaml', 'America/New_York', "'+05:00'"]], /company\.zone/],
  [
    'a wrong choice',
    [['tenant.yaml', 'trip: detected', 'trip: detcted']],
    /events\.trip: expected detected or off, found "detcted"; did you mean detected\?/,
  ],
  [
    'planned drivers without a plan',
    [['tenant.yaml', 'movement_source: position', 'use_planned_drivers: true']],
    /tenant\.yaml:\d+ detection\.use_planned_drivers: .*nothing says where.*add erp\.driver_plan/,
  ],
  [
    'a plan without a column',
    [
      [
        'tenant.yaml',
        '  target: erp',
        '  driver_plan: { table: r, vehicle: v, driver: d, from: f }\n  target: erp',
      ],
    ],
    /erp\.driver_plan\.to: expected string, found nothing/,
  ],
  [
    'an unknown kind of source',
    [['tenant.yaml', 'kind: webhook', 'kind: webhok']],
    /sources\.1\.kind: .*found "webhok"; did you mean webhook\?/,
  ],
  [
    'a number out of range',
    [['tenant.yaml', 'grace_hours: 6', 'grace_hours: 900']],
    /tenant\.yaml:7 company\.grace_hours: expected at most 240, found 900/,
  ],
  [
    'a literal secret',
    [['tenant.yaml', 'secret://files/valid-haulage/erp#url', literal]],
    /tenant\.yaml:\d+ erp\.url: expected a reference secret:\/\/.*not shown.*secrets store/,
  ],
  [
    'a literal among tokens and webhook secrets',
    [
      ['tenant.yaml', 'secret://files/valid-haulage/wialon#token_2', literal],
      ['tenant.yaml', 'secret://files/valid-haulage/webhook#k1', literal],
    ],
    /2 problems:[^]*sources\.0\.tokens\.1[^]*sources\.1\.secrets\.k1/,
  ],
  [
    'broken YAML beside a secret',
    [['tenant.yaml', '  url: secret://files/valid-haulage/erp#url', `  url: "${literal}`]],
    /tenant\.yaml:\d+: not YAML/,
  ],
  [
    'webhook events without a webhook source',
    [
      [
        'tenant.yaml',
        `  - source_id: tms
    kind: webhook
    scheme: waybill-hmac
    secrets:
      k1: secret://files/valid-haulage/webhook#k1
`,
        '',
      ],
    ],
    /events\.trip_status: .*no source is of kind webhook; add a webhook source/,
  ],
  [
    'two sources of one name',
    [['tenant.yaml', 'source_id: tms', 'source_id: wialon']],
    /sources\.1\.source_id: source wialon is declared twice/,
  ],
  [
    'an unknown field in a mapping',
    [
      [
        'erp/trip.yaml',
        'from: distance_km, as: number, multiply: 1000',
        'from: distance_m, as: number, multiply: 1000',
      ],
    ],
    /erp\/trip\.yaml:\d+ columns\.distance_m\.from: there is no field "distance_m".*did you mean distance_km\?/,
  ],
  [
    'an unknown field in an amendment',
    [['erp/trip.yaml', 'from: kind', 'from: knd']],
    /erp\/trip\.yaml:\d+ amendment\.columns\.what\.from: .*did you mean kind\?/,
  ],
  [
    'a field that the type cannot hold',
    [['erp/trip.yaml', 'from: vehicle_id', 'from: vehicle_id, as: number']],
    /columns\.truck\.as: vehicle_id is text and cannot be stored as number/,
  ],
  [
    'a period without an amendment',
    [
      [
        'erp/transport_order.yaml',
        'mode: update',
        'mode: update\nperiod: { table: p, date: d, closed_at: c }',
      ],
    ],
    /erp\/transport_order\.yaml:4 period: .*amendment is missing; add amendment/,
  ],
  [
    'an amendment that could not be found again',
    [['erp/trip.yaml', '    trip_ref: { from: entity_id }\n    what', '    what']],
    /erp\/trip\.yaml:\d+ amendment\.columns: amendments need a column from entity_id/,
  ],
  [
    'a difference in another unit than its row',
    [
      [
        'erp/trip.yaml',
        'multiply: 1000, decimals: 0 }\n    original',
        'multiply: 1 }\n    original',
      ],
    ],
    /amendment\.columns: distance_km stands otherwise in the row than in its amendments/,
  ],
  [
    'a key that is not the id of the entity',
    [
      [
        'erp/trip.yaml',
        'trip_ref: { from: entity_id }\ncolumns',
        'trip_ref: { from: event_id }\ncolumns',
      ],
    ],
    /erp\/trip\.yaml:4 key: expected one key column, from entity_id/,
  ],
  [
    'a column that the ERP owns',
    [['ownership.csv', 'trip,driver_code,telematics', 'trip,vehicle_id,erp']],
    /erp\/trip\.yaml:\d+ columns\.truck: trip\.vehicle_id belongs to the ERP/,
  ],
  [
    'a column written twice',
    [['erp/trip.yaml', 'withdrawn', 'day']],
    /erp\/trip\.yaml:\d+ retracted: column day is written twice, also by columns\.day/,
  ],
  [
    'a mapping that says another entity than its file',
    [['erp/site_visit.yaml', 'entity: site_visit', 'entity: trip']],
    /two mappings/,
  ],
  [
    'an owner that does not exist',
    [['ownership.csv', 'vin,erp', 'vin,erpp']],
    /ownership\.csv:3 owner: expected erp or telematics or two_way, found "erpp"; did you mean erp\?/,
  ],
  [
    'two owners of one field',
    [['ownership.csv', 'trip,driver_code', 'trip,distance_km']],
    /ownership\.csv:5.*trip\.distance_km has two owners/,
  ],
  [
    'a typo in a CSV header',
    [['idmap.csv', 'valid_from', 'valid_form']],
    /idmap\.csv:1: unknown column "valid_form"; did you mean valid_from\?$/,
  ],
  [
    'a row with too few cells',
    [['idmap.csv', 'wialon:8001,TRK-E-1,,', 'wialon:8001,TRK-E-1,']],
    /idmap\.csv:2: expected 5 cells, found 4/,
  ],
  [
    'intervals that overlap',
    [['idmap.csv', 'TRK-SPARE-1,2015-12-10T15:00:00Z', 'TRK-SPARE-1,2015-12-10T14:59:59Z']],
    /idmap\.csv:4 vehicle\/wialon:8002: TRK-S-9 and TRK-SPARE-1 hold the id at the same time/,
  ],
  [
    'an interval that ends before it starts',
    [
      [
        'idmap.csv',
        'SPARE-1,2015-12-10T15:00:00Z,',
        'SPARE-1,2015-12-10T15:00:00Z,2015-12-10T14:00:00Z',
      ],
    ],
    /idmap\.csv:4 valid_to: the interval ends before it starts/,
  ],
  [
    'an instant without offset',
    [['idmap.csv', 'SPARE-1,2015-12-10T15:00:00Z', 'SPARE-1,2015-12-10T15:00:00']],
    /idmap\.csv:4 valid_from: expected an instant/,
  ],
  [
    'an entity that is not mapped here',
    [['idmap.csv', 'site,wialon:700_1', 'sites,wialon:700_1']],
    /idmap\.csv:5 entity: unknown entity "sites"; did you mean site\?/,
  ],
];

for (const [title, edits, expected] of cases) {
  test(`refused with place and advice: ${title}`, async () => {
    const { message } = await faultOf(await changed(edits));
    assert.match(message, expected);
    assert.ok(!message.includes(literal), 'the message does not show the secret');
  });
}

test('every problem of every file is in one message', async () => {
  const dir = await changed([
    ['tenant.yaml', 'currency: USD', 'currency: dollars'],
    ['ownership.csv', 'vin,erp', 'vin,nobody'],
    ['erp/trip.yaml', 'version: 1', 'version: 0'],
    ['idmap.csv', 'TRK-E-1', ''],
  ]);
  const fault = await faultOf(dir);
  assert.deepEqual(
    problemsOf(fault).map(({ file, line }) => [file, line]),
    [
      ['ownership.csv', 3],
      ['erp/trip.yaml', 2],
      ['idmap.csv', 2],
      ['tenant.yaml', 6],
    ],
  );
});

test('missing files are named, and a missing mapping is reported for the event that needs it', async () => {
  const dir = await changed([]);
  await rm(join(dir, 'idmap.csv'));
  await rm(join(dir, 'erp', 'trip.yaml'));
  const { message } = await faultOf(dir);
  assert.match(message, /idmap\.csv: the file is missing; add it, with a header line at least/);
  assert.match(message, /tenant\.yaml:24 events\.trip: .*; add erp\/trip\.yaml or set trip: off/);
});

test('an empty folder names what is expected', async () => {
  const { message } = await faultOf(await mkdtemp(join(root, 'e-')));
  assert.match(message, /tenant\.yaml: the file is missing/);
  assert.match(message, /ownership\.csv: the file is missing/);
});
