import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { memoryPages, type Pages } from './core/pages.ts';
import { PackedPages } from './packed-pages.ts';

/** Bytes that pack to about a half, as rows do. */
function bytesOf(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i % 3 === 0 ? (i * seed) % 251 : seed % 7));
}

type Change =
  | {
      readonly kind: 'append' | 'set' | 'drop' | 'read';
      readonly size: number;
      readonly at: number;
    }
  | { readonly kind: 'rest' | 'open'; readonly size: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('append', 'append', 'append', 'set', 'drop', 'read'),
    size: fc.oneof(fc.nat(40), fc.nat(9000)),
    at: fc.nat(12_000),
  }),
  fc.record({ kind: fc.constantFrom('rest', 'rest', 'open'), size: fc.constant(0) }),
);

test('packed pages hold what plain ones do, whatever rests in between', () => {
  let packed = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
      const plain = memoryPages().sealed;
      const inside = memoryPages().sealed;
      let pages: Pages = new PackedPages(inside);
      for (const [i, each] of changes.entries()) {
        if (each.kind === 'rest') pages.rest();
        // Another object for the same bytes, as after a restart.
        else if (each.kind === 'open') pages = new PackedPages(inside);
        else if (each.kind === 'drop') {
          const count = Math.min(each.size, plain.length());
          for (const one of [plain, pages]) one.dropFront(count);
        } else if (each.kind === 'read') {
          const read = (one: Pages): Buffer => Buffer.from(one.read(each.at, each.at + each.size));
          if (each.at <= plain.length()) assert.deepEqual(read(pages), read(plain));
        } else {
          for (const one of [plain, pages]) one[each.kind](bytesOf(each.size, i + 1));
        }
        assert.equal(pages.length(), plain.length());
        if (inside.length() < plain.length()) packed += 1;
      }
      const all = (one: Pages): Buffer => Buffer.from(one.read(0, plain.length()));
      assert.deepEqual(all(pages), all(plain));
    }),
    { numRuns: 300 },
  );
  assert.ok(packed > 100, 'and many of them were packed');
});

test('what rests takes half the room, and little bytes are left as they are', () => {
  const inside = memoryPages().sealed;
  const pages = new PackedPages(inside);
  pages.append(bytesOf(2000, 5));
  pages.rest();
  assert.equal(inside.length(), 2012);
  pages.append(bytesOf(18_000, 9));
  pages.rest();
  assert.ok(inside.length() < 10_000, `${inside.length()} bytes of 20,000`);
});
