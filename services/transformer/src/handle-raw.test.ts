import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics, type Message, type PageFetched, type Topic } from '@waybill/contracts';
import type { Emitter, Outgoing, Received, Rejection } from '@waybill/stream';
import { createHandler } from './handle-raw.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

interface Ran {
  readonly emitted: readonly Outgoing[];
  readonly rejected: readonly Rejection[];
  readonly skipped: ReadonlyMap<string, number>;
  readonly refusedLines: readonly object[];
}

function run(messages: readonly Message[], options: { traceRatio?: number } = {}): Ran {
  const emitted: Outgoing[] = [];
  const rejected: Rejection[] = [];
  const skipped = new Map<string, number>();
  const refusedLines: object[] = [];
  const out: Emitter = {
    traceparent: () => TRACE,
    emit: (record) => emitted.push(record),
    reject: (rejection) => rejected.push(rejection),
    skip: (reason, count = 1) => skipped.set(reason, (skipped.get(reason) ?? 0) + count),
  };
  const handle = createHandler({
    taskPartitions: 3,
    traceRatio: options.traceRatio ?? 0,
    metrics: { event: () => undefined, rejected: () => undefined },
    logger: { warn: (fields) => refusedLines.push(fields) },
  });
  handle(
    messages.map((message, index): Received => ({
      topic: (message.type === 'WebhookReceived'
        ? topics.webhookRaw
        : topics.wialonPage) as unknown as Topic,
      partition: 2,
      offset: BigInt(100 + index),
      key: 'bay-cabs/fleet/cabs',
      message,
      publishedTime: -1,
      traceparent: TRACE,
      bytes: Buffer.alloc(0),
    })),
    out,
  );
  return { emitted, rejected, skipped, refusedLines };
}

const good = { t: 1_760_000_001, f: 1, tp: 'ud', pos: { y: 52.1, x: 21 }, rt: 1_760_000_003 };

function page(body: unknown, fields: Partial<PageFetched> = {}): Message {
  const value: PageFetched = {
    tenant_id: 'bay-cabs',
    source_id: 'fleet',
    account: 'cabs',
    page_id: '80000000000000000000000000000000',
    call: 'messages/get_messages',
    parameters: '{}',
    unit: 'wialon:7001',
    window_from_time: null,
    window_to_time: null,
    session_hash: '0f3c9a77be1d4c02',
    received_time: 1_760_000_100_000,
    provider_now_time: null,
    first_index: 0,
    message_count: 1,
    part: 0,
    parts: 1,
    body_sha256: '0'.repeat(64),
    body: Buffer.from(JSON.stringify(body)),
    ...fields,
  };
  return { type: 'PageFetched', value };
}

function progress(completeTo: number): Message {
  return {
    type: 'SourceProgressed',
    value: {
      tenant_id: 'bay-cabs',
      source_id: 'fleet',
      account: 'cabs',
      complete_to_time: completeTo,
      received_time: 1_760_000_100_001,
    },
  };
}

function traceOf(record: Outgoing | undefined): unknown {
  const value = record?.message?.value as { trace?: unknown } | undefined;
  return value?.trace;
}

const request = {
  tenant_id: 'bay-cabs',
  source_id: 'push',
  request_id: 'f'.repeat(32),
  received_time: 1_760_000_100_000,
  verdict: 'VERIFIED',
  body: Buffer.from(
    JSON.stringify({
      event: 'trip.status.changed',
      id: 'evt_1',
      data: { trip_id: 'T-1', status: 'started', ts: 1_760_000_000 },
    }),
  ),
};

