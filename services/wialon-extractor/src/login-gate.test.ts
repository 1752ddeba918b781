import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoginGate } from './login-gate.ts';
import { createClock } from './testing/owner.ts';

const signal = new AbortController().signal;
const A = 'http://a.example.test/x';

test('a login storm is spread: at most 60 logins per minute and host', async () => {
  const clock = createClock(1_000_000);
  const gate = createLoginGate(clock);
  const times: number[] = [];
  for (let n = 0; n < 150; n += 1) {
    (await gate.enter(A, false, signal)).end('accepted');
    times.push(clock.now());
  }
  for (const [index, at] of times.entries()) {
    const later = times[index + 60];
    assert.ok(later === undefined || later - at >= 60_000);
  }
  const free = clock.now();
  await gate.enter('http://b.example.test', false, signal);
  assert.equal(clock.now(), free, 'another host has its own limit');
});

test('after five failed logins a host waits until the first of them is a minute old', async () => {
  const clock = createClock(1_000_000);
  const gate = createLoginGate(clock);
  for (let n = 0; n < 5; n += 1) {
    (await gate.enter(A, false, signal)).end('refused');
    clock.pass(1000);
  }
  await gate.enter(A, false, signal);
  assert.ok(clock.now() >= 1_000_000 + 60_000);
});

test('logins that are under way count as if they failed, until they have not', async () => {
  const clock = createClock(1_000_000);
  const gate = createLoginGate(clock);
  const turns = await Promise.all(Array.from({ length: 5 }, () => gate.enter(A, false, signal)));
  let isIn = false;
  const sixth = gate.enter(A, false, signal).then(() => {
    isIn = true;
  });
  clock.pass(10_000);
  assert.equal(isIn, false);
  turns[0]?.end('accepted');
  await sixth;
  assert.ok(clock.now() < 1_015_000, 'and not a minute later');
});

test('who failed before leaves room for those who may be well', async () => {
  const clock = createClock(1_000_000);
  const gate = createLoginGate(clock);
  for (let n = 0; n < 3; n += 1) (await gate.enter(A, true, signal)).end('refused');
  await gate.enter(A, false, signal);
  assert.equal(clock.now(), 1_000_000);
  await gate.enter(A, true, signal);
  assert.ok(clock.now() >= 1_060_000);
});
