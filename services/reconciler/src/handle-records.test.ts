import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics } from '@waybill/contracts';
import type { LedgerTx } from '@waybill/ledger';
import { handleRecords } from './handle-records.ts';
import { received } from './testing/fakes.ts';

/** A transaction that notes which tables statements write. */
function fakeTx(): { tx: LedgerTx; tables: string[] } {
  const tables: string[] = [];
  const query = async (sql: string): Promise<{ rows: never[] }> => {
    const table = /insert into ledger\.(\w+)/.exec(sql)?.[1];
    if (table !== undefined) tables.push(table);
    return { rows: [] };
  };
  return { tx: { query } as unknown as LedgerTx, tables };
}

const T = Date.parse('2015-12-10T04:00:00Z');
const address = { topic: 'wialon.page.raw.v1', partition: 0, offset: 3, index: 1 };

function fix(second: number): object {
  return {
    tenant_id: 'hudson-waste',
    unit: 'wialon:8001',
    event_id: second.toString(16).padStart(32, '0'),
    event_time: T + second * 1000,
    provider_time: T + second * 1000,
  };
}

test('a batch of positions is one statement per hour set, whatever its size; progress is not kept', async () => {
  const { tx, tables } = fakeTx();
  const records = Array.from({ length: 500 }, (_, n) =>
    n % 50 === 0
      ? received(topics.position, n, 'ProgressReached', { tenant_id: 'hudson-waste' })
      : received(topics.position, n, 'PositionRecorded', fix(n * 20)),
  );
  await handleRecords(records, tx);
  assert.deepEqual(tables, ['fix_hour']);
});

test('pages and the progress between them go to their own tables', async () => {
  const { tx, tables } = fakeTx();
  const page = {
    ...fix(0),
    window_from_time: null,
    window_to_time: null,
    received_time: T,
    provider_now_time: null,
  };
  const progress = { tenant_id: 'hudson-waste', complete_to_time: T, received_time: T };
  await handleRecords(
    [
      received(topics.wialonPage, 1, 'PageFetched', page),
      received(topics.wialonPage, 2, 'SourceProgressed', progress),
      received(topics.wialonPage, 3, 'PageFetched', page),
    ],
    tx,
  );
  assert.deepEqual(tables, ['page', 'source_progress']);
});

const contracts: readonly [unknown, string, object, string][] = [
  [
    topics.trip,
    'TripCompleted',
    { trip_id: 't', start_time: T, end_time: T, first_fix: address, last_fix: address },
    'event_version',
  ],
  [
    topics.siteVisit,
    'SiteVisited',
    { visit_id: 'v', entered_time: T, left_time: null },
    'event_version',
  ],
  [topics.tripStatus, 'TripStatusChanged', { trip_id: 'o' }, 'event_version'],
  [
    topics.delivery,
    'DeliverySettled',
    { delivered_time: T, revision: 1, activation: 1, resolution: 1 },
    'delivery',
  ],
  [topics.sinkDeadLetter, 'ElementRejected', { trace: address, rejected_time: T }, 'dead_letter'],
  [topics.hourCount, 'HourCounted', { hour_time: T, task: 0 }, 'hour_count'],
  [
    topics.wialonCount,
    'MessagesCounted',
    { from_time: T, provider_counts: [1], extracted_counts: [-1] },
    'provider_hour',
  ],
  [topics.wialonSession, 'SessionChanged', { latency_ms: 1 }, 'session_event'],
  [
    topics.task,
    'TaskRaised',
    { first_event_time: T, last_event_time: T, max_late_by_s: 1, revision: 1 },
    'task',
  ],
];
for (const [topic, contract, change, table] of contracts) {
  test(`${contract} is kept in ${table}`, async () => {
    const { tx, tables } = fakeTx();
    const value = { ...fix(0), received_time: T, revision: 1, trace: address, ...change };
    await handleRecords([received(topic, 0, contract, value)], tx);
    assert.equal(tables[0], table);
  });
}
