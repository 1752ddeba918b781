import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isFault } from '@waybill/fault';
import { batchOf, changed, markerOf, recordsOf, type PlainRecord } from '../testing/batches.ts';
import { BatchWriter } from './batch-writer.ts';
import { FetchedBatch } from './fetched-batch.ts';
import { at, TRANSACTIONAL } from './layout.ts';
import { visibleBatches, type AbortedTransaction } from './visible-batches.ts';

const one = (offset: number, producerId: bigint, attributes: number = TRANSACTIONAL): Buffer =>
  batchOf([{ key: 'k', value: String(offset) }], { baseOffset: offset, producerId, attributes });

function fetched(
  parts: readonly Buffer[],
  from = 0,
  abortedTransactions: readonly AbortedTransaction[] = [],
): FetchedBatch {
  return new FetchedBatch('t', String(from), {
    partition: 0,
    highWatermark: '1000',
    abortedTransactions,
    messages: Buffer.concat(parts),
  });
}

const offsets = (batch: FetchedBatch): readonly number[] =>
  recordsOf(batch.records()).map(({ offset }) => offset);

describe('what a reader of committed records sees', () => {
  const a = { producerId: '1', firstOffset: '0' };
  const b = { producerId: '2', firstOffset: '1' };

  it('drops overlapping aborted transactions whatever the order of the list', () => {
    const parts = [
      one(0, 1n),
      one(1, 2n),
      one(2, 3n),
      markerOf('abort', 3, 2n),
      one(4, 1n),
      markerOf('abort', 5, 1n),
      markerOf('commit', 6, 3n),
      one(7, 1n),
      markerOf('commit', 8, 1n),
    ];
    assert.deepEqual(offsets(fetched(parts, 0, [b, a])), [2, 7]);
    assert.deepEqual(offsets(fetched(parts, 0, [a, b])), [2, 7]);
    assert.deepEqual(offsets(fetched(parts)), [0, 1, 2, 4, 7]);
    assert.equal(fetched(parts).next, 9n);
  });

  it('drops several transactions that began before the fetched offset', () => {
    const parts = [one(100, 2n), one(101, 1n), markerOf('abort', 102, 2n)];
    const before = [
      { producerId: '1', firstOffset: '50' },
      { producerId: '2', firstOffset: '60' },
    ];
    const batch = fetched(parts, 100, before);
    assert.deepEqual(offsets(batch), []);
    assert.ok(batch.isEmptyDueToFiltering());
    assert.equal(batch.lastOffset(), '102');
  });

  it('keeps records that a producer wrote outside of transactions', () => {
    assert.deepEqual(offsets(fetched([one(0, 1n, 0), one(1, 1n)], 0, [a])), [0]);
  });

  it('passes markers, empty batches and records before the fetched offset', () => {
    const five = Array.from({ length: 5 }, (_, i) => ({ key: 'k', value: String(i) }));
    const emptied = changed(batchOf([]), { baseOffset: 15, lastOffsetDelta: 9 });
    const parts = [batchOf(five, { baseOffset: 10 }), emptied, markerOf('commit', 25, 1n)];
    const batch = fetched(parts, 12);
    assert.deepEqual(offsets(batch), [12, 13, 14]);
    assert.equal(batch.next, 26n);
    assert.equal(fetched([emptied], 15).next, 25n);
    assert.ok(fetched([emptied], 15).isEmptyDueToFiltering());
  });

  it('ends before a batch that the answer cuts off', () => {
    const first = one(0, 1n, 0);
    const second = one(1, 1n, 0);
    for (let length = 0; length < second.length; length += 1) {
      const batch = fetched([first, second.subarray(0, length)]);
      assert.equal(batch.problem, undefined);
      assert.deepEqual(offsets(batch), [0]);
      assert.equal(batch.next, 1n);
    }
    const nothing = fetched([second.subarray(0, second.length - 1)], 1);
    assert.ok(nothing.isEmpty() && !nothing.isEmptyDueToFiltering());
    assert.equal(nothing.next, 1n);
  });

  it('refuses bytes that changed on the way', () => {
    const batch = one(0, 1n, 0);
    for (let place = at.attributes; place < batch.length; place += 1) {
      const bad = Buffer.from(batch);
      bad[place] = (bad[place] ?? 0) ^ 0x10;
      assert.equal(fetched([bad]).problem?.code, 'BATCH_CORRUPT');
    }
  });

  it('reads gzip and zstd, and names what it cannot read', () => {
    const plain = batchOf([
      { key: 'a', value: '1' },
      { key: 'b', value: null },
    ]);
    const compressed = (codec: number, compress: (bytes: Buffer) => Buffer): Buffer => {
      const records = compress(plain.subarray(at.records));
      const batch = Buffer.concat([plain.subarray(0, at.records), records]);
      batch.writeInt32BE(batch.length - 12, at.length);
      return changed(batch, { baseOffset: 40, attributes: codec });
    };
    for (const batch of [compressed(1, gzipSync), compressed(4, zstdCompressSync)]) {
      const found = recordsOf(fetched([batch, one(42, 1n, 0)], 40).records());
      assert.deepEqual(
        found.map(({ offset, key, value }) => [offset, key, value]),
        [
          [40, 'a', '1'],
          [41, 'b', null],
          [42, 'k', '42'],
        ],
      );
    }
    const snappy = fetched([compressed(2, (bytes) => bytes)]).problem;
    assert.ok(isFault(snappy) && snappy.code === 'BATCH_UNREADABLE');
    assert.match(snappy.message, /gzip or zstd, found snappy/);
    assert.match(String(fetched([compressed(1, (x) => x)]).problem), /gzip/);
    const old = Buffer.from(plain);
    old[at.magic] = 1;
    assert.match(String(fetched([old]).problem), /version 2, found 1/);
  });

  it('unpacks 4 MiB of an answer and leaves the rest for the next one', () => {
    const value = 'x'.repeat(800_000);
    const batches = Array.from({ length: 9 }, (_, i) => {
      const writer = new BatchWriter(0, true);
      writer.append('k', Buffer.from(value));
      const owner = { producerId: -1n, producerEpoch: 0, baseSequence: 0, transactional: false };
      return changed(writer.seal(owner, 0), { baseOffset: i });
    });
    const all = Buffer.concat(batches);
    assert.ok(all.length < 10_000, 'the whole answer is small');
    const first = fetched(batches);
    assert.equal(recordsOf(first.records()).length, 6);
    assert.equal(first.next, 6n);
    const rest = fetched(batches.slice(6), 6);
    assert.deepEqual([recordsOf(rest.records()).length, rest.next], [3, 9n]);
  });
});

