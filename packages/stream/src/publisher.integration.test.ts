import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import type { Outgoing } from './port.ts';
import { MAX_WAITING_RECORDS } from './publisher.ts';
import { openTestCluster, text, topics, type TestCluster } from './testing/cluster.ts';

const record = (key: string, value: string): Outgoing => ({
  topic: topics.output,
  key,
  message: text(value),
});

describe('publisher', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  it('keeps the order of the calls, also when many are made at once', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const publisher = await streams.publisher([topics.output]);
    const sends = Array.from({ length: 3_000 }, (_, i) => publisher.send([record('k', String(i))]));
    await Promise.all(sends);
    await publisher.close();
    const found = await system.read(topics.output);
    assert.deepEqual(
      found,
      Array.from({ length: 3_000 }, (_, i) => `k=${i}`),
    );
    await system.close();
  });

  it('refuses more than the limit and sends what it accepted before it closes', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const publisher = await streams.publisher([topics.output]);
    const many = Array.from({ length: MAX_WAITING_RECORDS }, (_, i) => record(`k${i}`, 'x'));
    const sent = publisher.send(many);
    await assert.rejects(
      publisher.send([record('k', 'one too many')]),
      (e) => isFault(e) && e.code === 'BACKPRESSURE' && e.kind === 'transient',
    );
    await publisher.close();
    await sent;
    await assert.rejects(publisher.send([record('k', 'x')]), (e) => isFault(e));
    assert.equal((await system.read(topics.output)).length, MAX_WAITING_RECORDS);
    await system.close();
  });

  it('sends more bytes than the broker takes in one batch', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const publisher = await streams.publisher([topics.output]);
    const big = 'x'.repeat(400_000);
    await publisher.send(Array.from({ length: 8 }, (_, i) => record('k', `${i}${big}`)));
    await publisher.close();
    const found = await system.read(topics.output);
    assert.deepEqual(
      found.map((line) => line.slice(0, 3)),
      Array.from({ length: 8 }, (_, i) => `k=${i}`),
    );
    await system.close();
  });

  it('fails only the call whose record breaks its contract', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const publisher = await streams.publisher([topics.output]);
    const bad = { ...record('k', 'x'), message: { type: 'UnitStateSaved', value: {} } };
    const results = await Promise.allSettled([
      publisher.send([record('k', '1')]),
      publisher.send([bad]),
      publisher.send([record('k', '2')]),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    await publisher.close();
    assert.deepEqual(await system.read(topics.output), ['k=1', 'k=2']);
    await system.close();
  });

  it('refuses topics that it was not opened for, and tombstones in event topics', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const publisher = await streams.publisher([topics.output]);
    const elsewhere = publisher.send([{ ...record('k', 'x'), topic: topics.input }]);
    await assert.rejects(elsewhere, (e) => isFault(e) && e.code === 'UNDECLARED_OUTPUT');
    const tombstone = publisher.send([{ ...record('k', 'x'), message: null }]);
    await assert.rejects(tombstone, (e) => isFault(e) && e.code === 'UNDECLARED_OUTPUT');
    await publisher.close();
    await system.close();
  });
});
