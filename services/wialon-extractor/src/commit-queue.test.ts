import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outgoing } from '@waybill/stream';
import { createCommitQueue, type Group } from './commit-queue.ts';

function group(name: string, bytes: number = 1): Group {
  return { records: [{ key: name } as Outgoing, { key: `${name}'` } as Outgoing], bytes };
}

/** A commit that ends when the test says so. */
function gate(): {
  readonly taken: string[][];
  readonly commit: (records: readonly Outgoing[]) => Promise<void>;
  readonly finish: (error?: Error) => Promise<void>;
} {
  const taken: string[][] = [];
  let settle: PromiseWithResolvers<void> | undefined;
  return {
    taken,
    commit: (records) => {
      taken.push(records.map(({ key }) => key));
      settle = Promise.withResolvers<void>();
      return settle.promise;
    },
    finish: async (error) => {
      if (error === undefined) settle?.resolve();
      else settle?.reject(error);
      await new Promise(setImmediate);
    },
  };
}

test('what comes while a transaction is in flight goes together in the next, in order', async () => {
  const { taken, commit, finish } = gate();
  const queue = createCommitQueue(commit);
  for (const name of ['a', 'b', 'c']) await queue.add(group(name));
  const drained = queue.drained();
  await finish();
  await finish();
  await drained;
  assert.deepEqual(taken, [
    ['a', "a'"],
    ['b', "b'", 'c', "c'"],
  ]);
});

test('who waits for what was added does not wait for what others add meanwhile', async () => {
  const { commit, finish } = gate();
  const queue = createCommitQueue(commit);
  await queue.add(group('live'));
  let isDone = false;
  const drained = queue.drained().then(() => {
    isDone = true;
  });
  await queue.add(group('reader'));
  assert.equal(isDone, false);
  await finish();
  assert.equal(isDone, true);
  await drained;
  await finish();
});

test('a transaction stays below what a broker takes, and a group is never torn', async () => {
  const { taken, commit, finish } = gate();
  const queue = createCommitQueue(commit);
  await queue.add(group('a'));
  await queue.add(group('b', 500_000));
  await queue.add(group('c', 500_000));
  await finish();
  await finish();
  await finish();
  await queue.drained();
  assert.deepEqual(taken, [
    ['a', "a'"],
    ['b', "b'"],
    ['c', "c'"],
  ]);
});

test('whoever reads faster than the log takes has to wait', async () => {
  const { commit, finish } = gate();
  const queue = createCommitQueue(commit);
  let added = 0;
  const adding = (async () => {
    for (let n = 0; n < 12; n += 1) {
      await queue.add(group(String(n), 400_000));
      added += 1;
    }
  })();
  await new Promise(setImmediate);
  assert.ok(added >= 4 && added <= 7, String(added));
  for (let n = 0; n < 20; n += 1) await finish();
  await adding;
  await queue.drained();
  assert.equal(added, 12);
});

test('after a failed transaction nothing more is committed and everybody hears of it', async () => {
  const { taken, commit, finish } = gate();
  const queue = createCommitQueue(commit);
  await queue.add(group('a'));
  await queue.add(group('b'));
  await finish(new Error('away'));
  await assert.rejects(queue.drained(), /away/);
  await assert.rejects(queue.add(group('c')), /away/);
  assert.deepEqual(taken, [['a', "a'"]]);
});
