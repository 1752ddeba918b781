import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { cursorOver, recordsOf } from '../testing/batches.ts';
import { BatchWriter, MAX_BATCH_BYTES, type BatchOwner } from './batch-writer.ts';
import { FetchedBatch } from './fetched-batch.ts';
import { at } from './layout.ts';

/** kafkajs's own encoder, which the guards put out of use, is the yardstick. */
const load = createRequire(import.meta.url);
const originalRecord = load('kafkajs/src/protocol/recordBatch/record/v0') as (
  record: object,
) => object;
const { RecordBatch: originalBatch } = load('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>;
};

interface Input {
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: Record<string, string | Buffer>;
}

const TIME = 1_763_800_000_123;

async function original(records: readonly Input[], owner: BatchOwner): Promise<Buffer> {
  const batch = await originalBatch({
    records: records.map((record, offsetDelta) =>
      originalRecord({ ...record, offsetDelta, timestampDelta: 0 }),
    ),
    firstTimestamp: TIME,
    maxTimestamp: TIME,
    producerId: String(owner.producerId),
    producerEpoch: owner.producerEpoch,
    firstSequence: owner.baseSequence,
    transactional: owner.transactional,
    lastOffsetDelta: records.length - 1,
  });
  return batch.buffer;
}

function ours(records: readonly Input[], owner: BatchOwner): Buffer {
  const writer = new BatchWriter(3);
  for (const { key, value, headers } of records) writer.append(key, value, headers);
  return writer.seal(owner, TIME);
}

const owners: fc.Arbitrary<BatchOwner> = fc.record({
  producerId: fc.bigInt({ min: -1n, max: (1n << 63n) - 1n }),
  producerEpoch: fc.integer({ min: 0, max: 32_767 }),
  baseSequence: fc.integer({ min: 0, max: 0x7fffffff }),
  transactional: fc.boolean(),
});

const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant(''));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.integer({ min: 0, max: 20_000 }).map((length) => new Uint8Array(length).fill(7)),
);
const inputs: fc.Arbitrary<Input> = fc.record({
  key: fc.option(texts),
  value: fc.option(bytes.map((found) => Buffer.from(found))),
  // Dead letters have binary values: big-endian numbers.
  headers: fc.dictionary(
    fc.string({ minLength: 1 }),
    fc.oneof(
      texts,
      fc.uint8Array({ maxLength: 9 }).map((found) => Buffer.from(found)),
    ),
    { maxKeys: 3 },
  ),
});

const none: BatchOwner = {
  producerId: -1n,
  producerEpoch: 0,
  baseSequence: 0,
  transactional: false,
};

describe('BatchWriter', () => {
  it('writes the very bytes of the original encoder', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(inputs, { minLength: 1, maxLength: 40 }),
        owners,
        async (records, owner) => {
          assert.deepEqual(ours(records, owner), await original(records, owner));
        },
      ),
    );
  });

  it('does so for thousands of records, where deltas and lengths need more bytes', async () => {
    const records = Array.from({ length: 20_000 }, (_, i) => ({
      key: `tenant/unit:${i % 700}`,
      value: Buffer.alloc(i % 97, i),
      headers: i % 3 === 0 ? { traceparent: `00-${i}` } : {},
    }));
    const writer = new BatchWriter(0);
    const taken = records.filter(({ key, value, headers }) => writer.append(key, value, headers));
    assert.ok(taken.length > 8_000);
    assert.deepEqual(writer.seal(none, TIME), await original(taken, none));
  });

  it('grows to its limit, takes a first record of any size, and may be sealed again', () => {
    const writer = new BatchWriter(0);
    const value = Buffer.alloc(10_000, 1);
    while (writer.append('k', value));
    assert.ok(writer.bytes <= MAX_BATCH_BYTES && writer.bytes > MAX_BATCH_BYTES - 10_100);
    const first = Buffer.from(writer.seal(none, TIME));
    assert.notDeepEqual(writer.seal({ ...none, baseSequence: 5 }, TIME), first);
    assert.deepEqual(writer.seal(none, TIME), first);
    const huge = new BatchWriter(0);
    assert.ok(huge.append('k', Buffer.alloc(2 * MAX_BATCH_BYTES)));
    assert.ok(!huge.append('k', null));
    assert.equal(huge.length, 1);
  });

  it('compresses what is large where it is asked to, and only the records', () => {
    const records = Array.from({ length: 300 }, (_, i) => ({
      key: `k-${i}`,
      value: `{"event":"${i}"}`,
    }));
    const written = (compressed: boolean, count: number): BatchWriter => {
      const writer = new BatchWriter(0, compressed);
      for (let i = 0; i < count; i += 1) {
        const { key = null, value = '' } = records[i % records.length] ?? {};
        writer.append(key, Buffer.from(value.repeat(10)));
      }
      return writer;
    };
    const small = written(true, 100);
    assert.deepEqual(small.seal(none, TIME), written(false, 100).seal(none, TIME));
    const large = written(true, 1000);
    const plain = written(false, 1000).seal(none, TIME);
    const sealed = Buffer.from(large.seal(none, TIME));
    assert.ok(sealed.length < plain.length / 5);
    const batch = new FetchedBatch('t', '0', {
      partition: 0,
      highWatermark: '1000',
      messages: sealed,
    });
    assert.deepEqual(recordsOf(batch.records()), recordsOf(cursorOver(plain)));
    // A retry has another owner, and what is appended after it counts.
    const again = large.seal({ ...none, baseSequence: 7 }, TIME);
    assert.equal(again.readInt32BE(at.baseSequence), 7);
    assert.deepEqual(again.subarray(at.records), sealed.subarray(at.records));
    const mark = large.mark();
    large.append('more', Buffer.from('more'));
    assert.equal(large.seal(none, TIME).readInt32BE(at.count), 1001);
    large.rewind(mark);
    assert.deepEqual(large.seal(none, TIME), sealed);
  });

  it('is read back by the cursor', () => {
    fc.assert(
      fc.property(fc.array(inputs, { minLength: 1 }), (records) => {
        const found = recordsOf(cursorOver(ours(records, none)));
        const text = (value: Uint8Array | null): string | null =>
          value === null ? null : Buffer.from(value).toString();
        assert.deepEqual(
          found.map(({ key, value }) => [key, value]),
          records.map(({ key, value }) => [
            key === null ? null : Buffer.from(key).toString(),
            text(value),
          ]),
        );
        assert.deepEqual(
          found.map(({ offset }) => offset),
          records.map((_, i) => i),
        );
      }),
    );
  });
});
