import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createBuffers, type FrozenBuffers } from './buffers.ts';
import { PAGE_BYTES } from './pages.ts';

const KEYS = ['a', 'b', 'c'] as const;
// Up to two pages, so that changes meet their borders.
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.uint8Array({ minLength: PAGE_BYTES - 3, maxLength: 2 * PAGE_BYTES, size: 'max' }),
);
const offset = fc.nat({ max: 3 * PAGE_BYTES });
const key = fc.constantFrom(...KEYS);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('append' as const), key, bytes }) },
  fc.record({ op: fc.constant('set' as const), key, bytes }),
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('insert' as const), key, bytes, at: offset }),
  },
  fc.record({ op: fc.constant('dropFront' as const), key, count: offset }),
  fc.record({ op: fc.constant('delete' as const), key }),
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'promote' as const,
        'promote' as const,
        'drop' as const,
        'freeze' as const,
      ),
      key,
    }),
  },
  fc.record({ op: fc.constant('release' as const), key }),
);

type Model = Map<string, readonly number[]>;

function contents(model: Model): Model {
  return new Map([...model].filter(([, value]) => value.length > 0));
}

describe('createBuffers', () => {
  it('behaves like a map of byte arrays that forgets an aborted transaction', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const buffers = createBuffers();
        buffers.open(true);
        let committed: Model = new Map();
        let model: Model = new Map();
        // What a snapshot holds while the task goes on.
        const views: { readonly frozen: FrozenBuffers; readonly model: Model }[] = [];
        const assertFrozen = (): void => {
          for (const { frozen, model: then } of views) {
            const found = [...frozen.entries()].map(([name, length, pieces]) => {
              const value = [...Buffer.concat([...pieces])];
              assert.equal(value.length, length);
              return [name, value] as const;
            });
            assert.deepEqual(new Map(found), contents(then));
          }
        };
        for (const each of steps) {
          const now = model.get(each.key) ?? [];
          switch (each.op) {
            case 'append':
              buffers.append(each.key, each.bytes);
              model.set(each.key, [...now, ...each.bytes]);
              break;
            case 'insert': {
              const at = Math.min(each.at, now.length);
              buffers.insert(each.key, at, each.bytes);
              model.set(each.key, [...now.slice(0, at), ...each.bytes, ...now.slice(at)]);
              break;
            }
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
            case 'freeze':
              buffers.promote();
              committed = new Map(model);
              views.push({ frozen: buffers.freeze(), model: committed });
              break;
            case 'release':
              assertFrozen();
              for (const { frozen } of views.splice(0)) frozen.release();
              break;
          }
          const expected = contents(model);
          assert.deepEqual(new Set(buffers.keys()), new Set(expected.keys()));
          for (const name of KEYS) {
            const value = model.get(name) ?? [];
            assert.deepEqual([...buffers.get(name)], value);
            assert.equal(buffers.length(name), value.length);
            const [from, to] = [Math.floor(value.length / 3), Math.floor(value.length / 2)];
            assert.deepEqual([...buffers.read(name, from, to)], value.slice(from, to));
          }
          const size = [...expected.values()].reduce((sum, value) => sum + value.length, 0);
          assert.equal(buffers.size(), size);
          assert.ok(buffers.held() >= size);
        }
        assertFrozen();
        for (const { frozen } of views) frozen.release();
        buffers.promote();
        assert.ok(
          buffers.held() <= buffers.size() + 2 * PAGE_BYTES * KEYS.length,
          'no page is lost',
        );
        for (const name of KEYS) buffers.delete(name);
        buffers.promote();
        assert.equal(buffers.held(), 0, 'every page is given back');
      }),
      { numRuns: 150 },
    );
  });

  it('lets nobody write into what is frozen, and does so again once it is released', () => {
    const buffers = createBuffers();
    buffers.open(true);
    buffers.append('a', Buffer.alloc(PAGE_BYTES, 'a'));
    buffers.promote();
    const frozen = buffers.freeze();
    buffers.delete('a');
    buffers.promote();
    buffers.append('b', Buffer.alloc(PAGE_BYTES, 'b'));
    buffers.promote();
    const [[key, size, pieces] = ['', 0, []]] = [...frozen.entries()];
    assert.deepEqual([key, size], ['a', PAGE_BYTES]);
    assert.equal(Buffer.concat([...pieces]).toString(), 'a'.repeat(PAGE_BYTES));
    assert.equal(buffers.held(), 2 * PAGE_BYTES);
    frozen.release();
    assert.equal(buffers.held(), PAGE_BYTES);
  });

  it('holds back no more than was frozen, however much is rewritten meanwhile', () => {
    const buffers = createBuffers();
    buffers.open(true);
    buffers.append('a', Buffer.alloc(8 * PAGE_BYTES, 'a'));
    buffers.promote();
    const frozen = buffers.freeze();
    for (let round = 0; round < 50; round += 1) {
      buffers.set('a', Buffer.alloc(8 * PAGE_BYTES, 'b'));
      buffers.promote();
    }
    assert.equal(buffers.held(), 2 * 8 * PAGE_BYTES);
    frozen.release();
    assert.equal(buffers.held(), 8 * PAGE_BYTES);
  });

  it('holds what a transaction changes twice, however often it changes it', () => {
    const buffers = createBuffers();
    buffers.open(true);
    buffers.append('a', Buffer.alloc(8 * PAGE_BYTES, 'a'));
    buffers.promote();
    for (let round = 0; round < 50; round += 1) {
      buffers.set('a', Buffer.alloc(8 * PAGE_BYTES, `${round}`));
      buffers.append('a', Buffer.alloc(PAGE_BYTES, 'b'));
    }
    assert.equal(buffers.uncommitted(), 9 * PAGE_BYTES);
    assert.equal(buffers.held(), 17 * PAGE_BYTES);
    buffers.drop();
    assert.equal(buffers.get('a').toString(), 'a'.repeat(8 * PAGE_BYTES));
    assert.deepEqual([buffers.uncommitted(), buffers.held()], [0, 8 * PAGE_BYTES]);
  });

  it('returns the memory of a burst, and what stays keeps its bytes', () => {
    const value = fc.record({ key: fc.nat({ max: 400 }), pages: fc.nat({ max: 40 }) });
    fc.assert(
      fc.property(fc.array(value, { minLength: 200, maxLength: 600 }), (values) => {
        const buffers = createBuffers();
        buffers.open(true);
        const model = new Map<string, Buffer>();
        for (const [round, { key: name, pages }] of values.entries()) {
          const written = Buffer.alloc(pages * PAGE_BYTES + 7, `${round} `);
          buffers.set(String(name), written);
          model.set(String(name), written);
        }
        buffers.promote();
        for (const name of [...model.keys()].filter((_, index) => index % 4 !== 0)) {
          buffers.delete(name);
          model.delete(name);
        }
        buffers.promote();
        const spare = buffers.held() / 31 + 768 * 1024;
        assert.ok(buffers.reserved() <= buffers.held() + spare, `${buffers.reserved()} bytes`);
        buffers.append('more', Buffer.alloc(9 * PAGE_BYTES, 'x'));
        for (const [name, written] of model) assert.ok(written.equals(buffers.get(name)), name);
        buffers.drop();
        for (const [name, written] of model) assert.ok(written.equals(buffers.get(name)), name);
      }),
      { numRuns: 15 },
    );
  });

  it('takes no change outside handle and rebuild', () => {
    const buffers = createBuffers();
    assert.throws(() => buffers.append('a', Buffer.from('x')), /BUFFER_MISUSED|handle and rebuild/);
    assert.equal(buffers.get('a').length, 0);
  });
});
