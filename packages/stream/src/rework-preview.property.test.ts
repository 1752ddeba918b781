import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createBuffers } from './buffers.ts';
import type { KeyedBuffers, KeyedStore } from './port.ts';
import { overlayBuffers, overlayStore } from './rework-preview.ts';

const KEYS = ['a', 'b', 'c', 'd'] as const;
const key = fc.constantFrom(...KEYS);
const bytes = fc.uint8Array({ maxLength: 6 });
const initial = fc.array(fc.tuple(key, bytes), { maxLength: 4 });

type Content = ReadonlyMap<string, readonly number[]>;

function inBuffers(buffers: KeyedBuffers): Content {
  return new Map([...buffers.keys()].toSorted().map((name) => [name, [...buffers.get(name)]]));
}

interface Box {
  n: number;
}

function mapStore(entries: Iterable<readonly [string, Box]>): KeyedStore<Box> {
  const map = new Map(entries);
  return {
    get: (name) => map.get(name),
    put: (name, value) => void map.set(name, value),
    delete: (name) => void map.delete(name),
    entries: () => map.entries(),
  };
}

function inStore(store: KeyedStore<Box>): unknown {
  return new Map(
    [...store.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, v.n]),
  );
}

describe('the copies that a preview works on', () => {
  it('buffers behave as the originals would, and leave them alone', () => {
    const step = fc.record({
      op: fc.constantFrom('append', 'set', 'dropFront', 'delete'),
      key,
      bytes,
    });
    fc.assert(
      fc.property(initial, fc.array(step), (before, steps) => {
        const [original, twin] = [createBuffers(), createBuffers()];
        for (const buffers of [original, twin]) {
          buffers.open(true);
          for (const [name, value] of before) buffers.append(name, value);
          buffers.promote();
        }
        const untouched = inBuffers(original);
        const overlay = overlayBuffers(original);
        for (const { op, key: name, bytes: value } of steps) {
          for (const buffers of [overlay, twin]) {
            if (op === 'append') buffers.append(name, value);
            else if (op === 'set') buffers.set(name, value);
            else if (op === 'dropFront') buffers.dropFront(name, value.length);
            else buffers.delete(name);
          }
          assert.deepEqual(inBuffers(overlay), inBuffers(twin));
          assert.equal(overlay.size(), twin.size());
        }
        assert.deepEqual(inBuffers(original), untouched);
      }),
    );
  });

  it('stores behave as the originals would, and leave them and their values alone', () => {
    const step = fc.record({
      op: fc.constantFrom('put', 'delete', 'change in place'),
      key,
      n: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.nat())), fc.array(step), (before, steps) => {
        const make = (): KeyedStore<Box> => mapStore(before.map(([name, n]) => [name, { n }]));
        const [original, twin] = [make(), make()];
        const overlay = overlayStore(original, (value) => ({ ...value }));
        for (const { op, key: name, n } of steps) {
          for (const store of [overlay, twin]) {
            const found = store.get(name);
            if (op === 'put') store.put(name, { n });
            else if (op === 'delete') store.delete(name);
            else if (found) found.n = n;
          }
          assert.deepEqual(inStore(overlay), inStore(twin));
        }
        assert.deepEqual(inStore(original), inStore(make()));
      }),
    );
  });
});
