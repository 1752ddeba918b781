import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashId } from '@waybill/domain';
import * as fc from 'fast-check';
import { PREFIX_BYTES, addToSet, fixPrefix } from './fix-set.ts';

const id = fc.integer({ min: 0, max: 60 }).map((n) => hashId('fix', n));

function sizes(ids: readonly string[]): number {
  return new Set(ids.map((text) => text.slice(0, PREFIX_BYTES * 2))).size;
}

test('a set holds each id once, sorted, in whatever batches the ids came', () => {
  fc.assert(
    fc.property(fc.array(fc.array(id, { maxLength: 20 }), { maxLength: 6 }), (batches) => {
      let set: Buffer = Buffer.alloc(0);
      let added = 0;
      for (const batch of batches) {
        const result = addToSet(set, batch);
        set = result.set;
        added += result.added.length;
      }
      const all = batches.flat();
      assert.equal(set.length, sizes(all) * PREFIX_BYTES);
      assert.equal(added, sizes(all));
      const expected = [...new Set(all.map((text) => fixPrefix(text).toString('hex')))].sort();
      assert.equal(set.toString('hex'), expected.join(''));
    }),
  );
});

test('the first of equal ids in a batch is the one that was added', () => {
  const a = '00'.repeat(16);
  const b = 'ff'.repeat(16);
  const { set } = addToSet(Buffer.alloc(0), [b]);
  assert.deepEqual(addToSet(set, [b, a, a, b]).added, [1]);
});

test('nothing new leaves the very same buffer', () => {
  const { set } = addToSet(Buffer.alloc(0), ['ab'.repeat(16)]);
  assert.equal(addToSet(set, ['ab'.repeat(16)]).set, set);
});