test('progress goes to every partition of the position topic, behind the pages before it', () => {
  const { emitted } = run([page([good]), progress(5_000), page([good]), progress(6_000)]);
  assert.deepEqual(
    emitted.map((record) => [record.message?.type, record.partition]),
    [
      ['PositionRecorded', undefined],
      ['ProgressReached', 0],
      ['ProgressReached', 1],
      ['ProgressReached', 2],
      ['PositionRecorded', undefined],
      ['ProgressReached', 0],
      ['ProgressReached', 1],
      ['ProgressReached', 2],
    ],
  );
  const value = emitted[1]?.message?.value;
  const contract = topics.position.contracts.ProgressReached;
  assert.deepEqual(contract.violations(value), []);
  assert.equal((value as { complete_to_time: number }).complete_to_time, 5_000);
});

test('every event goes to its own topic with its trace to the raw element', () => {
  const { emitted } = run([
    page([good]),
    page(
      { items: [{ cls: 2, id: 7001, nm: 'Cab' }] },
      { call: 'core/search_items', page_id: 'f'.repeat(32) },
    ),
    page([{ id: 1, rid: 600, t: 3, p: [{ x: 1, y: 1, r: 5 }] }], {
      call: 'resource/get_zone_data',
    }),
    { type: 'WebhookReceived', value: request },
  ]);
  assert.deepEqual(
    emitted.map((record) => [record.topic.name, record.key]),
    [
      ['fleet.position.event.v1', 'bay-cabs/wialon:7001'],
      ['fleet.asset.state.v1', 'bay-cabs/wialon:7001'],
      ['fleet.zone.state.v1', 'bay-cabs/wialon:600_1'],
      ['fleet.trip-status.event.v1', 'bay-cabs/push/T-1'],
    ],
  );
  assert.deepEqual(traceOf(emitted[0]), {
    topic: 'wialon.page.raw.v1',
    partition: 2,
    offset: 100,
    index: 0,
  });
  assert.deepEqual(traceOf(emitted[3]), {
    topic: 'telematics.webhook.raw.v1',
    partition: 2,
    offset: 103,
    index: 0,
  });
});

test('positions carry a trace only when their page is sampled, progress always', () => {
  const pages = [page([good], { page_id: `3${'0'.repeat(31)}` }), page([good])];
  const { emitted } = run([...pages, progress(1)], { traceRatio: 0.25 });
  assert.deepEqual(
    emitted.map((record) => record.traceparent),
    [TRACE, undefined, TRACE, TRACE, TRACE],
  );
  assert.equal(
    run([{ type: 'WebhookReceived', value: request }]).emitted[0]?.traceparent,
    TRACE,
    'a pushed fact is rare and always traced',
  );
});

test('a refused element goes to the dead letter with its address, its neighbours go on', () => {
  const { emitted, rejected, skipped, refusedLines } = run([
    page([good, null, { tp: 'us' }, { ...good, f: 0, pos: null }, good]),
  ]);
  assert.equal(emitted.length, 2);
  assert.equal(rejected.length, 1);
  assert.equal(rejected[0]?.code, 'MESSAGE_MALFORMED');
  assert.equal(rejected[0]?.index, 1);
  assert.equal(rejected[0]?.tenantId, 'bay-cabs');
  assert.equal(rejected[0]?.unit, 'wialon:7001');
  assert.equal(rejected[0]?.record.offset, 100n);
  assert.equal(rejected[0]?.original?.toString(), 'null');
  assert.deepEqual(
    [...skipped],
    [
      ['other_message_type', 1],
      ['no_position', 1],
    ],
  );
  assert.deepEqual(refusedLines, [{ refused: { MESSAGE_MALFORMED: 1 } }]);
});

test('the parts of a split answer stand for themselves', () => {
  const { emitted } = run([
    page(
      { tm: 1, events: [{ i: 1, t: 'm', d: good }] },
      { call: 'avl_evts', unit: null, parts: 2, part: 0 },
    ),
    page(
      { tm: 1, events: [{ i: 2, t: 'm', d: good }] },
      { call: 'avl_evts', unit: null, parts: 2, part: 1 },
    ),
  ]);
  assert.deepEqual(
    emitted.map((record) => record.key),
    ['bay-cabs/wialon:1', 'bay-cabs/wialon:2'],
  );
});
