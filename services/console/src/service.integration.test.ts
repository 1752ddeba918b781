import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type {
  AssignmentPlanned,
  IdMapped,
  ProposalChanged,
  ProposalJudged,
  RangeReread,
  ReworkProgressed,
  ReworkRequested,
  TenantConfigured,
} from '@waybill/contracts';
import type { RouteAnswer, RunningService } from '@waybill/runtime';
import { createPool, type Pool } from '@waybill/postgres';
import type { Outgoing } from '@waybill/stream';
import { readTenant, type IdMapEntry, type TenantModel } from '@waybill/tenant';
import { testDatabase, type TestDatabase, until } from '@waybill/testkit';
import { openControl } from './adapters/control-database.ts';
import type { PlannedDriver } from './core/driver-plan.ts';
import type { Applied, ControlStore, Ports } from './ports.ts';
import { createService } from './service.ts';
import { fakePublisher, model, ports, transient } from './testing/fakes.ts';

const MOVE = '2015-12-10T15:00:00.000Z';
const idmap: readonly IdMapEntry[] = [
  {
    entity: 'vehicle',
    telematics_id: 'wialon:8002',
    intervals: [
      { erp_id: 'TRK-S-9', valid_from_time: null, valid_to_time: Date.parse(MOVE) },
      { erp_id: 'TRK-SPARE-1', valid_from_time: Date.parse(MOVE), valid_to_time: null },
    ],
  },
  {
    entity: 'site',
    telematics_id: 'wialon:700_1',
    intervals: [{ erp_id: 'SITE-JC-1', valid_from_time: null, valid_to_time: null }],
  },
];

let database: TestDatabase;
let pool: Pool;
let control: ControlStore;
let running: RunningService | undefined;

before(async () => {
  database = await testDatabase();
  control = await openControl(database.url);
  pool = createPool(database.url, { applicationName: 'console-test', max: 2 });
});
after(async () => {
  await control.close();
  await pool.end();
  await database.stop();
});
beforeEach(async () => {
  await pool.query(
    'truncate control.tenant_file, control.id_mapping, control.mapped_id, control.outbox, control.audit, control.rework, control.driver_plan',
  );
});

/** A service over the real database, which stays open for the next test. */
async function withService(
  change: Partial<Ports>,
  work: (ask: (route: string, body?: unknown) => Promise<RouteAnswer>) => Promise<void>,
): Promise<void> {
  const service = createService(ports({ ...control, close: async () => undefined }, change));
  running = service;
  try {
    await work(async (route, body) => {
      const [method = '', path = ''] = route.split(' ');
      const url = new URL(path, 'http://localhost');
      const routes = service.routes ?? {};
      const handler = routes[`${method} ${url.pathname}`] ?? routes[`${method} /tenants/*`];
      assert.ok(handler, route);
      return handler(url, Buffer.from(body === undefined ? '' : JSON.stringify(body)));
    });
  } finally {
    await service.stop();
  }
}

