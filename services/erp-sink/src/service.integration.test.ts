import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { topics } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import type { ErpAdapter } from '@waybill/erp';
import { testPostgres, type TestPostgres, until } from '@waybill/testkit';
import {
  configuration,
  entityId,
  mapping,
  status,
  trip,
  visit,
  type TripOptions,
} from './testing/events.ts';
import { signals, type Published, type SignalOptions } from './testing/signals.ts';
import { startSink, type SinkOptions, type TestSink } from './testing/sink.ts';

let server: TestPostgres;
let sink: TestSink | undefined;

before(async () => {
  server = await testPostgres();
});
after(() => server.stop());
afterEach(async () => {
  await sink?.stop();
  sink = undefined;
});

async function start(options: Partial<SinkOptions> = {}): Promise<TestSink> {
  sink = await startSink({ server, ...options });
  return sink;
}

const UNIT_E5 = 'wialon:8033';
const UNIT_S9 = 'wialon:8068';

function hudsonTrip(change: Partial<TripOptions> & { readonly id: string }) {
  return trip({
    tenant: 'hudson-waste',
    unit: 'wialon:8001',
    start: '2015-12-10T13:00:00Z',
    end: '2015-12-10T13:30:00Z',
    ...change,
  });
}

function outcomes(s: TestSink, name: string): string[] {
  return s
    .deliveries()
    .filter(({ entity_id }) => entity_id === entityId(name))
    .map(({ outcome }) => outcome);
}

test('events of both tenants stand in their ERPs, each in its own words, and are reported', async () => {
  const s = await start();
  await s.push(topics.trip, 'hudson-waste/wialon:8001', [hudsonTrip({ id: 'h1' })]);
  await s.push(topics.trip, 'bay-cabs/wialon:7001', [
    trip({
      id: 'b1',
      tenant: 'bay-cabs',
      unit: 'wialon:7001',
      start: '2008-05-20T20:00:00Z',
      end: '2008-05-20T20:10:00Z',
      km: 3.21,
    }),
  ]);
  await s.push(topics.siteVisit, 'hudson-waste/wialon:8001', [
    visit({
      id: 'v1',
      tenant: 'hudson-waste',
      unit: 'wialon:8001',
      geofence: 'wialon:700_2',
      entered: '2015-12-10T14:00:00Z',
      left: '2015-12-10T14:15:00Z',
    }),
  ]);
  await s.quiet();
  assert.deepEqual(await s.canonical('hudson-waste', 'trips'), [
    {
      vehicle_id: 'TRK-101',
      start_time: new Date('2015-12-10T13:00:00Z'),
      end_time: new Date('2015-12-10T13:30:00Z'),
      duration_s: 1800,
      distance_km: '12.34',
      business_date: '2015-12-10',
    },
  ]);
  assert.equal((await s.canonical('bay-cabs', 'trips'))[0]?.['vehicle_id'], 'CAB-abboip');
  assert.deepEqual(await s.canonical('hudson-waste', 'visits'), [
    {
      vehicle_id: 'TRK-101',
      site_id: 'SITE-JC-2',
      entered_time: new Date('2015-12-10T14:00:00Z'),
      left_time: new Date('2015-12-10T14:15:00Z'),
      dwell_s: 900,
      business_date: '2015-12-10',
    },
  ]);
  const settled = s.deliveries().find(({ entity_id }) => entity_id === entityId('h1'));
  assert.ok(settled);
  const { outcome, target, erp_table, erp_key, erp_vehicle_id, business_date } = settled;
  assert.deepEqual(
    { outcome, target, erp_table, erp_key, erp_vehicle_id, business_date },
    {
      outcome: 'INSERTED',
      target: 'erp',
      erp_table: 'fleetops.haul',
      erp_key: entityId('h1'),
      erp_vehicle_id: 'TRK-101',
      business_date: '2015-12-10',
    },
  );
  for (const message of s.deliveries()) {
    assert.deepEqual(topics.delivery.contracts.DeliverySettled.violations(message), []);
  }
});

