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

test('from half of its age on the next value comes behind the calls, one load at a time', async () => {
  let now = 0;
  const loads: PromiseWithResolvers<string>[] = [];
  const read = cached(
    () => {
      const load = Promise.withResolvers<string>();
      loads.push(load);
      return load.promise;
    },
    { maxAgeMs: 100, now: () => now },
  );
  const first = read();
  loads[0]?.resolve('old');
  assert.equal(await first, 'old');
  now = 49;
  assert.equal(read(), 'old');
  assert.equal(loads.length, 1);
  now = 50;
  assert.deepEqual([read(), read()], ['old', 'old'], 'nobody waits');
  assert.equal(loads.length, 2);
  now = 100;
  const late = read();
  assert.ok(late instanceof Promise, 'too old: what is coming is waited for');
  assert.equal(loads.length, 2);
  loads[1]?.resolve('new');
  assert.equal(await late, 'new');
  now = 149;
  assert.equal(read(), 'new');
  const renewed = loads[2];
  renewed?.reject(new Error('away'));
  await renewed?.promise.catch(() => undefined);
  await assert.rejects(async () => read(), /away/);
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
