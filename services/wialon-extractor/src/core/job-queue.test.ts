import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJobQueue } from './job-queue.ts';

test('the most urgent lane first, each in order; what is put back comes next', () => {
  const queue = createJobQueue<'gap' | 'proof', number>(['gap', 'proof']);
  for (const job of [1, 2]) queue.add('proof', job);
  assert.equal(queue.hasBefore('proof'), false);
  queue.add('gap', 3);
  assert.equal(queue.hasBefore('proof'), true);
  assert.deepEqual(queue.take(), { lane: 'gap', job: 3 });
  queue.putBack('gap', 3);
  assert.deepEqual(queue.take(), { lane: 'gap', job: 3 });
  assert.deepEqual(queue.take(), { lane: 'proof', job: 1 });
  assert.equal(queue.size('proof'), 1);
  queue.clear('proof');
  assert.equal(queue.take(), undefined);
});

test('ten thousand jobs keep their order', () => {
  const queue = createJobQueue<'gap', number>(['gap']);
  for (let job = 0; job < 10_000; job += 1) queue.add('gap', job);
  for (let job = 0; job < 10_000; job += 1) assert.equal(queue.take()?.job, job);
  assert.equal(queue.size('gap'), 0);
});