test('a late fix raises the revision in the row; the older revision that comes after is nothing', async () => {
  const s = await start();
  const key = 'hudson-waste/wialon:8001';
  await s.push(topics.trip, key, [hudsonTrip({ id: 'h1', revision: 5 })]);
  await s.quiet();
  await s.push(topics.trip, key, [hudsonTrip({ id: 'h1', revision: 9, km: 15 })]);
  await s.push(topics.trip, key, [hudsonTrip({ id: 'h1', revision: 7, km: 1 })]);
  await s.quiet();
  const rows = await s.canonical('hudson-waste', 'trips');
  assert.deepEqual(
    rows.map((row) => row['distance_km']),
    ['15.00'],
  );
  assert.deepEqual(outcomes(s, 'h1'), ['INSERTED', 'UPDATED']);
});

test('a trip that ended 23:50 is of that day, whether it came in time or was accepted 7 h later', async () => {
  const s = await start();
  const night = { start: '2015-12-10T04:10:00Z', end: '2015-12-10T04:50:00Z' };
  await s.push(topics.trip, 'hudson-waste/wialon:8001', [hudsonTrip({ id: 'in-time', ...night })]);
  const accepted = { id: 'accepted', unit: UNIT_S9, revision: 1_700_000_025_200_000 } as const;
  await s.push(topics.trip, `hudson-waste/${UNIT_S9}`, [
    hudsonTrip({ ...accepted, ...night, cause: 'accepted_late' }),
  ]);
  await s.quiet();
  const rows = await s.canonical('hudson-waste', 'trips');
  const [first, second] = rows.map((row) => ({ ...row, vehicle_id: 'either' }));
  assert.deepEqual(rows.map((row) => String(row['vehicle_id'])).toSorted(), ['TRK-101', 'TRK-S-9']);
  assert.deepEqual(first, second);
  assert.equal(rows[0]?.['business_date'], '2015-12-09');
});

test('trips of an unmapped unit wait, and are delivered in order when it is mapped', async () => {
  const s = await start();
  const key = `hudson-waste/${UNIT_E5}`;
  const late = { start: '2015-12-10T15:00:00Z', end: '2015-12-10T15:20:00Z' };
  await s.push(topics.trip, key, [
    hudsonTrip({ id: 'second', unit: UNIT_E5, ...late }),
    hudsonTrip({ id: 'first', unit: UNIT_E5 }),
  ]);
  await s.quiet();
  assert.equal((s.service.health().extra as { waiting_for: number }).waiting_for, 2);
  assert.deepEqual(await s.canonical('hudson-waste', 'trips'), []);
  const [waiting] = s.deliveries();
  assert.deepEqual([waiting?.outcome, waiting?.reason], ['WAITING', 'UNMAPPED']);
  await s.table(
    topics.idMapping,
    key,
    mapping('hudson-waste', `vehicle/${UNIT_E5}`, 1, [
      { erp_id: 'TRK-E-5', valid_from_time: null, valid_to_time: null },
    ]),
  );
  await s.quiet();
  const inserted = s.deliveries().filter(({ outcome }) => outcome === 'INSERTED');
  assert.deepEqual(
    inserted.map(({ entity_id }) => entity_id),
    ['first', 'second'].map(entityId),
  );
  assert.deepEqual(
    (await s.canonical('hudson-waste', 'trips')).map((row) => row['vehicle_id']),
    ['TRK-E-5', 'TRK-E-5'],
  );
});

