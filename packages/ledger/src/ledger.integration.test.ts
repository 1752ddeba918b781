import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { HourCounted, MessagesCounted } from '@waybill/contracts';
import { createPool, transaction, type Pool } from '@waybill/postgres';
import { testDatabase, type TestDatabase } from '@waybill/testkit';
import {
  eventsAt,
  eventsForComparison,
  expireHours,
  findDeadLetters,
  findEvents,
  migrateLedger,
  newestSums,
  reportTenants,
  reviseSums,
  traceEvent,
  unitEvidence,
  eventVersion,
  writeDeadLetters,
  writeDeliveries,
  writeEvents,
  writeFixes,
  writeHourCounts,
  writePages,
  writeProgress,
  writeProviderCounts,
  writeRequests,
  writeSessions,
  writeTasks,
  type LedgerTx,
} from './index.ts';
import {
  RAW,
  T0,
  address,
  delivery,
  fix,
  idle,
  page,
  rejected,
  task,
  trip,
  visit,
} from './testing/samples.ts';

const TRIPS = 'fleet.trip.event.v1';
let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url, { applicationName: 'ledger-test', max: 4 });
  await migrateLedger(pool);
});
after(async () => {
  await pool.end();
  await database.stop();
});
beforeEach(async () => {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'ledger' and tablename <> 'migration'`,
  );
  await pool.query(`truncate ${rows.map(({ name }) => `ledger.${name}`).join(', ')}`);
});

/** Content of all tables as text: equal before and after a replay. */
async function content(): Promise<string> {
  const tables = [
    'page',
    'source_progress',
    'fix_hour',
    'event',
    'event_version',
    'delivery',
    'dead_letter',
    'session_event',
    'task',
    'hour_count',
    'provider_hour',
  ];
  const parts: string[] = [];
  for (const table of tables) {
    const { rows } = await pool.query<{ row: string }>(
      `select to_jsonb(t)::text as row from ledger.${table} t order by 1`,
    );
    parts.push(table, ...rows.map(({ row }) => row));
  }
  return parts.join('\n');
}

function at<T>(offset: number, value: T): { partition: number; offset: bigint; value: T } {
  return { partition: 1, offset: BigInt(offset), value };
}

async function writeEverything(tx: LedgerTx): Promise<void> {
  await writePages(tx, RAW, [at(10, page()), at(12, page({ first_index: 3 }))]);
  await writeRequests(tx, 'telematics.webhook.raw.v1', [
    at(3, {
      tenant_id: 'hudson-waste',
      source_id: 'tms',
      request_id: 'r-1',
      received_time: T0,
      verdict: 'VERIFIED',
      key_id: 'k1',
      idempotency_key: 'abc',
      content_type: 'application/json',
      headers: {},
      body_sha256: 'b'.repeat(64),
      body: Buffer.from('{}'),
    }),
  ]);
  await writeProgress(tx, [
    {
      tenant_id: 'hudson-waste',
      source_id: 'wialon',
      account: 'hudson-waste',
      complete_to_time: T0,
      received_time: T0,
    },
  ]);
  await writeFixes(tx, [
    at(1, fix(0)),
    at(2, fix(10)),
    at(3, fix(0)),
    at(4, fix(3700, { provider_time: T0 + 3_900_000 })),
  ]);
  await writeEvents(tx, [
    eventVersion('TripCompleted', TRIPS, at(1, trip('T-1'))),
    eventVersion(
      'TripCompleted',
      TRIPS,
      at(2, trip('T-1', { revision: 2, distance_km: 4.5, cause: 'late_fix', late_by_s: 900 })),
    ),
    eventVersion('SiteVisited', 'fleet.site-visit.event.v1', at(1, visit('V-1'))),
    eventVersion('IdleEnded', 'fleet.idle.event.v1', at(1, idle('I-1'))),
  ]);
  await writeDeliveries(tx, [
    delivery(trip('T-1')),
    delivery(trip('T-1'), {
      revision: 2,
      outcome: 'UPDATED',
      changed_fields: ['distance_km'],
      delivered_time: T0 + 700_000,
    }),
  ]);
  await writeDeadLetters(tx, [at(0, rejected('x')), at(1, rejected('y')), at(2, rejected('x'))]);
  await writeSessions(tx, [
    at(0, {
      tenant_id: 'hudson-waste',
      source_id: 'wialon',
      account: 'hudson-waste',
      kind: 'LOGIN',
      event_time: T0,
      session_hash: '0123456789abcdef',
      error_code: null,
      reason: null,
      latency_ms: 12.6,
    }),
  ]);
  await writeTasks(tx, [
    task('a', { fix_count: 1 }),
    task('a', { fix_count: 3, revision: 2 }),
    task('b', { status: 'DONE' }),
  ]);
  await writeHours(tx);
}

const hourCounts: readonly HourCounted[] = [0, 1, 0].map((task, i) => ({
  ...{ tenant_id: 'hudson-waste', hour_time: T0, task, revision: 1 + i, fixes: 10 + i },
  ...{ late_fixes: i, beyond_grace_fixes: 1, units_heard: 2, units_silent: task },
  ...{ pending_proposals: 0, final: i > 0, units_without_engine: task },
}));

function provided(unit: string, extracted: readonly number[], receivedTime = T0): MessagesCounted {
  return {
    ...{ tenant_id: 'hudson-waste', source_id: 'wialon', account: 'hudson-waste', unit },
    ...{ from_time: T0, provider_counts: [5, 6], extracted_counts: [...extracted] },
    ...{ reread_hours: 0, received_time: receivedTime },
  };
}

async function writeHours(tx: LedgerTx): Promise<void> {
  await writeHourCounts(tx, hourCounts);
  await writeProviderCounts(tx, [provided('wialon:1', [5, 6]), provided('wialon:2', [4, -1])]);
}

test('an hour is the sum of what tasks and provider said last; -1 is not known', async () => {
  const hours = [T0, T0 + 3_600_000].map((hour_time) => ({ tenant_id: 'hudson-waste', hour_time }));
  const revised = await transaction(pool, async (tx) => {
    await writeHours(tx);
    // A task that is read again from an older offset changes nothing.
    await writeHourCounts(tx, hourCounts.slice(0, 1));
    return reviseSums(tx, [...hours, ...hours]);
  });
  const [first, second] = revised;
  assert.deepEqual(first, {
    ...{ tenant_id: 'hudson-waste', hour_time: T0, revision: first?.revision },
    ...{ fixes: 23, late_fixes: 3, beyond_grace_fixes: 2, units_heard: 4, units_silent: 1 },
    ...{ pending_proposals: 0, units_without_engine: 1, final: true },
    ...{ provider_messages: 10, extracted_messages: 9 },
  });
  assert.deepEqual(
    [second?.fixes, second?.final, second?.provider_messages, second?.extracted_messages],
    [0, false, 12, null],
  );
  const again = await transaction(pool, (tx) => reviseSums(tx, hours));
  assert.ok((again[0]?.revision ?? 0) > (first?.revision ?? Infinity));
  assert.deepEqual(await newestSums(pool, 'hudson-waste', 1), [again[1]]);
  assert.deepEqual(await newestSums(pool, 'nobody', 1), []);
});

test('hours that are too old are let go with their counts, but not those that another transaction has', async () => {
  const oldest = { tenant_id: 'hudson-waste', hour_time: T0 };
  const newest = { tenant_id: 'hudson-waste', hour_time: T0 + 3_600_000 };
  await transaction(pool, writeHours);
  await transaction(pool, (tx) => reviseSums(tx, [oldest, newest]));
  const limit = newest.hour_time - oldest.hour_time;
  const expired = (tx: LedgerTx, ms: number) => expireHours(tx, ['hudson-waste', 'nobody'], ms);
  assert.deepEqual(await transaction(pool, (tx) => expired(tx, limit)), [], 'as old as the limit');
  const other = await pool.connect();
  try {
    await other.query('begin');
    await reviseSums(other, [oldest]);
    assert.deepEqual(await transaction(pool, (tx) => expired(tx, limit - 1)), []);
    await other.query('rollback');
  } finally {
    other.release();
  }
  assert.deepEqual(await transaction(pool, (tx) => expired(tx, limit - 1)), [oldest]);
  const left = await pool.query(
    `select hour from ledger.hour_count union select hour from ledger.provider_hour
     union select hour from ledger.completeness`,
  );
  assert.deepEqual(
    left.rows.map(({ hour }: { hour: Date }) => hour.getTime()),
    [newest.hour_time],
  );
});

test('of two transactions about one hour the later one publishes what both wrote', async () => {
  const hour = { tenant_id: 'hudson-waste', hour_time: T0 };
  const first = await pool.connect();
  const second = await pool.connect();
  try {
    for (const tx of [first, second]) await tx.query('begin');
    await writeHourCounts(first, hourCounts.slice(1, 2));
    await writeHourCounts(second, hourCounts.slice(2));
    const [one] = await reviseSums(first, [hour]);
    const later = reviseSums(second, [hour]);
    await first.query('commit');
    const [both] = await later;
    await second.query('commit');
    assert.deepEqual([one?.fixes, both?.fixes], [11, 23]);
    assert.ok((both?.revision ?? 0) > (one?.revision ?? Infinity));
  } finally {
    first.release();
    second.release();
  }
});

test('a replay of everything changes nothing', async () => {
  await transaction(pool, writeEverything);
  const once = await content();
  await transaction(pool, writeEverything);
  assert.equal(await content(), once);
});

test('the report counts what was written', async () => {
  await transaction(pool, writeEverything);
  const { tenants } = await reportTenants(pool, null);
  assert.deepEqual(tenants, [
    {
      tenant_id: 'hudson-waste',
      pages: 2,
      messages: 6,
      requests: 1,
      positions: { distinct: 3, repeats: 1, late: 1, max_late_s: 200 },
      trips: { current: 1, retracted: 0, versions: 2 },
      site_visits: { current: 1, retracted: 0, versions: 1 },
      transport_orders: { current: 0, retracted: 0, versions: 0 },
      other_events: { idle: { current: 1, retracted: 0, versions: 1 } },
      deliveries: { INSERTED: 1, UPDATED: 1 },
      amended: 0,
      beyond_grace: { open_tasks: 1, fixes: 3 },
      waiting: 0,
      released: 0,
      dead_letters: [
        { service: 'transformer', code: 'CONTRACT_VIOLATED', elements: 2, rejections: 3 },
      ],
      lag_ms: { p50: 250, p99: 250, count: 1 },
      sessions: { LOGIN: 1 },
    },
  ]);
  assert.deepEqual((await reportTenants(pool, 'nobody')).tenants, []);
});

test('positions of one hour are counted the same in one batch and in many', async () => {
  const fixes = Array.from({ length: 40 }, (_, n) => at(n, fix((n * 7) % 25)));
  await transaction(pool, (tx) => writeFixes(tx, fixes));
  const whole = await content();
  await pool.query('truncate ledger.fix_hour');
  for (let from = 0; from < fixes.length; from += 9) {
    await transaction(pool, (tx) => writeFixes(tx, fixes.slice(from, from + 9)));
  }
  assert.equal(await content(), whole);
  const [row] = (await reportTenants(pool, null)).tenants;
  assert.deepEqual([row?.positions.distinct, row?.positions.repeats], [25, 15]);
});

test('a late fix raises the revision; the history keeps all versions, in whatever order they came', async () => {
  const versions = [1, 5, 3].map((revision) =>
    eventVersion(
      'TripCompleted',
      TRIPS,
      at(revision, trip('T-1', { revision, distance_km: revision })),
    ),
  );
  for (const version of versions) await writeEvents(pool, [version]);
  const [event] = await findEvents(pool, null, 'T-1');
  assert.equal(event?.revision, 5);
  assert.equal(event?.fact['distance_km'], 5);
  assert.equal(event?.versions, 3);
});

test('an event leads back to the call and window of its fixes and forward to its deliveries', async () => {
  await transaction(pool, writeEverything);
  const [event] = await findEvents(pool, 'hudson-waste', 'T-1');
  assert.ok(event);
  const trace = await traceEvent(pool, event);
  assert.deepEqual(
    trace.versions.map(({ revision, cause, late_by_s: late, offset }) => [
      revision,
      cause,
      late,
      offset,
    ]),
    [
      [1, 'live', 0, '1'],
      [2, 'late_fix', 900, '2'],
    ],
  );
  assert.equal(trace.first_fix?.page?.call, 'messages/get_messages');
  assert.equal(trace.first_fix?.page?.window_from_time, T0 - 3_600_000);
  assert.equal(trace.cause.page?.first_index, 3);
  assert.equal(trace.cause.page?.session_hash, '0123456789abcdef');
  assert.deepEqual(
    trace.deliveries.map(({ outcome, revision, delivered_time: time }) => [
      outcome,
      revision,
      time,
    ]),
    [
      ['INSERTED', 1, T0 + 606_250],
      ['UPDATED', 2, T0 + 700_000],
    ],
  );
});

test('events are found by event id, ERP key and a prefix of at least 8 digits', async () => {
  const value = trip('T-1');
  await writeEvents(pool, [eventVersion('TripCompleted', TRIPS, at(1, value))]);
  await writeDeliveries(pool, [delivery(value, { erp_key: '4711' })]);
  for (const reference of [value.event_id, '4711', value.event_id.slice(0, 8)]) {
    const found = await findEvents(pool, null, reference);
    assert.deepEqual(
      found.map(({ entity_id: id }) => id),
      ['T-1'],
      reference,
    );
  }
  assert.deepEqual(await findEvents(pool, null, value.event_id.slice(0, 7)), []);
  assert.deepEqual(await findEvents(pool, 'bay-cabs', 'T-1'), []);
  assert.equal((await eventsAt(pool, 'hudson-waste', 'wialon:8001', T0 + 1000)).length, 1);
  assert.equal((await eventsAt(pool, 'hudson-waste', 'wialon:8001', T0 - 1000)).length, 0);
});

test('an order has one event per status', async () => {
  const status = (event_id: string, status: 'started' | 'arrived') =>
    eventVersion(
      'TripStatusChanged',
      'fleet.trip-status.event.v1',
      at(event_id.length, {
        ...trip('ignored'),
        event_id,
        trip_id: 'ORD-1',
        status,
        site_id: null,
      }),
    );
  await writeEvents(pool, [status('a'.repeat(32), 'started'), status('b'.repeat(32), 'arrived')]);
  const found = await findEvents(pool, null, 'ORD-1');
  assert.deepEqual(
    found.map(({ fact }) => fact['status']),
    ['started', 'arrived'],
  );
});

test('a waiting event counts as waiting until it is delivered, then as released and not in the lag', async () => {
  const value = trip('T-2');
  const waiting = delivery(value, {
    outcome: 'WAITING',
    reason: 'vehicle wialon:8050',
    resolution: 0,
    erp_key: null,
  });
  await writeDeliveries(pool, [waiting]);
  const counts = async () => {
    const [row] = (await reportTenants(pool, null)).tenants;
    return [row?.waiting, row?.released, row?.lag_ms.count];
  };
  assert.deepEqual(await counts(), [1, 0, 0]);
  await writeDeliveries(pool, [delivery(value, { resolution: 1, delivered_time: T0 + 9_000_000 })]);
  assert.deepEqual(await counts(), [0, 1, 0]);
});

test('the same outcome reported again keeps the first time and the newest attempts', async () => {
  const value = trip('T-3');
  const report = (delivered_time: number, attempts: number) =>
    delivery(value, { outcome: 'WAITING', delivered_time, attempts });
  for (const one of [report(T0 + 5, 2), report(T0 + 1, 1), report(T0 + 9, 3)]) {
    await writeDeliveries(pool, [one]);
  }
  const { rows } = await pool.query<{ attempts: number; ms: string }>(
    'select attempts, extract(epoch from delivered_time) * 1000 as ms from ledger.delivery',
  );
  assert.deepEqual(
    rows.map(({ attempts, ms }) => [attempts, Number(ms)]),
    [[3, T0 + 1]],
  );
});

test('texts that PostgreSQL cannot store do not stop the ledger', async () => {
  const broken = `a\0b\ud800`;
  await writeDeadLetters(pool, [
    at(
      0,
      rejected('z', {
        message: broken,
        violations: [{ path: broken, message: broken }],
        event_time: 8e15,
      }),
    ),
  ]);
  const [letter] = await findDeadLetters(pool, null, { elementId: rejected('z').element_id });
  assert.equal(letter?.message, 'a\uFFFDb\uFFFD');
  assert.equal(letter?.violations[0]?.path, 'a\uFFFDb\uFFFD');
});

test('an id of any length is kept and found', async () => {
  const long = Array.from({ length: 2000 }, (_, n) => `${n * 7919}`).join('-');
  const value = trip(long, { unit: `wialon:${long}` });
  await writeEvents(pool, [eventVersion('TripCompleted', TRIPS, at(1, value))]);
  await writeDeliveries(pool, [delivery(value, { erp_key: `key ${long}`, entity_id: long })]);
  for (const reference of [long, `key ${long}`]) {
    assert.equal((await findEvents(pool, null, reference)).length, 1);
  }
  assert.equal((await findEvents(pool, null, long.slice(0, 100))).length, 0);
});

test('evidence about a unit names tasks, fixes and how far the sources are read', async () => {
  await transaction(pool, writeEverything);
  const evidence = await unitEvidence(pool, 'hudson-waste', 'wialon:8001', T0 + 60_000);
  assert.equal(evidence.fixes, 2);
  assert.equal(evidence.complete_to_time, T0);
  const fixes = new Map(evidence.tasks.map(({ status, fix_count: count }) => [status, count]));
  assert.deepEqual([fixes.get('DONE'), fixes.get('OPEN')], [1, 3]);
  const letters = await findDeadLetters(pool, 'hudson-waste', { unit: 'wialon:8001', at: T0 });
  assert.equal(letters.length, 2);
  assert.deepEqual(letters[0]?.trace.address, address(11, 2));
});

test('events for the comparison come in pages with the outcome of their newest delivery', async () => {
  const trips = ['T-1', 'T-2', 'T-3'].map((id) => trip(id));
  await writeEvents(
    pool,
    trips.map((value, n) => eventVersion('TripCompleted', TRIPS, at(n, value))),
  );
  const [first, second] = trips;
  assert.ok(first && second);
  await writeDeliveries(pool, [
    delivery(first),
    delivery(first, { revision: 2, outcome: 'MANUAL', reason: 'PERIOD_MISSING' }),
  ]);
  await writeDeadLetters(pool, [
    at(0, {
      ...rejected('q'),
      service: 'erp-sink',
      element_id: second.event_id,
      code: 'EXHAUSTED',
    }),
  ]);
  const where = { tenant: 'hudson-waste', entity: 'trip' } as const;
  const pageOne = await eventsForComparison(pool, where, '', 2);
  const rest = await eventsForComparison(pool, where, pageOne.at(-1)?.event_id ?? '', 2);
  const all = [...pageOne, ...rest];
  assert.deepEqual([pageOne.length, rest.length], [2, 1]);
  const of = (id: string) => all.find((event) => event.entity_id === id);
  assert.deepEqual([of('T-1')?.outcome, of('T-1')?.written], ['MANUAL', { revision: 1 }]);
  assert.equal(of('T-2')?.dead_letter_code, 'EXHAUSTED');
  assert.deepEqual([of('T-3')?.outcome, of('T-3')?.written], [null, null]);
});
