import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix } from '../testing/fixes.ts';
import { Chunk } from './chunk.ts';
import { Seen } from './seen.ts';

function chunkOf(index: number, seconds: readonly number[]): Chunk {
  const chunk = new Chunk(index);
  for (const second of seconds) chunk.insert(fix({ t: index * 900 + second, lat: 1, lon: 1 }));
  return chunk;
}

test('fixes of trimmed chunks are known by second and id, also after a restart', () => {
  const seen = new Seen();
  // Chunks 23 and 24 stand on both sides of a block's border.
  const changed = seen.remember([chunkOf(23, [0, 899]), chunkOf(24, [0])]);
  assert.deepEqual([...changed], [0, 1]);
  const restored = new Seen(
    seen.indexes.map((index) => [index, seen.block(index) ?? new Uint8Array(0)]),
  );
  for (const store of [seen, restored]) {
    assert.ok(store.knows(fix({ t: 23 * 900 + 899, lat: 1, lon: 1 })));
    assert.ok(store.knows(fix({ t: 24 * 900, lat: 1, lon: 1 })));
    assert.ok(!store.knows(fix({ t: 24 * 900, lat: 1, lon: 1.001 })));
    assert.ok(!store.knows(fix({ t: 24 * 900 + 1, lat: 1, lon: 1 })));
    assert.ok(!store.knows(fix({ t: 999_999, lat: 1, lon: 1 })));
  }
});

test('whole blocks are forgotten, not before their end', () => {
  const seen = new Seen();
  seen.remember([chunkOf(0, [5]), chunkOf(24, [5])]);
  assert.equal(seen.oldestEnd, 21_600_000);
  assert.deepEqual(seen.forget(21_599_999), []);
  assert.deepEqual(seen.forget(21_600_000), [0]);
  assert.deepEqual(seen.indexes, [1]);
});