test('a tracker that moved gives each trip to the right truck, and a corrected move reworks only its span', async () => {
  const s = await start();
  const key = `hudson-waste/${UNIT_S9}`;
  const at = (id: string, start: string, end: string) =>
    hudsonTrip({ id, unit: UNIT_S9, start: `2015-12-10T${start}Z`, end: `2015-12-10T${end}Z` });
  await s.push(topics.trip, key, [
    at('morning', '11:00:00', '11:30:00'),
    at('just-before', '12:30:00', '12:59:59'),
    at('at-the-move', '12:40:00', '13:00:00'),
    at('evening', '18:00:00', '18:30:00'),
  ]);
  await s.quiet();
  const trucks = async (): Promise<unknown[]> =>
    (await s.canonical('hudson-waste', 'trips'))
      .toSorted((a, b) => Number(a['end_time']) - Number(b['end_time']))
      .map((row) => row['vehicle_id']);
  assert.deepEqual(await trucks(), ['TRK-S-9', 'TRK-S-9', 'TRK-SPARE-1', 'TRK-SPARE-1']);
  const before = s.deliveries().length;
  const moved = Date.parse('2015-12-10T12:00:00Z');
  await s.table(
    topics.idMapping,
    key,
    mapping('hudson-waste', `vehicle/${UNIT_S9}`, 2, [
      { erp_id: 'TRK-S-9', valid_from_time: null, valid_to_time: moved },
      { erp_id: 'TRK-SPARE-1', valid_from_time: moved, valid_to_time: null },
    ]),
  );
  await s.quiet();
  assert.deepEqual(await trucks(), ['TRK-S-9', 'TRK-SPARE-1', 'TRK-SPARE-1', 'TRK-SPARE-1']);
  const reworked = s.deliveries().slice(before);
  assert.deepEqual(
    reworked.map(({ entity_id, resolution, outcome }) => [entity_id, resolution, outcome]),
    [[entityId('just-before'), 2, 'UPDATED']],
  );
});

test('the table is read again after a restart without any rework', async () => {
  const deliveryUrl = await server.createDatabase();
  const first = await startSink({ server, deliveryUrl });
  await first.push(topics.trip, 'hudson-waste/wialon:8001', [hudsonTrip({ id: 'h1' })]);
  await first.quiet();
  await first.stop();
  const s = await start({ deliveryUrl });
  await s.quiet();
  assert.deepEqual(s.deliveries(), []);
  assert.equal(s.lines.filter(({ message }) => message === 'mapping.applied').length, 0);
});

test('what changes after the ERP closed the day is amended, and the sum is right', async () => {
  const s = await start();
  const key = 'hudson-waste/wialon:8001';
  await s.push(topics.trip, key, [hudsonTrip({ id: 'h1' })]);
  await s.quiet();
  await s.erp['hudson-waste'].query(
    "UPDATE fleetops.gl_calendar SET locked_on = now() WHERE gl_day <= '2015-12-10'",
  );
  await s.push(topics.trip, key, [
    hudsonTrip({ id: 'h1', revision: 2, km: 14 }),
    hudsonTrip({ id: 'h2', start: '2015-12-10T20:00:00Z', end: '2015-12-10T20:30:00Z' }),
  ]);
  await s.quiet();
  const kinds = s.deliveries().map(({ entity_id, amendment_kind }) => [entity_id, amendment_kind]);
  assert.deepEqual(kinds, [
    [entityId('h1'), null],
    [entityId('h1'), 'correction'],
    [entityId('h2'), 'addition'],
  ]);
  assert.deepEqual(
    (await s.canonical('hudson-waste', 'trips')).map((row) => row['distance_km']),
    ['14.00', '12.34'],
  );
});

test('a row that the ERP refuses is a dead letter with its bytes; its neighbours go on', async () => {
  const s = await start();
  const ghost = [{ erp_id: 'TRK-GHOST', valid_from_time: null, valid_to_time: null }];
  await s.table(topics.idMapping, 'x', mapping('hudson-waste', `vehicle/${UNIT_E5}`, 1, ghost));
  const key = `hudson-waste/${UNIT_E5}`;
  await s.push(topics.trip, key, [hudsonTrip({ id: 'bad', unit: UNIT_E5 })]);
  await s.push(topics.trip, 'hudson-waste/wialon:8001', [hudsonTrip({ id: 'good' })]);
  await s.quiet();
  assert.deepEqual(outcomes(s, 'bad'), ['DEAD_LETTERED']);
  assert.deepEqual(outcomes(s, 'good'), ['INSERTED']);
  const [letter] = s.deadLetters();
  assert.ok(letter);
  assert.deepEqual([letter.code, letter.kind, letter.attempts], ['DB_CONSTRAINT', 'refused', 1]);
  assert.ok(letter.original?.includes(entityId('bad')), 'the record as it stood in the topic');
  assert.deepEqual(topics.sinkDeadLetter.contracts.ElementRejected.violations(letter), []);
});

