import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessBrake, guessersOf } from './guess-brake.ts';

const client = guessersOf('bay-cabs/small', '192.0.2.1');

/** Attempts until the brake holds, at one moment. */
function free(brake: ReturnType<typeof guessBrake>, guessers: typeof client, now: number): number {
  for (let count = 0; count < 1000; count += 1) {
    if (brake.attempt(guessers, now) > 0) return count;
  }
  return Number.POSITIVE_INFINITY;
}

test('ten wrong attempts at once, then one in ten seconds', () => {
  const brake = guessBrake();
  assert.equal(free(brake, client, 0), 10);
  assert.equal(brake.attempt(client, 0), 10);
  assert.equal(brake.attempt(client, 9_000), 1);
  assert.equal(brake.attempt(client, 10_000), 0);
  assert.equal(brake.attempt(client, 10_000), 10);
});

test('right attempts do not count', () => {
  const brake = guessBrake();
  for (let count = 0; count < 200; count += 1) {
    assert.equal(brake.attempt(client, 0), 0);
    brake.succeeded(client, 0);
  }
});

test('a stranger cannot lock a client out, and another client does not help him for long', () => {
  const brake = guessBrake();
  assert.equal(free(brake, client, 0), 10);
  assert.equal(brake.attempt(guessersOf('bay-cabs/small', '192.0.2.2'), 0), 0);
  let tried = 0;
  for (let id = 0; id < 10; id += 1) {
    tried += free(brake, guessersOf(`bay-cabs/c${id}`, '192.0.2.1'), 0);
  }
  assert.equal(tried, 30, 'with the ten before, 40 of one address');
});

test('memory is bounded: who was quiet longest is forgotten', () => {
  const brake = guessBrake(4);
  assert.equal(free(brake, client, 0), 10);
  for (const id of ['2', '3']) brake.attempt(guessersOf('a', `192.0.2.${id}`), 0);
  assert.equal(brake.attempt(client, 0), 0);
});
