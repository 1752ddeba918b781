import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { topics, type HourCounted, type IdMapped, type TenantConfigured } from '@waybill/contracts';
import type { EventForComparison, LedgerTx } from '@waybill/ledger';
import type { RouteAnswer, RunningService } from '@waybill/runtime';
import { configured, createStreamDriver, type StreamDriver } from '@waybill/testkit';
import { configReader } from './config.ts';
import { codes } from './errors.ts';
import type { Reconciliation } from './reconcile.ts';
import { createService } from './service.ts';
import { createFakes, model, type Fakes, type OtherPorts } from './testing/fakes.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const END = Date.parse('2015-12-10T04:40:00Z');

const event: EventForComparison = {
  tenant_id: 'hudson-waste',
  event_id: 'e'.repeat(32),
  entity: 'trip',
  entity_id: 'T-1',
  unit: 'wialon:8001',
  revision: 3,
  retracted: false,
  cause: 'live',
  event_time: END,
  from_time: END - 600_000,
  to_time: END,
  provider_time: END,
  received_time: END,
  fact: { end_time: END, distance_km: 4.2 },
  cause_address: { topic: 'x', partition: 0, offset: 0, index: 0 },
  first_address: null,
  last_address: null,
  versions: 1,
  outcome: 'INSERTED',
  reason: null,
  written: { revision: 3 },
  dead_letter_code: null,
};

interface Started {
  readonly service: RunningService;
  readonly driver: StreamDriver;
  /** Publishes a tenant's document, or its removal. */
  readonly configure: (value: TenantConfigured | null) => Promise<void>;
}

/** The service on an in-memory log that holds one tenant and one vehicle. */
async function started(fakes: Fakes, ports: OtherPorts = fakes.ports): Promise<Started> {
  const driver = await createStreamDriver();
  const configure: Started['configure'] = (value) =>
    driver.pipe(topics.tenantConfig, [
      { key: 'hudson-waste', message: value && { type: 'TenantConfigured', value } },
    ]);
  await configure(configured(model));
  const mapped: IdMapped = {
    tenant_id: 'hudson-waste',
    entity: 'vehicle',
    telematics_id: 'wialon:8001',
    version: 1,
    deleted: false,
    intervals: [{ erp_id: 'TRK-101', valid_from_time: null, valid_to_time: null }],
  };
  const key = 'hudson-waste/vehicle/wialon:8001';
  await driver.pipe(topics.idMapping, [{ key, message: { type: 'IdMapped', value: mapped } }]);
  const { current } = await driver.start(async (streams) =>
    createService({
      ...ports,
      streams,
      publisher: await streams.publisher([topics.completeness]),
    }),
  );
  return { service: current(), driver, configure };
}

async function ask(service: RunningService, route: string, body?: unknown): Promise<RouteAnswer> {
  const [, path = ''] = route.split(' ');
  const handler = service.routes?.[route.replace(/\?.*/, '')];
  assert.ok(handler, route);
  return handler(
    new URL(path, 'http://localhost'),
    Buffer.from(body === undefined ? '' : JSON.stringify(body)),
  );
}

const right = { vehicle_id: 'TRK-101', distance_km: 4.2, business_date: '2015-12-09' };

test('the ledger follows every topic that proves what happened to a message', async () => {
  const { service } = await started(createFakes({}));
  const { ready, positions } = service.health();
  assert.equal(ready, true);
  assert.deepEqual(
    [...new Set(positions.map(({ topic }) => topic))],
    [
      'wialon.page.raw.v1',
      'telematics.webhook.raw.v1',
      'fleet.position.event.v1',
      'fleet.trip.event.v1',
      'fleet.site-visit.event.v1',
      'fleet.trip-status.event.v1',
      'fleet.idle.event.v1',
      'fleet.fuel-level.event.v1',
      'fleet.odometer.event.v1',
      'fleet.work-order.event.v1',
      'fleet.shift.event.v1',
      'fleet.geofence.event.v1',
      'erp.delivery.event.v1',
      'ops.task.event.v1',
      'wialon.session.event.v1',
      'wialon.count.event.v1',
      'fleet.hour-count.state.v1',
      'transformer.dead-letter.v1',
      'detector.dead-letter.v1',
      'erp-sink.dead-letter.v1',
    ],
  );
});

