import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Outgoing } from './port.ts';
import { createStore, type StagedStore } from './store.ts';
import { createStreamTime } from './stream-time.ts';
import { text, textOf, topics } from './testing/cluster.ts';

const codec = {
  changelog: topics.state,
  toMessage: (value: number) => text(String(value)),
  fromMessage: (message: Parameters<typeof textOf>[0]) => Number(textOf(message)),
};
/** The same as bytes. */
const ofBytes = {
  changelog: topics.state,
  isBytes: true,
  toMessage: (value: Uint8Array) => text(Buffer.from(value).toString()),
  fromMessage: (message: Parameters<typeof textOf>[0]) => Buffer.from(textOf(message)),
};
/** Values are times. */
const expiring = { ...codec, expiry: { ttlMs: 1_000, timeOf: (value: number) => value } };

function collected(store: StagedStore<number>): readonly (readonly [string, string])[] {
  const records: Outgoing[] = [];
  store.collect(5, (record) => records.push(record));
  assert.ok(records.every(({ partition }) => partition === 5));
  return records.map(({ key, message }) => [key, textOf(message)]);
}

function commit(store: StagedStore<number>): readonly (readonly [string, string])[] {
  store.expire();
  const changes = collected(store);
  store.promote();
  return changes;
}

describe('createStore', () => {
  it('reads staged changes at once and writes one changelog record per key', () => {
    const store = createStore(codec, createStreamTime());
    store.restore('a', text('1'), 2);
    store.restore('b', text('2'), 2);
    store.put('a', 3);
    store.put('a', 4);
    store.delete('b');
    store.delete('never there');
    assert.equal(store.get('a'), 4);
    assert.equal(store.get('b'), undefined);
    assert.deepEqual([...store.entries()], [['a', 4]]);
    assert.deepEqual(commit(store), [
      ['a', '4'],
      ['b', ''],
    ]);
    assert.deepEqual(commit(store), []);
    assert.equal(store.size(), 1);
  });

  it('behaves like a map, whenever it is promoted, and knows its bytes', () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant('put'), key: fc.constantFrom('a', 'b', 'c'), value: fc.nat() }),
      fc.record({ op: fc.constant('delete'), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ op: fc.constant('promote') }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = createStore(codec, createStreamTime());
        const bytesStore = createStore<Uint8Array>(ofBytes, createStreamTime());
        const model = new Map<string, number>();
        for (const { op, key = '', value = 0 } of steps as {
          op: string;
          key?: string;
          value?: number;
        }[]) {
          if (op === 'put') {
            store.put(key, value);
            bytesStore.put(key, Buffer.from(String(value)));
            model.set(key, value);
          } else if (op === 'delete') {
            store.delete(key);
            bytesStore.delete(key);
            model.delete(key);
          } else {
            const bytes = [...model].map(([name, v]) => name.length + String(v).length);
            for (const each of [store, bytesStore]) {
              each.collect(0, ({ key: name, message }) => name.length + textOf(message).length);
              each.promote();
              assert.equal(
                each.bytes(),
                bytes.reduce((a, b) => a + b, 0),
              );
            }
          }
        }
        assert.deepEqual(new Map(store.entries()), model);
        const read = [...bytesStore.entries()].map(([key, v]) => [key, Number(Buffer.from(v))]);
        assert.deepEqual(new Map(read as [string, number][]), model);
        for (const [key, value] of model) {
          assert.equal(Buffer.from(bytesStore.get(key) ?? []).toString(), String(value));
        }
      }),
    );
  });

  it('holds no more of bytes that are replaced and deleted than lives', () => {
    const store = createStore<Uint8Array>(ofBytes, createStreamTime());
    for (let round = 0; round < 300; round += 1) {
      for (const key of ['a', 'b', 'c']) store.put(key, Buffer.alloc(10_000, round));
      if (round % 3 === 0) store.delete('b');
      store.collect(0, () => 0);
      store.promote();
    }
    const [first] = store.get('c') ?? [];
    assert.equal(first, 299 % 256);
    assert.ok(store.held() <= 30_000 / 0.9 + 3 * 65_536, `${store.held()}`);
  });

  it('hides an entry when its time has come and writes its tombstone in that transaction', () => {
    const time = createStreamTime();
    const store = createStore(expiring, time);
    store.put('a', 5_000);
    store.put('b', 5_500);
    assert.deepEqual(commit(store), [
      ['a', '5000'],
      ['b', '5500'],
    ]);
    time.advance(5_999);
    assert.equal(store.get('a'), 5_000);
    assert.deepEqual(commit(store), []);
    time.advance(6_000);
    assert.equal(store.get('a'), undefined);
    assert.deepEqual([...store.entries()], [['b', 5_500]]);
    assert.deepEqual(commit(store), [['a', '']]);
    time.advance(1);
    assert.equal(time.now(), 6_000, 'time never goes back');
    store.put('b', 6_200);
    assert.deepEqual(commit(store), [['b', '6200']]);
    time.advance(7_000);
    assert.deepEqual(commit(store), [], 'the renewed entry lives on');
    time.advance(90_000);
    assert.deepEqual(commit(store), [['b', '']]);
    assert.equal(store.size(), 0);
  });

  it('expires the same entries however the records are cut into transactions', () => {
    const record = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      at: fc.integer({ min: 0, max: 6_000 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record), fc.boolean(), (records, restarts) => {
        const run = (cuts: boolean): unknown => {
          const changelog = new Map<string, string>();
          const seen: unknown[] = [];
          let time = createStreamTime();
          let store = createStore(expiring, time);
          const end = (): void => {
            for (const [key, value] of commit(store)) {
              if (value === '') changelog.delete(key);
              else changelog.set(key, value);
            }
          };
          for (const { key, at, cut } of records) {
            time.advance(at);
            seen.push(store.get(key));
            store.put(key, at);
            if (!cuts || !cut) continue;
            end();
            if (!restarts) continue;
            const now = time.now();
            time = createStreamTime();
            store = createStore(expiring, time);
            for (const [name, value] of changelog) store.restore(name, text(value), 1);
            time.advance(now);
          }
          end();
          return [seen, new Map([...changelog].toSorted(([a], [b]) => (a < b ? -1 : 1)))];
        };
        assert.deepEqual(run(true), run(false));
      }),
    );
  });

  it('refuses changes when the author declared no changelog', () => {
    const store = createStore<number>(undefined, createStreamTime());
    assert.throws(() => store.put('a', 1), /declare a store/);
  });
});
