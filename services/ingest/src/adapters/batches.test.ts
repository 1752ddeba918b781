import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { createBatches } from './batches.ts';

test('what comes in one turn is one batch; what comes meanwhile is the next, up to the maximum', async () => {
  const batches: (readonly number[])[] = [];
  const gates: (() => void)[] = [];
  const sums = createBatches<number, number>({
    maximum: 3,
    run: async (items) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => gates.push(resolve));
      return items.reduce((sum, item) => sum + item, 0);
    },
  });
  const first = [1, 2].map(sums.add);
  await turn();
  assert.deepEqual(batches, [[1, 2]]);
  const second = [3, 4, 5, 6].map(sums.add);
  await turn();
  assert.equal(batches.length, 1, 'one batch at a time');
  assert.equal(sums.size(), 6);
  gates[0]?.();
  assert.deepEqual(await Promise.all(first), [3, 3]);
  await turn();
  gates[1]?.();
  await turn();
  await turn();
  gates[2]?.();
  assert.deepEqual(await Promise.all(second), [12, 12, 12, 6]);
  assert.deepEqual(batches, [[1, 2], [3, 4, 5], [6]]);
  await turn();
  assert.equal(sums.size(), 0);
});

test('a batch is full by weight, too; what weighs more than that goes alone', async () => {
  const batches: (readonly number[])[] = [];
  const loads = createBatches<number, void>({
    maximum: 3,
    weight: { of: (item) => item, maximum: 10 },
    run: async (items) => {
      batches.push([...items]);
    },
  });
  await Promise.all([4, 6, 1, 12, 2, 2, 2, 2].map(loads.add));
  assert.deepEqual(batches, [[4, 6], [1], [12], [2, 2, 2], [2]]);
});

test('the next batch waits for the end of the one before, though its items know their result', async () => {
  const begun: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const batches = createBatches<string, string>({
    maximum: 1,
    run: async ([item = '']) => {
      begun.push(item);
      return item;
    },
    ended: () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    },
  });
  const [first, second] = ['a', 'b'].map(batches.add);
  assert.equal(await first, 'a');
  await turn();
  assert.deepEqual(begun, ['a']);
  assert.equal(batches.size(), 2);
  gates[0]?.reject(new Error('not committed'));
  assert.equal(await second, 'b');
  gates[1]?.resolve();
});

test('enough items go ahead of one end, not of two', async () => {
  const begun: (readonly string[])[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const batches = createBatches<string, number>({
    maximum: 10,
    ahead: 2,
    run: async (items) => begun.push([...items]),
    ended: () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    },
  });
  await batches.add('a');
  const second = batches.add('b');
  await turn();
  assert.deepEqual(begun, [['a']], 'one item waits');
  await Promise.all([second, batches.add('c')]);
  assert.deepEqual(begun, [['a'], ['b', 'c']]);
  const third = [batches.add('d'), batches.add('e')];
  await turn();
  assert.equal(begun.length, 2, 'two ends are awaited');
  gates[1]?.resolve();
  await Promise.all(third);
  assert.deepEqual(begun[2], ['d', 'e']);
  assert.equal(batches.size(), 3, 'the first and the third have not ended');
  gates[0]?.resolve();
  gates[2]?.reject(new Error('not committed'));
  await turn();
  assert.equal(batches.size(), 0);
});

test('fewer items than the batch before had wait for its end', async () => {
  const sizes: number[] = [];
  const gate = Promise.withResolvers<void>();
  const batches = createBatches<string, number>({
    maximum: 10,
    ahead: 2,
    run: async (items) => sizes.push(items.length),
    ended: () => gate.promise,
  });
  await Promise.all(['a', 'b', 'c'].map(batches.add));
  const next = ['d', 'e'].map(batches.add);
  await turn();
  assert.deepEqual(sizes, [3]);
  gate.resolve();
  await Promise.all(next);
  assert.deepEqual(sizes, [3, 2]);
});

test('a batch that fails fails its own items and not the next', async () => {
  let round = 0;
  const batches = createBatches<string, readonly string[]>({
    maximum: 10,
    run: async (items) => {
      round += 1;
      if (round === 1) throw new Error('lost');
      return [...items];
    },
  });
  const results = await Promise.allSettled([batches.add('a'), batches.add('b')]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(await batches.add('c'), ['c']);
});

test('small batches begin at intervals, a large one and the first after a silence at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const batches: (readonly number[])[] = [];
  const loads = createBatches<number, void>({
    maximum: 10,
    spacing: { ms: 5, enough: 3 },
    run: async (items) => {
      batches.push([...items]);
    },
  });
  await loads.add(1);
  const small = [2, 3].map(loads.add);
  t.mock.timers.tick(4);
  await turn();
  assert.deepEqual(batches, [[1]], 'the interval is not over');
  t.mock.timers.tick(1);
  await Promise.all(small);
  await Promise.all([4, 5, 6].map(loads.add));
  assert.deepEqual(batches, [[1], [2, 3], [4, 5, 6]], 'three are enough');
  t.mock.timers.tick(5);
  await loads.add(7);
  assert.equal(batches.length, 4);
});

test('enough items begin within their turn, then with what else it brings beside one other batch', async () => {
  const batches: (readonly number[])[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const gated = (): Promise<void> => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    return gate.promise;
  };
  const loads = createBatches<number, void>({
    maximum: 10,
    beside: 3,
    run: (items) => {
      batches.push([...items]);
      return gated();
    },
  });
  const first = [1, 2, 3].map(loads.add);
  assert.deepEqual(batches, [[1, 2, 3]], 'no turn is waited for');
  const second = [4, 5, 6, 7].map(loads.add);
  assert.equal(batches.length, 1);
  await turn();
  assert.deepEqual(batches[1], [4, 5, 6, 7], 'beside the first');
  const third = [8, 9, 10].map(loads.add);
  await turn();
  assert.equal(batches.length, 2, 'two are at work');
  gates[0]?.resolve();
  await Promise.all(first);
  await turn();
  assert.deepEqual(batches[2], [8, 9, 10]);
  const few = [11, 12].map(loads.add);
  gates[1]?.resolve();
  await Promise.all(second);
  await turn();
  assert.equal(batches.length, 3, 'fewer wait until nothing is at work');
  gates[2]?.resolve();
  await Promise.all(third);
  await turn();
  assert.deepEqual(batches[3], [11, 12]);
  gates[3]?.resolve();
  await Promise.all(few);
  await turn();
  assert.equal(loads.size(), 0);
});

test('batches beside each other begin while four ends are awaited at most', async () => {
  const sizes: number[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const loads = createBatches<number, void>({
    maximum: 10,
    beside: 2,
    run: async (items) => {
      sizes.push(items.length);
    },
    ended: () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    },
  });
  for (let count = 0; count < 4; count += 1) {
    // One after the other.
    // oxlint-disable-next-line eslint/no-await-in-loop
    await Promise.all([loads.add(1), loads.add(2)]);
  }
  const last = [loads.add(1), loads.add(2)];
  await turn();
  assert.deepEqual(sizes, [2, 2, 2, 2]);
  gates[0]?.resolve();
  await Promise.all(last);
  assert.equal(sizes.length, 5);
  for (const gate of gates) gate.resolve();
});