test('what tasks count of an hour is published as one record per tenant and hour, and taken out when it is old', async () => {
  const sums = {
    ...{ tenant_id: 'hudson-waste', hour: new Date(END), revision: '7', fixes: '12', late: '2' },
    ...{ beyond_grace: '1', heard: '3', silent: '1', pending: '0', without_engine: '3' },
    ...{ provider_messages: '13', extracted_messages: '12', final: true },
  };
  const old = { tenant_id: 'hudson-waste', hour: new Date(END - 401 * 86_400_000) };
  const query = async (sql: string, values: readonly unknown[]) => {
    if (sql.startsWith('select')) return { rows: [sums] };
    if (!sql.startsWith('with newest')) return { rows: [] };
    assert.deepEqual(values, [['hudson-waste'], 400 * 86_400_000]);
    return { rows: [old] };
  };
  const fakes = createFakes({});
  const store: OtherPorts['store'] = {
    ...fakes.ports.store,
    advance: async (_step, work) => {
      await work({ query } as unknown as LedgerTx);
      return true;
    },
  };
  const { driver } = await started(fakes, { ...fakes.ports, store });
  const value: HourCounted = {
    ...{ tenant_id: 'hudson-waste', hour_time: END, task: 0, revision: 1, fixes: 12 },
    ...{ late_fixes: 2, beyond_grace_fixes: 1, units_heard: 3, units_silent: 1 },
    ...{ pending_proposals: 0, final: true, units_without_engine: 3 },
  };
  const message = { type: 'HourCounted', value } as const;
  await driver.pipe(topics.hourCount, [{ key: `hudson-waste/${END}/0`, message }]);
  const published = await driver.take(topics.completeness);
  assert.deepEqual(
    published.map(({ key, message: found }) => [key, found && { ...(found.value as object) }]),
    [
      [
        `hudson-waste/${END}`,
        {
          ...{ tenant_id: 'hudson-waste', hour_time: END, revision: 7, fixes: 12, late_fixes: 2 },
          ...{ beyond_grace_fixes: 1, units_heard: 3, units_silent: 1, pending_proposals: 0 },
          ...{ provider_messages: 13, extracted_messages: 12, units_without_engine: 3 },
          ...{ idle: 'NOT_MEASURABLE', final: true },
        },
      ],
      [`hudson-waste/${old.hour.getTime()}`, null],
    ],
  );
});

test('completeness is asked by tenant, for at most 960 hours', async () => {
  const { service } = await started(createFakes({}));
  assert.deepEqual((await ask(service, 'GET /completeness?tenant=bay-cabs&hours=5')).body, {
    hours: [],
  });
  for (const query of ['', '?tenant=', '?tenant=a&hours=0', '?tenant=a&hours=961']) {
    await assert.rejects(ask(service, `GET /completeness${query}`), { code: 'REQUEST_MALFORMED' });
  }
});

test('a comparison resolves ids by the published map, closes the ERP and is remembered', async () => {
  const record = { key: 'T-1', triple: { revision: 3 }, present: true, amendments: 0 };
  const fakes = createFakes({ events: [event], records: [{ ...record, fields: right }] });
  const { service } = await started(fakes);
  const { status, body } = await ask(service, 'POST /reconcile', { tenant: 'hudson-waste' });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    tenant_id: 'hudson-waste',
    compared_time: 1000,
    entities: [{ entity: 'trip', events: 1, rows: 1, gaps: 0, drift: 0, orphans: 0 }],
    gaps: [],
    drift: [],
    orphans: [],
  });
  assert.deepEqual(fakes.calls, ['erp of hudson-waste opened', 'measured trip', 'erp closed']);
  assert.deepEqual(fakes.lines, [
    [
      'reconciliation.finished',
      { tenant_id: 'hudson-waste', gaps: 0, drift: 0, orphans: 0, duration_ms: 0 },
    ],
  ]);
});

test('a deleted row is a gap, an edited one drift, a doubled one an orphan', async () => {
  const row = (key: string, vehicle_id: string) => ({
    key,
    triple: { revision: 3 },
    present: true,
    amendments: 0,
    fields: { ...right, vehicle_id },
  });
  const fakes = createFakes({
    events: [event, { ...event, event_id: 'f'.repeat(32), entity_id: 'T-2' }],
    records: [row('T-2', 'TRK-999'), row('T-2-copy', 'TRK-101')],
  });
  const { service } = await started(fakes);
  const { body } = await ask(service, 'POST /reconcile', { tenant: 'hudson-waste' });
  const { gaps, drift, orphans } = body as Reconciliation;
  assert.deepEqual(
    gaps.map(({ entity_id: id, cause }) => [id, cause]),
    [['T-1', 'vanished']],
  );
  assert.deepEqual(
    drift.map(({ entity_id: id, fields }) => [id, fields]),
    [['T-2', [{ field: 'vehicle_id', expected: 'TRK-101', found: 'TRK-999' }]]],
  );
  assert.deepEqual(
    orphans.map(({ entity_id: id }) => id),
    ['T-2-copy'],
  );
});