async function count(table: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from control.${table}`,
  );
  return rows[0]?.n ?? 0;
}

test('the first apply publishes the tenant and every id of idmap.csv, then empties the outbox', async () => {
  const { publisher, sent } = fakePublisher();
  await withService({ publisher }, async (ask) => {
    const { body } = await ask('POST /tenants/hudson-waste/apply', { model, idmap, by: 'ann' });
    const { version, changed, ids } = body as Applied;
    assert.deepEqual([version, changed, ids], [1, true, { added: 2, kept: 0 }]);
    await until(
      'the outbox to be empty',
      async () => sent.length === 3 && (await count('outbox')) === 0,
    );
  });
  const [file, ...maps] = sent;
  assert.deepEqual([file?.topic.name, file?.key], ['tenant.config.state.v1', 'hudson-waste']);
  const value = file?.message?.value as TenantConfigured;
  assert.equal(value.applied_by, 'ann');
  assert.deepEqual(readTenant(value), model);
  assert.deepEqual(
    maps.map(({ topic, key }) => [topic.name, key]),
    [
      ['identity.mapping.state.v1', 'hudson-waste/vehicle/wialon:8002'],
      ['identity.mapping.state.v1', 'hudson-waste/site/wialon:700_1'],
    ],
  );
  const map = maps[0]?.message?.value as IdMapped | undefined;
  assert.deepEqual(map?.intervals, idmap[0]?.intervals);
});

test('applying the same files again changes and publishes nothing', async () => {
  const { publisher, sent } = fakePublisher();
  await withService({ publisher }, async (ask) => {
    await ask('POST /tenants/hudson-waste/apply', { model, idmap });
    await until('publication', () => sent.length === 3);
    const { body } = await ask('POST /tenants/hudson-waste/apply', { model, idmap });
    const { version, changed, ids } = body as Applied;
    assert.deepEqual([version, changed, ids], [1, false, { added: 0, kept: 2 }]);
    assert.equal(await count('outbox'), 0);
  });
  assert.equal(sent.length, 3);
});

test('a changed model is the next version; what the operator decided about ids stays', async () => {
  await withService({}, async (ask) => {
    await ask('POST /tenants/hudson-waste/apply', { model, idmap });
    const operator = {
      tenant: 'hudson-waste',
      entity: 'vehicle',
      telematics_id: 'wialon:8002',
      intervals: [{ erp_id: 'TRK-NEW', valid_from: null, valid_to: null }],
    };
    await ask('POST /mappings', operator);
    await ask('POST /mappings', {
      ...operator,
      entity: 'site',
      telematics_id: 'wialon:700_1',
      intervals: [],
    });
    const renamed = { ...model, company: { ...model.company, name: 'Hudson Waste LLC' } };
    const { body } = await ask('POST /tenants/hudson-waste/apply', { model: renamed, idmap });
    const { version, changed, ids } = body as Applied;
    assert.deepEqual([version, changed, ids], [2, true, { added: 0, kept: 2 }]);
    const { mappings } = (await ask('GET /mappings?tenant=hudson-waste')).body as {
      mappings: {
        telematics_id: string;
        deleted: boolean;
        version: number;
        intervals: unknown[];
      }[];
    };
    assert.deepEqual(
      mappings
        .map(({ telematics_id: id, deleted, version, intervals }) => [
          id,
          deleted,
          version,
          intervals,
        ])
        .sort((a, b) => String(a[0]).localeCompare(String(b[0]))),
      [
        ['wialon:700_1', true, 2, []],
        ['wialon:8002', false, 2, [{ erp_id: 'TRK-NEW', valid_from: null, valid_to: null }]],
      ],
    );
    const { tenants } = (await ask('GET /tenants')).body as { tenants: { version: number }[] };
    assert.deepEqual(
      tenants.map((tenant) => tenant.version),
      [2],
    );
  });
});

test('a change of an id is published with all its intervals and the next version', async () => {
  const { publisher, sent } = fakePublisher();
  await withService({ publisher }, async (ask) => {
    await ask('POST /tenants/hudson-waste/apply', { model, idmap });
    const change = {
      tenant: 'hudson-waste',
      entity: 'vehicle',
      telematics_id: 'wialon:8002',
      intervals: [
        { erp_id: 'B', valid_from: MOVE, valid_to: null },
        { erp_id: 'A', valid_from: null, valid_to: MOVE },
      ],
      by: 'bob',
    };
    const { body } = await ask('POST /mappings', change);
    assert.deepEqual(body, {
      tenant_id: 'hudson-waste',
      entity: 'vehicle',
      telematics_id: 'wialon:8002',
      version: 2,
      deleted: false,
      intervals: [
        { erp_id: 'A', valid_from: null, valid_to: MOVE },
        { erp_id: 'B', valid_from: MOVE, valid_to: null },
      ],
      changed: true,
    });
    assert.equal(
      ((await ask('POST /mappings', change)).body as { changed: boolean }).changed,
      false,
    );
    await until('publication', () => sent.length === 4);
  });
  const published = sent[3]?.message?.value as IdMapped | undefined;
  assert.equal(published?.version, 2);
  const { rows } = await pool.query<{ action: string; done_by: string }>(
    'select action, done_by from control.audit order by id',
  );
  assert.deepEqual(
    rows.map(({ action, done_by: by }) => [action, by]),
    [
      ['tenant.applied', 'console'],
      ['mapping.loaded', 'console'],
      ['mapping.changed', 'bob'],
    ],
  );
  const { rows: history } = await pool.query<{ erp_id: string; until_version: string | null }>(
    "select erp_id, until_version from control.id_mapping where entity = 'vehicle' order by id",
  );
  assert.deepEqual(
    history.map((row) => [row.erp_id, row.until_version]),
    [
      ['TRK-S-9', '2'],
      ['TRK-SPARE-1', '2'],
      ['A', null],
      ['B', null],
    ],
  );
});

const refusals: readonly [string, string, unknown, string][] = [
  [
    'overlapping intervals',
    'POST /mappings',
    { intervals: [{ erp_id: 'A', valid_to: MOVE }, { erp_id: 'B' }] },
    'MAPPING_OVERLAP',
  ],
  [
    'an interval that ends before it starts',
    'POST /mappings',
    { intervals: [{ erp_id: 'A', valid_from: MOVE, valid_to: '2015-01-01T00:00:00Z' }] },
    'MAPPING_OVERLAP',
  ],
  [
    'an instant without offset',
    'POST /mappings',
    { intervals: [{ erp_id: 'A', valid_to: '2015-12-10T15:00:00' }] },
    'REQUEST_MALFORMED',
  ],
  [
    'an entity that nobody maps',
    'POST /mappings',
    { entity: 'trip', intervals: [] },
    'REQUEST_MALFORMED',
  ],
  [
    'a tenant that is not applied',
    'POST /mappings',
    { tenant: 'nobody', intervals: [] },
    'TENANT_UNKNOWN',
  ],
  ['files of another tenant', 'POST /tenants/bay-cabs/apply', { model }, 'TENANT_MISMATCH'],
  [
    'a model that breaks rules',
    'POST /tenants/hudson-waste/apply',
    { model: { ...model, erp: { ...model.erp, url: 'postgres://literal' } } },
    'TENANT_INVALID',
  ],
  [
    'a folder that is not there',
    'POST /tenants/hudson-waste/apply',
    { dir: '/nowhere' },
    'TENANT_INVALID',
  ],
  ['neither folder nor model', 'POST /tenants/hudson-waste/apply', {}, 'REQUEST_MALFORMED'],
  [
    'an instant without tenant',
    'GET /why?trip=wialon:8002@2015-12-10T15:00:00Z',
    undefined,
    'REQUEST_MALFORMED',
  ],
];
for (const [title, route, body, code] of refusals) {
  test(`refused, with nothing stored: ${title}`, async () => {
    await withService({}, async (ask) => {
      await ask('POST /tenants/hudson-waste/apply', { model, idmap: [] });
      const stored = await count('audit');
      const mapping = { tenant: 'hudson-waste', entity: 'vehicle', telematics_id: 'wialon:1' };
      const request = route === 'POST /mappings' ? { ...mapping, ...(body as object) } : body;
      await assert.rejects(ask(route, request), { code });
      assert.deepEqual([await count('audit'), await count('mapped_id')], [stored, 0]);
    });
  });
}

test('the database itself refuses two ERP ids at one instant', async () => {
  const change = {
    tenantId: 'hudson-waste',
    entity: 'vehicle' as const,
    telematicsId: 'wialon:1',
    by: 'test',
    intervals: [
      { erp_id: 'A', valid_from_time: null, valid_to_time: 2000 },
      { erp_id: 'B', valid_from_time: 1999, valid_to_time: null },
    ],
  };
  await assert.rejects(control.changeMapping(change), { code: 'MAPPING_OVERLAP', kind: 'refused' });
  assert.equal(await count('mapped_id'), 0);
});

test('while the broker is away decisions are stored; they are published in order when it is back', async () => {
  const { publisher, sent, failNext } = fakePublisher();
  failNext(transient(), 1);
  const warnings: string[] = [];
  const logger = {
    info: () => undefined,
    warn: (_f: object, message: string) => void warnings.push(message),
  };
  await withService({ publisher, logger }, async (ask) => {
    await ask('POST /tenants/hudson-waste/apply', { model, idmap });
    await until('the failure to show', () => warnings.length > 0);
    assert.equal(running?.health().ready, false);
    await until('publication', () => sent.length === 3);
    await until('health', () => running?.health().ready === true);
  });
  assert.deepEqual(warnings, ['outbox.delayed']);
  assert.equal(await count('outbox'), 0);
});

test('a publisher that can never work ends the service', async () => {
  const { publisher, failNext } = fakePublisher();
  failNext(new Error('broken'), 1);
  await withService({ publisher }, async (ask) => {
    const ended = assert.rejects(running?.done ?? Promise.resolve(), /broken/);
    await ask('POST /tenants/hudson-waste/apply', { model, idmap: [] });
    await ended;
  });
  assert.equal(await count('outbox'), 1);
});

test('an ERP id leads back to all units that ever stood for it', async () => {
  await control.apply(model, idmap, 'test');
  await control.changeMapping({
    tenantId: 'hudson-waste',
    entity: 'vehicle',
    telematicsId: 'wialon:8009',
    intervals: [{ erp_id: 'TRK-S-9', valid_from_time: 0, valid_to_time: null }],
    by: 'test',
  });
  assert.deepEqual(await control.telematicsIds('hudson-waste', 'vehicle', 'TRK-S-9'), [
    'wialon:8009',
    'wialon:8002',
  ]);
});

test('a rework is published and audited once, can be cancelled and asked for', async () => {
  const { publisher, sent } = fakePublisher();
  await withService({ publisher }, async (ask) => {
    const body = { service: 'transformer', key: 'bay-cabs/wialon/cabs', by: 'ann' };
    const { rework_id: id } = (await ask('POST /rework', body)).body as { rework_id: string };
    const status = (await ask(`GET /rework?id=${id}`)).body as { status: string };
    assert.equal(status.status, 'WAITING');
    await ask('POST /rework/cancel', { rework_id: id, by: 'bob' });
    await ask('POST /rework/cancel', { rework_id: id, by: 'eve' });
    const after = (await ask(`GET /rework?id=${id}`)).body as { cancelled_by: string };
    assert.equal(after.cancelled_by, 'bob');
    await until('the outbox is empty', async () => (await count('outbox')) === 0);
    assert.deepEqual(
      sent.map(({ topic, key, message }) => [topic.name, key, message?.type]),
      [
        ['transformer.rework.command.v1', id, 'ReworkRequested'],
        ['transformer.rework.command.v1', id, 'ReworkCancelled'],
      ],
    );
    for (const { topic, message } of sent) {
      const contract = topic.contracts[message?.type ?? ''];
      assert.deepEqual(contract?.violations(message?.value), []);
    }
    assert.equal(await count('audit'), 2);
    await assert.rejects(ask(`GET /rework?id=${'0'.repeat(32)}`), /nobody asked/);
    await assert.rejects(ask('POST /rework', { service: 'transformer' }), /exactly one choice/);
  });
  assert.equal(await count('outbox'), 0);
});

const wanted: ProposalChanged = {
  tenant_id: model.tenant_id,
  unit: 'wialon:8002',
  business_date: '2015-12-09',
  proposal_id: 'a'.repeat(32),
  revision: 1,
  status: 'WANTED',
  reason: null,
  from_time: Date.parse('2015-12-09T00:00:00Z'),
  to_time: Date.parse('2015-12-10T00:00:00Z'),
  late_fixes: 3,
  fixes: 0,
  settings_version: 1,
  changes: [],
  decided_by: null,
  changed_time: 0,
};

/** Values of the records of one type, in order. */
function valuesOf(sent: readonly Outgoing[], type: string): unknown[] {
  return sent.flatMap(({ message }) => (message?.type === type ? [message.value] : []));
}

function ended(command: ReworkRequested, status: ReworkProgressed['status']): ReworkProgressed {
  const { rework_id, service } = command;
  return {
    ...{ rework_id, service, task: 0, tasks: 1, status, preview: false, spans: [] },
    ...{ records_done: 1, records_refused: 0, records_missing: 0, elements_superseded: 0 },
    ...{ outcomes: [], findings: [], compared: null, reason: 'gone', updated_time: 0 },
  };
}

test('a wanted range is ordered once: from the provider, or of what was pushed from the raw topics', async () => {
  await control.apply(model, [], 'ann');
  const pushed = { ...wanted, unit: 'push:7' };
  const { publisher, sent } = fakePublisher();
  const proposals = { all: () => [wanted, pushed] };
  const commandsOf = (service: string): ReworkRequested[] =>
    (valuesOf(sent, 'ReworkRequested') as ReworkRequested[]).filter(
      (command) => command.service === service,
    );
  const done = (id: string): readonly ReworkProgressed[] =>
    commandsOf('transformer')
      .filter(({ rework_id }) => rework_id === id)
      .map((command) => ended(command, 'DONE'));
  await withService({ publisher, proposals, reworks: { of: done } }, async () => {
    await until('both are ordered and the raw one is marked', () =>
      sent.some(({ message }) => message?.type === 'RangeReread'),
    );
  });
  const [provider, ...others] = commandsOf('wialon-extractor');
  assert.deepEqual(
    [provider?.key, provider?.from_time, provider?.to_time, provider?.reread, others],
    [`${model.tenant_id}/wialon:8002`, wanted.from_time, wanted.to_time, null, []],
  );
  const [raw] = commandsOf('transformer');
  assert.equal(raw?.reread?.unit, 'push:7');
  const marker = sent.find(({ message }) => message?.type === 'RangeReread');
  assert.deepEqual(
    [marker?.topic.name, marker?.key],
    ['fleet.position.backfill.v1', `${model.tenant_id}/push:7`],
  );
  const markers = valuesOf(sent, 'RangeReread') as RangeReread[];
  assert.deepEqual(
    markers.map(({ request_id, complete, preview }) => [request_id, complete, preview]),
    [[raw?.rework_id, true, false]],
  );

  // Another instance, or the same after a restart, orders nothing twice.
  const again = fakePublisher();
  const failed = (id: string): readonly ReworkProgressed[] =>
    raw?.rework_id === id ? [ended(raw, 'FAILED')] : [];
  await withService(
    { publisher: again.publisher, proposals, reworks: { of: failed } },
    async (ask) => {
      await ask('POST /recompute', { ...someDay, unit: 'push:8', by: 'ann' });
      await until(
        'the recomputation is ordered',
        () => valuesOf(again.sent, 'ReworkRequested').length > 0,
      );
    },
  );
  const commands = valuesOf(again.sent, 'ReworkRequested') as ReworkRequested[];
  assert.deepEqual(
    commands.map(({ requested_by }) => requested_by),
    ['ann'],
  );
  assert.deepEqual(valuesOf(again.sent, 'RangeReread'), []);
});

test('a recomputation names its range with margin; a preview says so before it is ordered', async () => {
  await control.apply(model, [], 'ann');
  const { publisher, sent } = fakePublisher();
  await withService({ publisher }, async (ask) => {
    const range = { from: '2015-12-09T12:00:00Z', to: '2015-12-09T18:00:00Z' };
    const body = { tenant: model.tenant_id, unit: 'push:7', ...range, preview: true, by: 'ann' };
    const answer = await ask('POST /recompute', body);
    assert.equal(answer.status, 200);
    await until('all is published', () =>
      sent.some(({ message }) => message?.type === 'ReworkRequested'),
    );
  });
  const verdicts = valuesOf(sent, 'ProposalJudged') as ProposalJudged[];
  const [command] = valuesOf(sent, 'ReworkRequested') as ReworkRequested[];
  assert.deepEqual(
    [command?.reread?.from_time, command?.reread?.to_time],
    [Date.parse('2015-12-09T00:00:00Z'), Date.parse('2015-12-10T06:00:00Z')],
  );
  assert.deepEqual(
    verdicts.map(({ business_date, verdict, proposal_id }) => [
      business_date,
      verdict,
      proposal_id,
    ]),
    ['2015-12-08', '2015-12-09', '2015-12-10'].map((date) => [
      date,
      'SHOW_ONLY',
      command?.rework_id,
    ]),
  );
});

const someDay = { tenant: model.tenant_id, unit: 'a:b', day: '2015-12-09' };
const refusedRequests: readonly [string, object, string][] = [
  ['POST /recompute', { ...someDay, tenant: 'nobody' }, 'TENANT_UNKNOWN'],
  ['POST /recompute', { ...someDay, day: undefined }, 'REQUEST_MALFORMED'],
  ['POST /recompute', { ...someDay, day: '2026-02-30' }, 'REQUEST_MALFORMED'],
  ['POST /recompute', { ...someDay, unit: 'b' }, 'REQUEST_MALFORMED'],
  ['POST /recompute', { ...someDay, way: 'by car' }, 'REQUEST_MALFORMED'],
  [
    'POST /proposals/verdict',
    { proposal_id: 'b'.repeat(32), verdict: 'accept' },
    'PROPOSAL_UNKNOWN',
  ],
  [
    'POST /proposals/verdict',
    { proposal_id: 'a'.repeat(8), verdict: 'accept' },
    'PROPOSAL_DECIDED',
  ],
  ['POST /proposals/verdict', { proposal_id: 'aaaa', verdict: 'accept' }, 'REQUEST_MALFORMED'],
  [
    'POST /proposals/verdict',
    { proposal_id: 'c'.repeat(8), verdict: 'maybe' },
    'REQUEST_MALFORMED',
  ],
];

test('proposals are listed and judged; what is no verdict is refused', async () => {
  await control.apply(model, [], 'ann');
  const pending = { ...wanted, proposal_id: 'c'.repeat(32), status: 'PENDING' } as const;
  const { publisher, sent } = fakePublisher();
  const proposals = { all: () => [{ ...wanted, status: 'ACCEPTED' } as const, pending] };
  await withService({ publisher, proposals }, async (ask) => {
    for (const [route, body, code] of refusedRequests) {
      await assert.rejects(ask(route, body), { code }, JSON.stringify(body));
    }
    const listed = await ask(`GET /proposals?tenant=${model.tenant_id}&status=pending`);
    assert.deepEqual(listed.body, { proposals: [pending] });
    const body = { proposal_id: 'cccccccc', verdict: 'accept', by: 'ann' };
    await ask('POST /proposals/verdict', body);
    await until('the verdict is published', () => valuesOf(sent, 'ProposalJudged').length > 0);
  });
  const record = sent.find(({ message }) => message?.type === 'ProposalJudged');
  assert.deepEqual(
    [record?.topic.name, record?.key],
    ['fleet.proposal-verdict.state.v1', `${model.tenant_id}/wialon:8002/2015-12-09`],
  );
  const judged = valuesOf(sent, 'ProposalJudged') as ProposalJudged[];
  assert.deepEqual(
    judged.map(({ verdict, judged_by, proposal_id }) => [verdict, judged_by, proposal_id]),
    [['ACCEPT', 'ann', pending.proposal_id]],
  );
});

test('the plan of an ERP is published by unit when it changes, and one ERP holds no other', async () => {
  const { publisher, sent } = fakePublisher();
  const plan = { vehicleId: 'TRK-S-9', driver: 'DRV-7', orderId: 'O-1', fromTime: 100 };
  let rows: readonly PlannedDriver[] = [{ ...plan, toTime: 200 }];
  const lines: string[] = [];
  const logger = {
    info: () => undefined,
    warn: (fields: object, message: string) => void lines.push(message + JSON.stringify(fields)),
  };
  const readPlan = async ({ tenant_id: tenant }: TenantModel) => {
    if (tenant === 'a-broken-one') throw transient();
    return rows;
  };
  const planned = {
    ...model,
    detection: { ...model.detection, use_planned_drivers: true },
    erp: {
      ...model.erp,
      driver_plan: {
        ...{ table: 'roster', vehicle: 'unit', driver: 'driver', from: 'begins', to: 'ends' },
        ...{ driver_is: 'code' as const, times: 'instant' as const },
      },
    },
  };
  const plans = (): readonly unknown[] =>
    sent
      .filter(({ topic }) => topic.name === 'fleet.planned-assignment.state.v1')
      .map(({ key, message }) => [
        key,
        (message?.value as AssignmentPlanned | undefined)?.intervals,
      ]);
  const interval = { ...{ valid_from_time: 100, order_id: 'O-1', driver_code: 'DRV-7' } };
  const unit = 'hudson-waste/wialon:8002';
  await withService({ publisher, readPlan, logger }, async (ask) => {
    const other = { ...planned, tenant_id: 'a-broken-one' };
    await ask('POST /tenants/a-broken-one/apply', { model: other, idmap: [] });
    await ask('POST /tenants/hudson-waste/apply', { model: planned, idmap });
    await until('the plan', () => plans().length === 1);
    assert.deepEqual(plans(), [[unit, [{ ...interval, valid_to_time: 200 }]]]);
    assert.match(lines.join(), /plan\.delayed\{"tenant_id":"a-broken-one","code":"BROKER_AWAY"/);
    const again = async (): Promise<unknown> =>
      ask('POST /mappings', {
        ...{ tenant: 'hudson-waste', entity: 'driver', telematics_id: 'D-1' },
        intervals: [{ erp_id: `E-${rows.length}`, valid_from: null, valid_to: null }],
      });
    rows = [{ ...plan, toTime: null }];
    await again();
    await until('the change', () => plans().length === 2);
    // The tracker was on another vehicle from then on.
    assert.deepEqual(plans()[1], [unit, [{ ...interval, valid_to_time: Date.parse(MOVE) }]]);
    rows = [];
    await again();
    await until('the empty plan', () => plans().length === 3);
    assert.deepEqual(plans()[2], [unit, []]);
  });
});
