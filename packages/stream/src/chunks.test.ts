import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createChunkSize } from './chunks.ts';

test('transactions grow while full ones are quick, up to a limit', () => {
  const size = createChunkSize(20_000);
  size.took(1_999, 1);
  assert.equal(size.records(), 2_000, 'a part of a transaction says nothing about a full one');
  const seen = Array.from({ length: 5 }, () => {
    size.took(size.records(), 249);
    return size.records();
  });
  assert.deepEqual(seen, [4_000, 8_000, 16_000, 20_000, 20_000]);
});

test('transactions shrink when one is slow, full or not, down to a limit', () => {
  const size = createChunkSize(20_000);
  const seen = Array.from({ length: 4 }, () => {
    size.took(1, 1_001);
    return size.records();
  });
  assert.deepEqual(seen, [1_000, 500, 500, 500]);
  size.took(500, 600);
  assert.equal(size.records(), 500, 'neither quick nor slow');
});