describe('the cursor', () => {
  it('finds the context among other headers and rewinds to a mark', () => {
    const records: PlainRecord[] = [
      { key: 'a', value: 'x', headers: { other: 'y', traceparent: 'context', last: '' } },
      { key: '', value: '', headers: { traceparents: 'no' } },
    ];
    const { batches } = visibleBatches(batchOf(records), 0, []);
    const batch = fetched([batchOf(records), batchOf(records, { baseOffset: 2 })]);
    assert.equal(batches.length, 1);
    const cursor = batch.records();
    const start = cursor.mark();
    assert.ok(cursor.next() && cursor.next());
    const second = cursor.mark();
    const rest = recordsOf(cursor);
    assert.deepEqual(
      rest.map(({ offset, headers }) => [offset, headers]),
      [
        [2, { traceparent: 'context' }],
        [3, undefined],
      ],
    );
    assert.ok(cursor.atEnd);
    cursor.rewind(second);
    assert.deepEqual(recordsOf(cursor), rest);
    cursor.rewind(start);
    assert.deepEqual(recordsOf(cursor), recordsOf(batch.records()));
  });

  it('reads what the original encoder wrote with growing timestamps', async () => {
    const load = createRequire(import.meta.url);
    const record = load('kafkajs/src/protocol/recordBatch/record/v0') as (input: object) => object;
    const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0') as {
      RecordBatch: (input: object) => Promise<{ readonly buffer: Buffer }>;
    };
    const deltas = [0, 100, -5, 1e6, 2 ** 40];
    const firstTimestamp = 1_700_000_000_000;
    const { buffer } = await RecordBatch({
      firstOffset: 7,
      firstTimestamp,
      records: deltas.map((timestampDelta, offsetDelta) =>
        record({ key: `k${offsetDelta}`, value: Buffer.from('v'), timestampDelta, offsetDelta }),
      ),
      lastOffsetDelta: deltas.length - 1,
    });
    const cursor = fetched([buffer], 7).records();
    const found: unknown[] = [];
    while (cursor.next()) found.push([cursor.offset, cursor.timestamp]);
    assert.deepEqual(
      found,
      deltas.map((delta, i) => [7 + i, firstTimestamp + delta]),
    );
  });
});
