import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { installGuards, REPLACED } from './guards.ts';
import { BatchWriter } from './record-batch/batch-writer.ts';
import { batchPerPartition } from './record-batch/produce-request.ts';
import { createSockets, type Sockets } from './sockets.ts';

type AddressOf = Parameters<Sockets['open']>[0];

const load = createRequire(import.meta.url);
installGuards(load);
load('kafkajs');

describe('the guards', () => {
  it('stand where the client looks for the functions', () => {
    for (const [path, replacement] of Object.entries(REPLACED)) {
      assert.equal(load(`kafkajs/src/${path}.js`), replacement);
    }
  });

  it('let one batch per partition stand in for its messages', () => {
    const batches = [new BatchWriter(1), new BatchWriter(0)];
    assert.deepEqual(Object.keys(batchPerPartition({ topic: 't', messages: batches })), ['0', '1']);
    const twice = [new BatchWriter(1), new BatchWriter(1)];
    assert.throws(() => batchPerPartition({ topic: 't', messages: twice }), /t\/1: expected one/);
  });

  it('do not arm a timer when nothing waits', () => {
    const { prototype } = load('kafkajs/src/network/requestQueue') as {
      prototype: { scheduleCheckPendingRequests: () => void };
    };
    const queue = { pending: [], throttledUntil: -1, throttleCheckTimeoutId: null };
    prototype.scheduleCheckPendingRequests.call(queue);
    assert.equal(queue.throttleCheckTimeoutId, null);
  });

  it('look for time-outs once a second, not ten times', (t) => {
    const { prototype } = load('kafkajs/src/network/requestQueue') as {
      prototype: { scheduleRequestTimeoutCheck: () => void };
    };
    const timer = t.mock.method(globalThis, 'setInterval', () => undefined);
    const queue = {
      ...{ enforceRequestTimeout: true, requestTimeout: 20_000, inflight: new Map() },
      ...{ destroy: () => undefined, isConnected: () => true },
    };
    prototype.scheduleRequestTimeoutCheck.call(queue);
    assert.deepEqual(
      timer.mock.calls.map((call) => call.arguments[1]),
      [1_000],
    );
  });

  it('open one socket when several requests find the connection lost', async () => {
    const sockets: Socket[] = [];
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const Connection = load('kafkajs/src/network/connection') as unknown as new (
      options: object,
    ) => {
      connect: () => Promise<unknown>;
      disconnect: () => Promise<unknown>;
    };
    const silent = { debug: () => undefined, error: () => undefined };
    const connection = new Connection({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      logger: { ...silent, namespace: () => silent },
      socketFactory: (address: AddressOf) => {
        const socket = createSockets().open(address);
        sockets.push(socket);
        return socket;
      },
      connectionTimeout: 5_000,
      requestTimeout: 5_000,
    });
    await Promise.all([connection.connect(), connection.connect(), connection.connect()]);
    await connection.disconnect();
    await connection.connect();
    await connection.disconnect();
    for (const socket of sockets) socket.destroy();
    await once(server.close(), 'close');
    assert.equal(sockets.length, 2);
  });

  it('measure heartbeats and requests on a clock that nobody sets', (t) => {
    const Request = load('kafkajs/src/network/requestQueue/socketRequest') as unknown as new (
      options: object,
    ) => { sentAt: number | null; send: () => void };
    const request = new Request({ entry: { correlationId: 1 }, send: () => undefined });
    assert.equal(request.sentAt, null);
    request.send();
    const now = Date.now.bind(Date);
    t.mock.method(Date, 'now', () => now() - 600_000);
    // Wall time has whole milliseconds, the mark has fractions.
    assert.ok(Date.now() - Number(request.sentAt) > -1);
    const { prototype } = load('kafkajs/src/consumer/consumerGroup') as { prototype: object };
    const group = Object.create(prototype) as { lastRequest: number };
    group.lastRequest = Date.now();
    t.mock.method(Date, 'now', () => now() + 600_000);
    assert.ok(Date.now() - group.lastRequest < 60_000);
  });

  it('remember a coordinator, but no failure to find it', async () => {
    const { prototype } = load('kafkajs/src/cluster') as unknown as {
      prototype: { findGroupCoordinatorMetadata: (this: object, q: object) => Promise<unknown> };
    };
    let asked = 0;
    const withBroker = async (): Promise<object> => {
      asked += 1;
      if (asked === 1) throw new Error('away');
      return { coordinator: { nodeId: asked } };
    };
    const cluster = { brokerPool: { withBroker } };
    const find = (groupId: string, coordinatorType: number): Promise<unknown> =>
      prototype.findGroupCoordinatorMetadata.call(cluster, { groupId, coordinatorType });
    await assert.rejects(find('a', 1), /away/);
    assert.deepEqual(await find('a', 1), { coordinator: { nodeId: 2 } });
    assert.deepEqual(await find('a', 1), { coordinator: { nodeId: 2 } });
    assert.deepEqual(await find('a', 0), { coordinator: { nodeId: 3 } });
    assert.deepEqual(await find('b', 1), { coordinator: { nodeId: 4 } });
  });

  it('ask again at once while the transaction of an older owner ends', async (t) => {
    const Cluster = load('kafkajs/src/cluster') as unknown as { prototype: object };
    const createEosManager = load('kafkajs/src/producer/eosManager') as unknown as (
      options: object,
    ) => { initProducerId: () => Promise<void> };
    const concurrent = Object.assign(new Error(), { type: 'CONCURRENT_TRANSACTIONS' });
    let attempts = 0;
    const coordinator = {
      initProducerId: async () => {
        attempts += 1;
        if (attempts === 1) throw concurrent;
        return { producerId: 1, producerEpoch: 0 };
      },
    };
    const cluster = Object.assign(Object.create(Cluster.prototype) as object, {
      refreshMetadataIfNecessary: async () => undefined,
      findGroupCoordinator: async () => coordinator,
    });
    const wait = t.mock.method(globalThis, 'setTimeout');
    const logger = { debug: () => undefined };
    const settings = { logger, cluster, transactional: true, transactionalId: 'a' };
    await createEosManager(settings).initProducerId();
    assert.equal(attempts, 2);
    assert.ok(Number(wait.mock.calls[0]?.arguments[1]) < 100);
  });

  it('refuse to come after the client was loaded, and another version', () => {
    assert.throws(() => installGuards(load), /before anybody else/);
    const other = Object.assign(() => ({ version: '2.3.0' }), {
      resolve: load.resolve,
      cache: {},
    }) as unknown as NodeJS.Require;
    assert.throws(() => installGuards(other), /expected kafkajs 2\.2\.4, found 2\.3\.0/);
  });
});