test('an order advances by the newest status; one that the ERP does not have yet waits', async () => {
  const s = await start();
  await s.push(topics.tripStatus, 'bay-cabs/dispatch/ORD-1001', [
    status('ORD-1001', 'departed', '2008-05-20T21:00:00Z'),
    status('ORD-1001', 'started', '2008-05-20T20:00:00Z'),
  ]);
  await s.push(topics.tripStatus, 'bay-cabs/dispatch/ORD-9', [
    status('ORD-9', 'started', '2008-05-20T20:00:00Z'),
  ]);
  await s.quiet();
  assert.deepEqual(await s.canonical('bay-cabs', 'orders'), [
    {
      order_ref: 'ORD-1001',
      status: 'departed',
      status_time: new Date('2008-05-20T21:00:00Z'),
    },
  ]);
  const missing = s.deliveries().find(({ entity_id }) => entity_id === 'ORD-9');
  assert.deepEqual([missing?.outcome, missing?.reason], ['WAITING', 'ROW_MISSING']);
});

test('while an ERP is away its rows wait and the other tenant goes on; nothing is lost', async () => {
  let away = true;
  const weather = (erp: ErpAdapter): ErpAdapter => ({
    ...erp,
    write: async (fact, triple) => {
      if (away) {
        throw new Fault('connection refused', {
          kind: 'transient',
          code: 'DB_UNAVAILABLE',
          stage: 'deliver',
        });
      }
      return erp.write(fact, triple);
    },
  });
  const s = await start({
    openErp: async (model, open) => (model.tenant_id === 'hudson-waste' ? weather(open()) : open()),
  });
  for (const n of [1, 2, 3, 4, 5, 6]) {
    const unit = `wialon:800${n}`;
    await s.push(topics.trip, `hudson-waste/${unit}`, [hudsonTrip({ id: `h${n}`, unit })]);
  }
  await until('the breaker', () => {
    const { open_breakers } = s.service.health().extra as { open_breakers: readonly string[] };
    return open_breakers.includes('hudson-waste/erp');
  });
  await s.push(topics.trip, 'bay-cabs/wialon:7001', [
    trip({
      id: 'b1',
      tenant: 'bay-cabs',
      unit: 'wialon:7001',
      start: '2008-05-20T20:00:00Z',
      end: '2008-05-20T20:10:00Z',
    }),
  ]);
  await until('the other tenant', async () => {
    await s.readPublished();
    return outcomes(s, 'b1').length === 1;
  });
  assert.equal((await s.canonical('hudson-waste', 'trips')).length, 0);
  away = false;
  await s.quiet();
  assert.equal((await s.canonical('hudson-waste', 'trips')).length, 6);
  assert.deepEqual(s.deadLetters(), []);
});

test('a secret that is missing stops only its target, and a repaired one is read without a restart', async () => {
  let missing = true;
  const s = await start({
    openErp: async (_model, open) => {
      if (!missing) return open();
      throw new Fault('the file cannot be read', {
        kind: 'misconfigured',
        code: 'SECRET_MISSING',
        stage: 'start',
        category: 'authentication',
      });
    },
  });
  await s.push(topics.trip, 'hudson-waste/wialon:8001', [hudsonTrip({ id: 'h1' })]);
  await until('one clear line', () =>
    s.lines.some(({ fields }) => fields['code'] === 'SECRET_MISSING'),
  );
  missing = false;
  await s.quiet();
  assert.deepEqual(outcomes(s, 'h1'), ['INSERTED']);
});

test('facts that come before their tenant is known wait for it', async () => {
  const s = await start({ apply: false });
  await s.push(topics.trip, 'hudson-waste/wialon:8001', [hudsonTrip({ id: 'h1' })]);
  await s.quiet();
  const truck = [{ erp_id: 'TRK-101', valid_from_time: null, valid_to_time: null }];
  await s.table(topics.idMapping, 'x', mapping('hudson-waste', 'vehicle/wialon:8001', 1, truck));
  const { model } = s.tenants['hudson-waste'];
  await s.table(topics.tenantConfig, 'hudson-waste', configuration(model));
  await s.quiet();
  assert.deepEqual(outcomes(s, 'h1'), ['INSERTED']);
});

