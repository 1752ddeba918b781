import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReworkProgressed, ReworkRequested } from '@waybill/contracts';
import { reworkStatus } from './core/rework-status.ts';
import { readRework } from './read-rework.ts';

const address = { topic: 'wialon.page.raw.v1', partition: 2, offset: 41, index: 7 };
const element = 'a'.repeat(32);

const refused: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
  ['nothing chosen', { service: 'transformer' }, /exactly one choice/],
  [
    'two choices',
    { service: 'transformer', dead_letter_ids: [element], key: 'a/b' },
    /exactly one choice/,
  ],
  [
    'another service',
    { service: 'ingest', key: 'a' },
    /one of wialon-extractor, transformer, detector, found ingest/,
  ],
  [
    'a topic that it does not read',
    { service: 'transformer', addresses: [{ ...address, topic: 'fleet.trip.event.v1' }] },
    /input of transformer \(.*wialon\.page\.raw\.v1.*found fleet\.trip\.event\.v1/,
  ],
  [
    'offsets without a partition',
    { service: 'detector', topic: 'fleet.position.event.v1', from_offset: 1 },
    /topic and partition with from_offset/,
  ],
  ['a dead letter that is none', { service: 'detector', dead_letter_ids: ['x'] }, /32 hex digits/],
  [
    'a rate of nothing',
    { service: 'detector', key: 'a', rate: 0 },
    /rate as a whole number from 1/,
  ],
  ['a rate beyond the limit', { service: 'detector', key: 'a', rate: 1e6 }, /at most 100000/],
  ['a time without offset', { service: 'detector', from: '2026-01-31' }, /instant with offset/],
  [
    'too many addresses',
    { service: 'transformer', addresses: Array.from({ length: 1_001 }, () => address) },
    /at most 1000/,
  ],
];
for (const [title, body, message] of refused) {
  test(`a rework with ${title} is refused`, () => {
    assert.throws(() => readRework(body), message);
  });
}

test('a rework is read with its defaults', () => {
  const read = readRework({ service: 'transformer', addresses: [address], by: 'ann' });
  assert.deepEqual(
    [read.addresses, read.preview, read.rate_records_per_s, read.requested_by],
    [[address], false, 100, 'ann'],
  );
  const range = readRework({
    ...{ service: 'detector', key: 'bay-cabs/wialon:1', from: '2026-01-31T00:00:00Z' },
    ...{ preview: true, rate: 5 },
  });
  assert.deepEqual(
    [range.key, range.from_time, range.to_time, range.preview, range.rate_records_per_s],
    ['bay-cabs/wialon:1', Date.parse('2026-01-31T00:00:00Z'), null, true, 5],
  );
});

const command: ReworkRequested = {
  ...readRework({ service: 'transformer', addresses: [address] }),
  rework_id: 'b'.repeat(32),
  requested_time: 0,
};

function report(task: number, change: Partial<ReworkProgressed>): ReworkProgressed {
  return {
    ...{ rework_id: command.rework_id, service: 'transformer', task, tasks: 2, preview: false },
    ...{ status: 'DONE', spans: [], records_done: 1, records_refused: 0, records_missing: 0 },
    ...{
      elements_superseded: 0,
      outcomes: [{ outcome: 'x', count: 2 }],
      findings: [],
      compared: null,
    },
    ...{ reason: null, updated_time: 0, ...change },
  };
}

test('a rework waits, runs and ends as all its tasks say', () => {
  const of = (...reports: ReworkProgressed[]): string =>
    reworkStatus(command, null, reports).status;
  assert.equal(of(), 'WAITING');
  assert.equal(of(report(0, {})), 'RUNNING');
  assert.equal(of(report(0, {}), report(1, { status: 'RUNNING' })), 'RUNNING');
  assert.equal(of(report(0, {}), report(1, {})), 'DONE');
  assert.equal(of(report(0, {}), report(1, { status: 'CANCELLED' })), 'CANCELLED');
  assert.equal(of(report(0, { status: 'FAILED' }), report(1, { status: 'CANCELLED' })), 'FAILED');
  const shown = reworkStatus(command, null, [
    report(0, { reason: 'twice' }),
    report(1, { reason: 'twice', records_refused: 3 }),
  ]);
  assert.deepEqual(
    [shown.tasks_ended, shown.records_done, shown.records_refused, shown.outcomes, shown.reasons],
    [2, 2, 3, [{ outcome: 'x', count: 4 }], ['twice']],
  );
});
