import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createBuffers } from './buffers.ts';

const KEYS = ['a', 'b', 'c'] as const;
const bytes = fc.uint8Array({ minLength: 0, maxLength: 90 });
const key = fc.constantFrom(...KEYS);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('append' as const), key, bytes }) },
  fc.record({ op: fc.constant('set' as const), key, bytes }),
  fc.record({ op: fc.constant('dropFront' as const), key, count: fc.nat({ max: 120 }) }),
  fc.record({ op: fc.constant('delete' as const), key }),
  fc.record({ op: fc.constantFrom('promote' as const, 'drop' as const, 'view' as const), key }),
);

type Model = Map<string, readonly number[]>;

function contents(model: Model): Model {
  return new Map([...model].filter(([, value]) => value.length > 0));
}

describe('createBuffers', () => {
  it('behaves like a map of byte arrays that forgets an aborted transaction', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const buffers = createBuffers();
        buffers.open(true);
        let committed: Model = new Map();
        let model: Model = new Map();
        // Views of committed bytes, as a snapshot holds them while the task goes on.
        const views: { readonly view: Uint8Array; readonly bytesThen: readonly number[] }[] = [];
        for (const each of steps) {
          const now = model.get(each.key) ?? [];
          switch (each.op) {
            case 'append':
              buffers.append(each.key, each.bytes);
              model.set(each.key, [...now, ...each.bytes]);
              break;
            case 'set':
              buffers.set(each.key, each.bytes);
              model.set(each.key, [...each.bytes]);
              break;
            case 'dropFront':
              buffers.dropFront(each.key, each.count);
              model.set(each.key, now.slice(each.count));
              break;
            case 'delete':
              buffers.delete(each.key);
              model.delete(each.key);
              break;
            case 'promote':
              buffers.promote();
              committed = new Map(model);
              break;
            case 'drop':
              buffers.drop();
              model = new Map(committed);
              break;
            case 'view':
              buffers.promote();
              committed = new Map(model);
              views.push({ view: buffers.get(each.key), bytesThen: now });
              break;
          }
          const expected = contents(model);
          assert.deepEqual(new Set(buffers.keys()), new Set(expected.keys()));
          for (const name of KEYS) {
            assert.deepEqual([...buffers.get(name)], model.get(name) ?? []);
          }
          const size = [...expected.values()].reduce((sum, value) => sum + value.length, 0);
          assert.equal(buffers.size(), size);
          assert.ok(buffers.held() >= size);
          assert.ok(
            buffers.held() <= 2 * size + 64 * expected.size,
            `${buffers.held()} of ${size}`,
          );
        }
        for (const { view, bytesThen } of views) assert.deepEqual([...view], bytesThen);
      }),
      { numRuns: 400 },
    );
  });

  it('takes no change outside handle and rebuild', () => {
    const buffers = createBuffers();
    assert.throws(() => buffers.append('a', Buffer.from('x')), /BUFFER_MISUSED|handle and rebuild/);
    assert.equal(buffers.get('a').length, 0);
  });
});