test('a refused tenant file leaves the last good one, a day without period is resumed by hand', async () => {
  const s = await start();
  const { model } = s.tenants['hudson-waste'];
  const good = configuration(model, 2);
  const bad = { ...good, value: { ...(good.value as object), document_sha256: '0'.repeat(64) } };
  await s.table(topics.tenantConfig, 'hudson-waste', bad);
  assert.ok(s.lines.some(({ message }) => message === 'tenant.refused'));
  const day = { start: '2015-12-20T13:00:00Z', end: '2015-12-20T14:00:00Z' };
  await s.push(topics.trip, 'hudson-waste/wialon:8001', [hudsonTrip({ id: 'h1', ...day })]);
  await s.quiet();
  assert.deepEqual(outcomes(s, 'h1'), ['MANUAL']);
  await s.erp['hudson-waste'].query(
    "INSERT INTO fleetops.gl_calendar (gl_day) VALUES ('2015-12-20')",
  );
  const resume = s.service.routes?.['POST /resume'];
  assert.ok(resume);
  const url = new URL('http://localhost/resume');
  const answer = await resume(url, Buffer.from('{"tenant":"hudson-waste"}'));
  assert.deepEqual(answer.body, { resumed: 1 });
  await s.quiet();
  assert.deepEqual(outcomes(s, 'h1'), ['MANUAL', 'INSERTED']);
  await assert.rejects(resume(url, Buffer.from('nonsense')), { code: 'BODY_INVALID' });
});

test('an event that the tenant has switched off is skipped and counted', async () => {
  const s = await start();
  const message = status('WT-501', 'started', '2015-12-10T13:00:00Z');
  const value = { ...(message.value as object), tenant_id: 'hudson-waste' };
  await s.push(topics.tripStatus, 'hudson-waste/dispatch/WT-501', [{ ...message, value }]);
  await s.quiet();
  assert.deepEqual(s.deliveries(), []);
  assert.match(
    await s.metrics(),
    /stream_records_discarded_total\{reason="EVENT_OFF",intentional="true",service="erp-sink"\} 1/,
  );
});

const wanted = {
  idle: 'detected',
  fuel_level: 'detected',
  odometer: 'detected',
  service_due: 'detected',
  shift: 'detected',
  geofence: 'detected',
} as const;

const signalsOf = {
  'bay-cabs': {
    tenant: 'bay-cabs',
    unit: 'wialon:7001',
    geofence: 'wialon:600_2',
    driver: 'D-0001',
    start: '2008-05-20T20:00:00Z',
    date: '2008-05-20',
    vehicle_id: 'CAB-abboip',
    site_id: 'SITE-SF-2',
    driver_id: 'DRV-1',
    close: "UPDATE erp.period SET closed_at = now() WHERE business_date = '2008-05-20'",
  },
  'hudson-waste': {
    tenant: 'hudson-waste',
    unit: 'wialon:8001',
    geofence: 'wialon:700_2',
    driver: 'H-7',
    start: '2015-12-10T13:00:00Z',
    date: '2015-12-10',
    vehicle_id: 'TRK-101',
    site_id: 'SITE-JC-2',
    driver_id: 'OP-7',
    close: "UPDATE fleetops.gl_calendar SET locked_on = now() WHERE gl_day = '2015-12-10'",
  },
} as const;

