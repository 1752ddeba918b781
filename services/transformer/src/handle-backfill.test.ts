import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  topics,
  type BackfillMarked,
  type Message,
  type PositionRecorded,
  type RangeReread,
} from '@waybill/contracts';
import { partitionFor, type Received } from '@waybill/stream';
import { rereadRaw } from './handle-backfill.ts';
import { good, page, startTransformer, statusRequest, TASKS } from './testing/run.ts';

const REQUEST = 'a'.repeat(32);
const KEY = 'bay-cabs/fleet/cabs';

function marked(fields: Partial<BackfillMarked>): Message {
  const value: BackfillMarked = {
    tenant_id: 'bay-cabs',
    source_id: 'fleet',
    account: 'cabs',
    rework_id: REQUEST,
    mark: 'UNIT_ENDED',
    unit: 'wialon:7001',
    from_time: 1_000,
    to_time: 2_000,
    messages: 1,
    units_total: 1,
    units_done: 1,
    reason: null,
    received_time: 3_000,
    ...fields,
  };
  return { type: 'BackfillMarked', value };
}

test('re-read pages become positions of the back-fill topic, their end marker behind them', async () => {
  const { driver, positions } = await startTransformer();
  const messages = [marked({ mark: 'STARTED', unit: null }), page([good]), marked({})];
  await driver.pipe(
    topics.wialonPageBackfill,
    messages.map((message) => ({ key: KEY, message })),
  );
  const found = await driver.read(topics.positionBackfill);
  assert.deepEqual(
    found.map(({ partition, message }) => [partition, message?.type]),
    ['PositionRecorded', 'RangeReread'].map((type) => [
      partitionFor('bay-cabs/wialon:7001', TASKS),
      type,
    ]),
  );
  const position = found[0]?.message?.value as PositionRecorded;
  assert.equal(position.trace.topic, 'wialon.page.backfill.v1');
  const marker = found[1]?.message?.value as RangeReread;
  assert.deepEqual(
    [marker.request_id, marker.unit, marker.from_time, marker.to_time, marker.complete],
    [REQUEST, 'wialon:7001', 1_000, 2_000, true],
  );
  assert.deepEqual(await positions(), [], 'nothing of it goes among the live positions');
});

test('a unit whose range could not be read to its end says so; what is malformed is refused', async () => {
  const { driver, rejected } = await startTransformer();
  const bad = { ...good, pos: { y: 100, x: 21 } };
  await driver.pipe(topics.wialonPageBackfill, [
    { key: KEY, message: page([bad]) },
    { key: KEY, message: marked({ reason: 'access denied' }) },
  ]);
  const [only] = await driver.read(topics.positionBackfill);
  const marker = only?.message?.value as RangeReread;
  assert.deepEqual([marker.complete, marker.reason], [false, 'access denied']);
  assert.deepEqual(
    (await rejected()).map(({ code }) => code),
    ['POSITION_INVALID'],
  );
});

test('raw records give what they hold of one unit and range, and nothing else', () => {
  const other = page([good], { unit: 'wialon:7002' });
  const late = { ...good, t: good.t + 100 };
  const messages: Message[] = [
    page([good, late]),
    other,
    { type: 'WebhookReceived', value: statusRequest },
    page([good], { tenant_id: 'hudson-waste' }),
    page([{ ...good, pos: { y: 100, x: 21 } }]),
  ];
  const emitted: PositionRecorded[] = [];
  rereadRaw(
    messages.map(
      (message, offset) =>
        ({ topic: topics.wialonPage, partition: 0, offset: BigInt(offset), message }) as Received,
    ),
    {
      emit: ({ topic, message }) => {
        assert.equal(topic.name, 'fleet.position.backfill.v1');
        emitted.push(message?.value as PositionRecorded);
      },
      reject: () => assert.fail('refused once before'),
      skip: () => undefined,
      traceparent: () => undefined,
    },
    {
      request_id: REQUEST,
      tenant_id: 'bay-cabs',
      unit: 'wialon:7001',
      from_time: good.t * 1000,
      to_time: good.t * 1000 + 100_000,
    },
    { get: () => undefined, entries: () => [].values() },
  );
  assert.deepEqual(
    emitted.map(({ unit, event_time: time }) => [unit, time]),
    [['wialon:7001', good.t * 1000]],
  );
});
