import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Topic } from '@waybill/contracts';
import * as fc from 'fast-check';
import type { Codecs } from './codec.ts';
import {
  eachEntry,
  isSampled,
  linksOf,
  readChunk,
  type ChunkLimits,
  type Source,
} from './record.ts';
import { batchOf, cursorOver } from './testing/batches.ts';
import { topics } from './testing/cluster.ts';

const TOPIC: Topic = topics.input;
const context = (flags: string, n = 0): string =>
  `00-${'a'.repeat(32)}-${String(n).padStart(16, '0')}-${flags}`;

const codecs = {
  decoder: () => (bytes: Buffer, start: number, end: number) => {
    const value = bytes.toString('utf8', start, end);
    return value === 'bad' ? { problem: 'bad bytes' } : { message: { type: 'T', value } };
  },
} as unknown as Codecs;

const ALL: ChunkLimits = { records: 1_000, bytes: 1 << 20 };

function sourceOf(values: readonly (string | null)[], contexts: readonly string[] = []): Source {
  const records = values.map((value, i) => ({
    key: 'k',
    value,
    ...(contexts[i] !== undefined && { headers: { traceparent: contexts[i] } }),
  }));
  const cursor = cursorOver(batchOf(records, { baseOffset: 3 }));
  return { topic: TOPIC, partition: 2, records: cursor, next: BigInt(3 + values.length + 1) };
}

describe('readChunk', () => {
  it('keeps order and sets apart what cannot be read', async () => {
    const chunk = await readChunk(codecs, sourceOf(['a', 'bad', null, 'b']), ALL);
    assert.deepEqual(
      chunk.received.map(({ offset, key, bytes }) => [offset, key, bytes.toString()]),
      [
        [3n, 'k', 'a'],
        [6n, 'k', 'b'],
      ],
    );
    assert.deepEqual(
      chunk.unreadable.map(({ offset, problem }) => [offset, problem]),
      [[4n, 'bad bytes']],
    );
    const { tombstones, count, firstOffset, lastOffset, next } = chunk;
    assert.deepEqual([tombstones, count, firstOffset, lastOffset, next], [1, 4, 3n, 6n, 8n]);
  });

  it('hands out contexts only when they are whole and sampled', async () => {
    const flags = ['00', '01', '02', '03', '0b', '0a'];
    const contexts = [
      ...flags.map((f) => context(f)),
      'garbage',
      `${context('01').slice(0, -3)}x01`,
    ];
    const source = sourceOf(
      contexts.map(() => 'a'),
      contexts,
    );
    const { received } = await readChunk(codecs, source, ALL);
    assert.deepEqual(
      received.map(({ traceparent }) => traceparent?.slice(-2)),
      [undefined, '01', undefined, '03', '0b', undefined, undefined, undefined],
    );
  });

  it('links at most 32 distinct contexts', async () => {
    const contexts = Array.from({ length: 100 }, (_, i) => context('01', i % 50));
    const source = sourceOf(
      contexts.map(() => 'a'),
      contexts,
    );
    const { received } = await readChunk(codecs, source, ALL);
    assert.equal(linksOf(received).length, 32);
    assert.equal(new Set(linksOf(received)).size, 32);
  });

  it('loses nothing, keeps the order, and ends with the record that reaches a limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 400 })), async (sizes) => {
        const source = sourceOf(sizes.map((size) => 'x'.repeat(size)));
        const seen: number[] = [];
        for (;;) {
          const chunk = await readChunk(codecs, source, { records: 10, bytes: 1_000 });
          if (chunk.count === 0) {
            assert.equal(chunk.next, source.next);
            break;
          }
          const lengths = chunk.received.map(({ bytes }) => bytes.length);
          const before = lengths.slice(0, -1).reduce((sum, length) => sum + length, 0);
          assert.ok(chunk.count <= 10 && before < 1_000);
          assert.equal(chunk.lastOffset, chunk.firstOffset + BigInt(chunk.count) - 1n);
          seen.push(...lengths);
        }
        assert.deepEqual(seen, sizes);
      }),
    );
  });

  it('reads the same records again after the registry was away', async () => {
    let asked = 0;
    const learning = {
      decoder: () => () => 7,
      read: async () => {
        asked += 1;
        if (asked === 2) throw new Error('away');
        return { message: { type: 'T', value: 1 } };
      },
    } as unknown as Codecs;
    const source = sourceOf(['a', 'b']);
    await assert.rejects(readChunk(learning, source, ALL), /away/);
    const { received } = await readChunk(learning, source, ALL);
    assert.deepEqual(
      received.map(({ offset }) => offset),
      [3n, 4n],
    );
  });
});

describe('eachEntry', () => {
  it('shows values, tombstones and problems in order', async () => {
    const seen: unknown[] = [];
    await eachEntry(codecs, sourceOf(['a', null, 'bad']), ({ key, offset, message, problem }) => {
      seen.push([key, offset, message && message.value, problem]);
    });
    assert.deepEqual(seen, [
      ['k', 3, 'a', undefined],
      ['k', 4, null, undefined],
      ['k', 5, undefined, 'bad bytes'],
    ]);
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
