import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { allTopics } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import { connectAdmin } from './admin.ts';
import type { StreamOptions } from './port.ts';
import { connectStreams } from './streams.ts';
import {
  memoryLogger,
  openTestCluster,
  PARTITIONS,
  topics,
  type TestCluster,
} from './testing/cluster.ts';

/** A port of this machine that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

describe('admin', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  it('provisions the whole catalogue, twice and at the same time, with one result', async (t) => {
    const { options, admin } = await cluster.system();
    const other = await connectAdmin(options);
    t.after(() => other.close());
    const counts = { task: 8, source: 4 };
    await Promise.all([admin.provision(allTopics, counts), other.provision(allTopics, counts)]);
    await admin.provision(allTopics, counts);
    const ends = await admin.ends(allTopics);
    const expected = allTopics.reduce(
      (sum, t) => sum + { ...counts, single: 1 }[t.partitioning],
      0,
    );
    assert.equal(ends.size, expected);
    assert.ok([...ends.values()].every((end) => end === 0n));
    const streams = await connectStreams(options);
    const publisher = await streams.publisher(allTopics);
    await publisher.close();
    await streams.close();
  });

  it('refuses a topic that exists with another partition count, and names it', async () => {
    const { admin } = await cluster.system();
    await assert.rejects(
      admin.provision([topics.input], { ...PARTITIONS, task: 5 }),
      (e) =>
        isFault(e) &&
        e.kind === 'misconfigured' &&
        e.code === 'PARTITION_COUNT_CHANGED' &&
        e.message.includes('test.input.event.v1: 4 instead of 5'),
    );
  });

  it('says in one line which broker does not answer', async () => {
    const broker = `127.0.0.1:${await closedPort()}`;
    const options: StreamOptions = {
      brokers: [broker],
      registryUrl: 'http://127.0.0.1:1',
      clientId: 'test',
      logger: memoryLogger(),
    };
    const expected = (e: unknown): boolean =>
      isFault(e) &&
      e.code === 'BROKER_UNAVAILABLE' &&
      e.message.includes(broker) &&
      e.message.includes('KAFKA_BROKERS') &&
      !e.message.includes('\n');
    await assert.rejects(connectStreams(options), expected);
    await assert.rejects(connectAdmin(options), expected);
  });
});
