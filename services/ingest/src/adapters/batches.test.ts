import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { createBatches } from './batches.ts';

test('what comes in one turn is one batch; what comes meanwhile is the next, up to the maximum', async () => {
  const batches: (readonly number[])[] = [];
  const gates: (() => void)[] = [];
  const doubled = createBatches<number, number>({
    maximum: 3,
    run: async (items) => {
      batches.push(items);
      await new Promise<void>((resolve) => gates.push(resolve));
      return items.map((item) => item * 2);
    },
  });
  const first = [1, 2].map(doubled.add);
  await turn();
  assert.deepEqual(batches, [[1, 2]]);
  const second = [3, 4, 5, 6].map(doubled.add);
  await turn();
  assert.equal(batches.length, 1, 'one batch at a time');
  assert.equal(doubled.size(), 6);
  gates[0]?.();
  assert.deepEqual(await Promise.all(first), [2, 4]);
  await turn();
  gates[1]?.();
  await turn();
  await turn();
  gates[2]?.();
  assert.deepEqual(await Promise.all(second), [6, 8, 10, 12]);
  assert.deepEqual(batches, [[1, 2], [3, 4, 5], [6]]);
  assert.equal(doubled.size(), 0);
});

test('a batch that fails fails its own items and not the next', async () => {
  let round = 0;
  const batches = createBatches<string, string>({
    maximum: 10,
    run: async (items) => {
      round += 1;
      if (round === 1) throw new Error('lost');
      return items;
    },
  });
  const results = await Promise.allSettled([batches.add('a'), batches.add('b')]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await batches.add('c'), 'c');
});
