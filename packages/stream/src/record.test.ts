import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Topic } from '@waybill/contracts';
import * as fc from 'fast-check';
import { chunksOf } from './chunks.ts';
import type { WireRecord } from './client.ts';
import type { Codecs } from './codec.ts';
import { decodeBatch, isSampled, linksOf } from './record.ts';
import { topics } from './testing/cluster.ts';

const TOPIC: Topic = topics.input;
const context = (flags: string, n = 0): string =>
  `00-${'a'.repeat(32)}-${String(n).padStart(16, '0')}-${flags}`;

const codecs = {
  learn: async () => undefined,
  decode: (_topic: unknown, bytes: Buffer) =>
    bytes.toString() === 'bad'
      ? { problem: 'bad bytes' }
      : { message: { type: 'T', value: bytes.toString() } },
} as unknown as Codecs;

const wire = (offset: number, value: string | null, traceparent?: string): WireRecord =>
  ({
    offset: String(offset),
    key: Buffer.from('k'),
    value: value === null ? null : Buffer.from(value),
    headers: traceparent === undefined ? {} : { traceparent: Buffer.from(traceparent) },
  }) as unknown as WireRecord;

describe('decodeBatch', () => {
  it('keeps order and sets apart what cannot be read', async () => {
    const records = [wire(3, 'a'), wire(4, 'bad'), wire(5, null), wire(6, 'b')];
    const decoded = await decodeBatch(codecs, TOPIC, 2, records);
    assert.deepEqual(
      decoded.received.map(({ offset }) => offset),
      [3n, 6n],
    );
    assert.deepEqual(
      decoded.unreadable.map(({ offset, problem }) => [offset, problem]),
      [[4n, 'bad bytes']],
    );
    assert.equal(decoded.tombstones, 1);
  });

  it('hands out contexts only when they are whole and sampled', async () => {
    const flags = ['00', '01', '02', '03', '0b', '0a'];
    const records = flags.map((f, i) => wire(i, 'a', context(f)));
    records.push(wire(9, 'a', 'garbage'), wire(10, 'a', `${context('01').slice(0, -3)}x01`));
    const { received } = await decodeBatch(codecs, TOPIC, 0, records);
    assert.deepEqual(
      received.map(({ traceparent }) => traceparent?.slice(-2)),
      [undefined, '01', undefined, '03', '0b', undefined, undefined, undefined],
    );
  });

  it('links at most 32 distinct contexts', async () => {
    const records = Array.from({ length: 100 }, (_, i) => wire(i, 'a', context('01', i % 50)));
    const { received } = await decodeBatch(codecs, TOPIC, 0, records);
    assert.equal(linksOf(received).length, 32);
    assert.equal(new Set(linksOf(received)).size, 32);
  });
});

describe('isSampled', () => {
  it('reads the lowest bit of the flags', () => {
    assert.ok(isSampled(context('01')));
    assert.ok(!isSampled(context('00')));
    assert.ok(!isSampled(undefined));
    assert.ok(!isSampled('01'));
  });
});

describe('chunksOf', () => {
  it('loses nothing, keeps the order and the limits', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 })), (sizes) => {
        const records = sizes.map((size, i) => wire(i, 'x'.repeat(size)));
        const chunks = [...chunksOf(records, 10, 1_000)];
        assert.deepEqual(chunks.flat(), records);
        for (const chunk of chunks) {
          const bytes = chunk.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
          assert.ok(chunk.length <= 10 && bytes <= 1_000 && chunk.length > 0);
        }
      }),
    );
  });

  it('lets a record through that is larger than the limit', () => {
    const records = [wire(0, 'a'), wire(1, 'x'.repeat(5_000)), wire(2, 'b')];
    assert.deepEqual(
      [...chunksOf(records, 10, 1_000)].map(({ length }) => length),
      [1, 1, 1],
    );
  });
});