test('two requests at once share one comparison; a later one compares again', async () => {
  const fakes = createFakes({});
  const { service } = await started(fakes);
  const request = { tenant: 'hudson-waste' };
  await Promise.all([
    ask(service, 'POST /reconcile', request),
    ask(service, 'POST /reconcile', request),
  ]);
  assert.equal(fakes.calls.filter((call) => call.endsWith('opened')).length, 1);
  await ask(service, 'POST /reconcile', request);
  assert.equal(fakes.calls.filter((call) => call.endsWith('opened')).length, 2);
});

test('an ERP that fails is closed, and the request fails with its Fault', async () => {
  const fakes = createFakes({});
  const ports = {
    ...fakes.ports,
    connectErp: async () => ({
      records: async () => {
        throw new Error('connection lost');
      },
      close: async () => void fakes.calls.push('erp closed'),
    }),
  };
  const { service } = await started(fakes, ports);
  await assert.rejects(
    ask(service, 'POST /reconcile', { tenant: 'hudson-waste' }),
    /connection lost/,
  );
  assert.deepEqual(fakes.calls, ['erp closed']);
});

test('unknown tenants and bodies that are no request are refused with a code', async () => {
  const { service } = await started(createFakes({}));
  await assert.rejects(ask(service, 'POST /reconcile', { tenant: 'nobody' }), {
    code: 'TENANT_UNKNOWN',
  });
  await assert.rejects(ask(service, 'POST /reconcile', ['x']), { code: 'REQUEST_MALFORMED' });
  await assert.rejects(ask(service, 'POST /reconcile'), { code: 'REQUEST_MALFORMED' });
});

test('a refused tenant document leaves the last good one active', async () => {
  const fakes = createFakes({});
  const { service, configure } = await started(fakes);
  await configure(configured(model, { document_sha256: '0'.repeat(64) }));
  assert.equal(fakes.lines[0]?.[0], 'tenant.refused');
  assert.equal((await ask(service, 'POST /reconcile', { tenant: 'hudson-waste' })).status, 200);
  await configure(null);
  await assert.rejects(ask(service, 'POST /reconcile', { tenant: 'hudson-waste' }));
});

test('the report says null, not zero, for a tenant that was never compared', async () => {
  const fakes = createFakes({});
  const report = { tenants: [{ tenant_id: 'hudson-waste' }], dead_letters_without_tenant: [] };
  const ports = {
    ...fakes.ports,
    ledger: { ...fakes.ports.ledger, report: async () => report as never },
  };
  const { service } = await started(fakes, ports);
  const last = async () => {
    const { body } = await ask(service, 'GET /report');
    return (body as { tenants: { last_reconciliation: unknown }[] }).tenants[0]
      ?.last_reconciliation;
  };
  assert.equal(await last(), null);
  await ask(service, 'POST /reconcile', { tenant: 'hudson-waste' });
  assert.deepEqual(await last(), { compared_time: 1000, gaps: 0, drift: 0, orphans: 0 });
});

test('stopping stops the runner before it closes the ledger', async () => {
  const fakes = createFakes({});
  let runnerEnded = false;
  const close = async (): Promise<void> => void fakes.calls.push(`closed after: ${runnerEnded}`);
  const ledger = { ...fakes.ports.ledger, close };
  const { service } = await started(fakes, { ...fakes.ports, ledger });
  void service.done.then(() => {
    runnerEnded = true;
  });
  await service.stop();
  assert.deepEqual(fakes.calls, ['closed after: true']);
});

test('the contract card lists every error code and every variable', () => {
  for (const [code, { kind }] of Object.entries(codes)) {
    assert.match(readme, new RegExp(`\`${code}\`.*\\b${kind}\\b`), code);
  }
  for (const row of configReader.describe())
    assert.ok(readme.includes(`\`${row.name}\``), row.name);
});
