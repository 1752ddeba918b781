import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type * as kafkajs from 'kafkajs';
import { murmur2, partitionFor } from './partition.ts';

// The client itself says what Kafka's partitioner does.
const load = createRequire(import.meta.url);
const theirs = load('kafkajs/src/producer/partitioners/default/murmur2') as (key: Buffer) => number;
const { Partitioners } = load('kafkajs') as typeof kafkajs;

describe('partitionFor', () => {
  it('hashes like the client, for every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (key) => {
        const bytes = Buffer.from(key);
        assert.equal(murmur2(bytes), theirs(bytes) | 0);
      }),
    );
  });

  it('chooses the partition that the default partitioner of the client chooses', () => {
    const choose = Partitioners.DefaultPartitioner();
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.integer({ min: 1, max: 64 }),
        (key, count) => {
          const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
            partitionId,
            partitionErrorCode: 0,
            leader: 0,
            replicas: [],
            isr: [],
          }));
          const message = { key, value: null };
          assert.equal(
            partitionFor(key, count),
            choose({ topic: 't', partitionMetadata, message }),
          );
        },
      ),
    );
  });

  it('knows the values of Kafka’s own test', () => {
    const cases = { '21': -973932308, foobar: -790332482, abc: 479470107 };
    for (const [key, hash] of Object.entries(cases)) assert.equal(murmur2(Buffer.from(key)), hash);
  });

  it('takes keys that are longer than its scratch space', () => {
    const key = 'k'.repeat(10_000);
    assert.equal(partitionFor(key, 8), (murmur2(Buffer.from(key)) & 0x7fffffff) % 8);
  });
});
