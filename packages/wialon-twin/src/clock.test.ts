import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClock, type DataClock } from './clock.ts';

function manual(speed = 2000, endS = 1000, startHeld = false) {
  let wallMs = 500;
  const clock: DataClock = createClock({ speed, endS, startHeld, nowMs: () => wallMs });
  return { clock, pass: (ms: number) => (wallMs += ms) };
}

test('data time runs at its speed and its whole second is what has passed', () => {
  const { clock, pass } = manual();
  pass(101.25);
  assert.equal(clock.elapsed(), 202.5);
  assert.equal(clock.wholeSecond(), 202);
});

test('a hold stops the clock exactly there, however late anyone looks', () => {
  const { clock, pass } = manual();
  clock.hold(333);
  pass(10_000);
  assert.equal(clock.elapsed(), 333);
  assert.equal(clock.state().held, true);
});

test('a greater hold or none lets it run on from the hold, not from the wall time it missed', () => {
  const { clock, pass } = manual();
  clock.hold(100);
  pass(10_000);
  clock.hold(300);
  assert.equal(clock.elapsed(), 100);
  pass(10_000);
  assert.equal(clock.elapsed(), 300);
  clock.hold(null);
  pass(10);
  assert.equal(clock.elapsed(), 320);
  assert.equal(clock.state().held, false);
});

test('a hold in the past is refused', () => {
  const { clock, pass } = manual();
  pass(100);
  assert.throws(() => clock.hold(199), RangeError);
  clock.hold(200);
  assert.equal(clock.state().held, true);
});

test('a change of speed keeps the time that has passed', () => {
  const { clock, pass } = manual();
  pass(100);
  clock.setSpeed(1000);
  pass(100);
  assert.equal(clock.elapsed(), 300);
  for (const speed of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => clock.setSpeed(speed), RangeError);
  }
});

test('the clock ends with the window', () => {
  const { clock, pass } = manual();
  pass(499.5);
  assert.equal(clock.state().ended, false);
  pass(10_000);
  assert.equal(clock.elapsed(), 1000);
  assert.equal(clock.state().ended, true);
});

test('a clock that starts held waits at zero', () => {
  const { clock, pass } = manual(2000, 1000, true);
  pass(10_000);
  assert.deepEqual(clock.state(), {
    elapsed_s: 0,
    speed: 2000,
    held: true,
    hold_at_s: 0,
    ended: false,
  });
});
