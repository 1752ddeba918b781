import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { filterAborted, groupPerPartition, installGuards } from './guards.ts';
import { createSockets, type Sockets } from './sockets.ts';

type AddressOf = Parameters<Sockets['open']>[0];

const load = createRequire(import.meta.url);
installGuards(load);
load('kafkajs');

const record = (offset: number, producerId: string, inTransaction = true) => ({
  offset: String(offset),
  key: Buffer.from('k'),
  isControlRecord: false,
  batchContext: { producerId, inTransaction },
});

const marker = (offset: number, producerId: string, type: 'abort' | 'commit') => ({
  ...record(offset, producerId),
  key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]),
  isControlRecord: true,
});

const kept = (input: Parameters<typeof filterAborted>[0]): readonly string[] =>
  filterAborted(input)
    .filter((m) => !m.isControlRecord)
    .map(({ offset }) => offset);

describe('filterAborted', () => {
  it('keeps everything when nothing was aborted', () => {
    const messages = [record(0, 'a'), record(1, 'b', false)];
    assert.deepEqual(kept({ messages, abortedTransactions: [] }), ['0', '1']);
    assert.deepEqual(kept({ messages, abortedTransactions: null }), ['0', '1']);
  });

  it('drops overlapping aborted transactions whatever the order of the list', () => {
    const messages = [
      record(0, 'a'),
      record(1, 'b'),
      record(2, 'c'),
      marker(3, 'b', 'abort'),
      record(4, 'a'),
      marker(5, 'a', 'abort'),
      marker(6, 'c', 'commit'),
      record(7, 'a'),
      marker(8, 'a', 'commit'),
    ];
    const a = { producerId: 'a', firstOffset: '0' };
    const b = { producerId: 'b', firstOffset: '1' };
    assert.deepEqual(kept({ messages, abortedTransactions: [b, a] }), ['2', '7']);
    assert.deepEqual(kept({ messages, abortedTransactions: [a, b] }), ['2', '7']);
  });

  it('drops several transactions that began before the fetched offset', () => {
    const messages = [record(100, 'b'), record(101, 'a'), marker(102, 'b', 'abort')];
    const abortedTransactions = [
      { producerId: 'a', firstOffset: '50' },
      { producerId: 'b', firstOffset: '60' },
    ];
    assert.deepEqual(kept({ messages, abortedTransactions }), []);
  });

  it('keeps records that a producer wrote outside of transactions', () => {
    const messages = [record(0, 'a', false), record(1, 'a')];
    const abortedTransactions = [{ producerId: 'a', firstOffset: '0' }];
    assert.deepEqual(kept({ messages, abortedTransactions }), ['0']);
  });
});

describe('groupPerPartition', () => {
  it('groups by the partition of the record and asks the partitioner for the others', () => {
    const messages = [{ partition: 1, n: 0 }, { n: 1 }, { partition: 1, n: 2 }];
    const groups = groupPerPartition({
      topic: 't',
      partitionMetadata: [{}, {}],
      messages,
      partitioner: () => 0,
    });
    assert.deepEqual(groups, {
      0: [{ n: 1 }],
      1: [
        { partition: 1, n: 0 },
        { partition: 1, n: 2 },
      ],
    });
  });

  it('takes linear time', () => {
    const messages = Array.from({ length: 200_000 }, () => ({ partition: 0 }));
    const groups = groupPerPartition({
      topic: 't',
      partitionMetadata: [{}],
      messages,
      partitioner: () => 0,
    });
    assert.equal(groups[0]?.length, 200_000);
  });
});

describe('the guards', () => {
  it('stand where the client looks for the functions', () => {
    const group = load('kafkajs/src/producer/groupMessagesPerPartition.js') as unknown;
    const filter = load('kafkajs/src/consumer/filterAbortedMessages.js') as unknown;
    assert.equal(group, groupPerPartition);
    assert.equal(filter, filterAborted);
  });

  it('do not arm a timer when nothing waits', () => {
    const { prototype } = load('kafkajs/src/network/requestQueue') as {
      prototype: { scheduleCheckPendingRequests: () => void };
    };
    const queue = { pending: [], throttledUntil: -1, throttleCheckTimeoutId: null };
    prototype.scheduleCheckPendingRequests.call(queue);
    assert.equal(queue.throttleCheckTimeoutId, null);
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
    assert.ok(Date.now() - Number(request.sentAt) >= 0);
    const { prototype } = load('kafkajs/src/consumer/consumerGroup') as { prototype: object };
    const group = Object.create(prototype) as { lastRequest: number };
    group.lastRequest = Date.now();
    t.mock.method(Date, 'now', () => now() + 600_000);
    assert.ok(Date.now() - group.lastRequest < 60_000);
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
