import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cached } from './cached.ts';

test('a value is loaded again when it is too old, or when the clock was set back', async () => {
  let now = 1000;
  let loads = 0;
  const read = cached(async () => (loads += 1), { maxAgeMs: 100, now: () => now });
  assert.deepEqual(await Promise.all([read(), read()]), [1, 1]);
  now = 1099;
  assert.equal(await read(), 1);
  now = 1100;
  assert.equal(await read(), 2);
  now = 1050;
  assert.equal(await read(), 3);
});

test('with an age of 0 every call loads', async () => {
  let loads = 0;
  const read = cached(async () => (loads += 1), { maxAgeMs: 0, now: () => 1 });
  assert.deepEqual([await read(), await read()], [1, 2]);
});

test('a failure is kept as long as a value', async () => {
  let now = 0;
  let loads = 0;
  const read = cached(
    async () => {
      loads += 1;
      if (loads === 1) throw new Error('away');
      return 'back';
    },
    { maxAgeMs: 100, now: () => now },
  );
  await assert.rejects(async () => read(), /away/);
  await assert.rejects(async () => read(), /away/);
  now = 100;
  assert.equal(await read(), 'back');
});
