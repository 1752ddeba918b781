import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './until.ts';

test('gives what the condition gave, once it gave something', async () => {
  let looks = 0;
  const value = await until('the third look', () => ++looks === 3 && looks, { everyMs: 0 });
  assert.equal(value, 3);
});

test('an error of the condition is "not yet"', async () => {
  let looks = 0;
  await until(
    'no error',
    () => {
      looks += 1;
      if (looks < 3) throw new Error('too early');
      return true;
    },
    { everyMs: 1 },
  );
  assert.equal(looks, 3);
});

test('after the deadline the failure names what did not happen and the last error', async () => {
  const options = { deadlineMs: 20, everyMs: 1 };
  await assert.rejects(
    until('the moon', () => false, options),
    /^Error: waited 0.02 s for the moon$/,
  );
  const failing = until('the moon', () => Promise.reject(new Error('clouds')), options);
  await assert.rejects(failing, /^Error: waited 0.02 s for the moon: clouds$/);
});

test('an aborted signal ends the waiting with its reason', async () => {
  const stopping = new AbortController();
  const waiting = until('nothing', () => false, { signal: stopping.signal, everyMs: 1 });
  stopping.abort(new Error('a service ended'));
  await assert.rejects(waiting, /^Error: a service ended$/);
});