for (const name of ['bay-cabs', 'hudson-waste'] as const) {
  test(`${name}: what signals say stands in the ERP, revised, withdrawn, amended`, async () => {
    const s = await start();
    const facts = signalsOf[name];
    const { model } = s.tenants[name];
    const want = { ...model, events: { ...model.events, ...wanted } };
    await s.table(topics.tenantConfig, name, configuration(want, 2));
    const person = [{ erp_id: facts.driver_id, valid_from_time: null, valid_to_time: null }];
    if (name === 'hudson-waste') {
      await s.erp[name].query("INSERT INTO fleetops.operator (operator_no) VALUES ('OP-7')");
    }
    const push = async (change: Partial<SignalOptions>): Promise<readonly Published[]> => {
      const published = signals({ ...facts, ...change });
      for (const { topic, key, message } of published) {
        assert.deepEqual(topic.contracts[message.type]?.violations(message.value), []);
        await s.push(topic, key, [message]);
      }
      await s.quiet();
      return published;
    };
    const first = await push({ revision: 5 });
    const parked = s.deliveries().filter(({ outcome }) => outcome === 'WAITING');
    assert.deepEqual(
      parked.map(({ entity }) => entity),
      ['shift'],
      'a shift waits for its driver, nothing else does',
    );
    await s.table(topics.idMapping, 'x', mapping(name, `driver/${facts.driver}`, 1, person));
    await s.quiet();

    const ids = {
      vehicle_id: facts.vehicle_id,
      site_id: facts.site_id,
      driver_id: facts.driver_id,
    };
    for (const { entity, message } of first) {
      const [record, ...more] = await s.digest(name, entity);
      assert.ok(record?.present && more.length === 0, `one row of ${entity}`);
      const fact: Record<string, unknown> = {
        business_date: facts.date,
        ...(message.value as object),
        ...ids,
        units: facts.unit,
        is_interpolated: 'true',
      };
      for (const [field, found] of Object.entries(record.fields)) {
        assert.deepEqual(found, fact[field], `${entity}.${field}`);
      }
    }

    await push({ revision: 9, volumeL: 44.4, movingS: 2500 });
    await push({ revision: 7, volumeL: 1, movingS: 1 });
    const field = async (entity: string, named: string): Promise<unknown> =>
      (await s.digest(name, entity))[0]?.fields[named];
    assert.deepEqual(
      [await field('fuel_level', 'volume_l'), await field('shift', 'moving_s')],
      [44.4, 2500],
    );

    await s.erp[name].query(facts.close);
    await push({ revision: 11, volumeL: 40.1, movingS: 2000 });
    assert.deepEqual(
      [await field('fuel_level', 'volume_l'), await field('shift', 'moving_s')],
      [40.1, 2000],
      'the closed row and its amendment together',
    );
    await push({ revision: 13, retracted: true });
    for (const { entity } of first) {
      const [record] = await s.digest(name, entity);
      assert.equal(record?.present, false, `${entity} is withdrawn`);
    }
    const amended = s.deliveries().filter(({ amendment_kind: kind }) => kind !== null);
    assert.deepEqual(
      amended.map(({ entity, amendment_kind: kind }) => `${entity} ${kind}`).toSorted(),
      [
        'fuel_level correction',
        'fuel_level reversal',
        'idle reversal',
        'shift correction',
        'shift reversal',
      ],
    );
    assert.deepEqual(s.deadLetters(), []);
  });
}

test('a signal event is for its topic alone where it is off, or no mapping says where it stands', async () => {
  const s = await start({ apply: false });
  const facts = signalsOf['bay-cabs'];
  const pushed = signals(facts);
  // Read before the tenant's file: they wait, and then the file says that nobody wants them.
  for (const { topic, key, message } of pushed) await s.push(topic, key, [message]);
  await s.quiet();
  const { model } = s.tenants['bay-cabs'];
  await s.table(topics.tenantConfig, 'bay-cabs', configuration(model, 2));
  await s.quiet();
  assert.equal((s.service.health().extra as { waiting_for: number }).waiting_for, 0);
  const unmapped = {
    ...model,
    events: { ...model.events, ...wanted },
    mappings: model.mappings.filter(({ entity }) => entity === 'trip'),
  };
  await s.table(topics.tenantConfig, 'bay-cabs', configuration(unmapped, 3));
  for (const { topic, key, message } of signals({ ...facts, revision: 2 })) {
    await s.push(topic, key, [message]);
  }
  await s.quiet();
  assert.deepEqual(s.deliveries(), [], 'whoever does not want an event gets no outcome of it');
  assert.match(await s.metrics(), /reason="EVENT_OFF",intentional="true",service="erp-sink"\} 6/);
});
