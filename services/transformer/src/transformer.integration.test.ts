import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  allTopics,
  topics,
  type ElementRejected,
  type Message,
  type PageFetched,
  type PositionRecorded,
} from '@waybill/contracts';
import {
  connectAdmin,
  connectStreams,
  type Outgoing,
  type StreamAdmin,
  type StreamOptions,
  type Streams,
} from '@waybill/stream';
import { testNamespace, testStack, type TestStack, until } from '@waybill/testkit';
import { createService } from './service.ts';

const TASKS = 3;
const KEY = 'bay-cabs/wialon/cabs';

function page(index: number, messages: readonly unknown[]): Outgoing {
  const value: PageFetched = {
    tenant_id: 'bay-cabs',
    source_id: 'wialon',
    account: 'cabs',
    page_id: String(index).padStart(32, '0'),
    call: 'messages/get_messages',
    parameters: '{}',
    unit: 'wialon:7001',
    window_from_time: null,
    window_to_time: null,
    session_hash: '0123456789abcdef',
    received_time: 1_760_000_000_000,
    provider_now_time: null,
    first_index: 0,
    message_count: messages.length,
    part: 0,
    parts: 1,
    body_sha256: '0'.repeat(64),
    body: Buffer.from(JSON.stringify(messages)),
  };
  return { topic: topics.wialonPage, key: KEY, message: { type: 'PageFetched', value } };
}

function progress(completeTo: number): Outgoing {
  const value = {
    tenant_id: 'bay-cabs',
    source_id: 'wialon',
    account: 'cabs',
    complete_to_time: completeTo,
    received_time: 1_760_000_000_000,
  };
  return { topic: topics.wialonPage, key: KEY, message: { type: 'SourceProgressed', value } };
}

function fix(second: number): unknown {
  const pos = { y: 37.7, x: -122.4 };
  return { t: second, f: 1, tp: 'ud', pos, rt: second + 5 };
}

describe('transformer on a real log', { timeout: 240_000 }, () => {
  let stack: TestStack;
  let options: StreamOptions;
  let admin: StreamAdmin;
  before(async () => {
    stack = await testStack({ postgres: false });
    options = {
      brokers: stack.kafka.brokers,
      registryUrl: stack.registry.url,
      namespace: testNamespace(),
      clientId: 'test',
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    };
    admin = await connectAdmin(options);
    await admin.provision(allTopics, { task: TASKS, source: 2 });
  });
  after(async () => {
    await admin.close();
    await stack.stop();
  });

  /** Everything in the position topic and the dead letters, in the order of each partition. */
  async function read(streams: Streams): Promise<readonly Message[]> {
    const found: Message[] = [];
    const { stop } = await streams.follow(
      [topics.position, topics.transformerDeadLetter, topics.tripStatus],
      (_topic, _key, message) => {
        if (message !== null) found.push(message);
      },
    );
    await stop();
    return found;
  }

  async function transformAll(): Promise<void> {
    const service = await createService(
      { KAFKA_TASK_PARTITIONS: TASKS, TRACE_POSITION_RATIO: 0 },
      {
        streams: await connectStreams(options),
        logger: { warn: () => undefined },
        metrics: { event: () => undefined, rejected: () => undefined },
      },
    );
    const ends = await admin.ends([topics.wialonPage, topics.webhookRaw]);
    const failed = new AbortController();
    service.done.catch((error: unknown) => failed.abort(error));
    await until(
      'the input to be transformed',
      () => {
        const { ready, positions } = service.health();
        const next = new Map(positions.map((p) => [`${p.topic}/${p.partition}`, p.next]));
        return ready && [...ends].every(([place, end]) => next.get(place) === end);
      },
      { deadlineMs: 90_000, signal: failed.signal },
    );
    await service.stop();
  }

  it('writes every position once, progress behind it in every partition, across a restart', async () => {
    const streams = await connectStreams(options);
    const publisher = await streams.publisher([topics.wialonPage]);
    const seconds = Array.from({ length: 8 }, (_value, n) => 1_760_000_000 + n);
    // A long history of one unit: all its positions go to one partition, in transactions of 1 MiB input.
    for (let n = 0; n < 8; n += 1) {
      const block = Array.from({ length: 2500 }, (_value, k) => fix(1_700_000_000 + n * 2500 + k));
      await publisher.send([page(n, block)]);
    }
    await publisher.send([page(8, [...seconds.map(fix), null]), progress(5_000)]);
    await transformAll();
    await publisher.send([page(9, [fix(1_760_001_000)]), progress(6_000)]);
    await transformAll();
    const found = await read(streams);
    await streams.close();

    const positions = found.filter(({ type }) => type === 'PositionRecorded');
    assert.equal(positions.length, 8 * 2500 + 8 + 1);
    const ids = new Set(positions.map(({ value }) => (value as PositionRecorded).event_id));
    assert.equal(ids.size, positions.length);
    const stated = found.filter(({ type }) => type === 'ProgressReached');
    assert.equal(stated.length, 2 * TASKS);
    const order = found.map(({ type, value }): number | string => {
      if (type === 'PositionRecorded') return (value as PositionRecorded).event_time;
      return type === 'ProgressReached'
        ? `T${(value as { complete_to_time: number }).complete_to_time}`
        : type;
    });
    const last = order.indexOf(1_760_001_000_000);
    assert.equal(order[last - 1], 'T5000', 'the first statement stands between the positions');
    const dead = found.filter(({ type }) => type === 'ElementRejected');
    assert.equal(dead.length, 1);
    const rejected = dead[0]?.value as ElementRejected;
    assert.equal(rejected.code, 'MESSAGE_MALFORMED');
    assert.equal(rejected.service, 'transformer');
    assert.equal(rejected.trace.topic, 'wialon.page.raw.v1');
    assert.equal(rejected.trace.index, 8);
    assert.equal(rejected.original?.toString(), 'null');
  });
});
