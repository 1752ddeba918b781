import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createStore } from './store.ts';
import { text, textOf, topics } from './testing/cluster.ts';

const codec = {
  changelog: topics.state,
  toMessage: (value: number) => text(String(value)),
  fromMessage: () => 0,
};

describe('createStore', () => {
  it('reads staged changes at once and writes one changelog record per key', () => {
    const store = createStore(codec);
    store.restore('a', 1);
    store.restore('b', 2);
    store.put('a', 3);
    store.put('a', 4);
    store.delete('b');
    assert.equal(store.get('a'), 4);
    assert.equal(store.get('b'), undefined);
    assert.deepEqual([...store.entries()], [['a', 4]]);
    const changes = store.changes(5);
    assert.deepEqual(
      changes.map(({ key, message, partition }) => [key, textOf(message), partition]),
      [
        ['a', '4', 5],
        ['b', '', 5],
      ],
    );
    store.promote();
    assert.deepEqual(store.changes(5), []);
    assert.equal(store.size(), 1);
  });

  it('behaves like a map, whenever it is promoted', () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant('put'), key: fc.constantFrom('a', 'b', 'c'), value: fc.nat() }),
      fc.record({ op: fc.constant('delete'), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ op: fc.constant('promote') }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = createStore(codec);
        const model = new Map<string, number>();
        for (const { op, key = '', value = 0 } of steps as {
          op: string;
          key?: string;
          value?: number;
        }[]) {
          if (op === 'put') {
            store.put(key, value);
            model.set(key, value);
          } else if (op === 'delete') {
            store.delete(key);
            model.delete(key);
          } else store.promote();
        }
        assert.deepEqual(new Map(store.entries()), model);
      }),
    );
  });

  it('refuses changes when the author declared no changelog', () => {
    const store = createStore<number>(undefined);
    assert.throws(() => store.put('a', 1), /declare a store/);
  });
});
