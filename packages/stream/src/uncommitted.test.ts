import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createUncommitted, type UncommittedShare } from './uncommitted.ts';

const LIMIT = 100;

/** Whoever enters is written down. */
function entering(count: number): {
  readonly entered: Map<number, UncommittedShare>;
  readonly names: () => readonly number[];
} {
  const uncommitted = createUncommitted(LIMIT);
  const entered = new Map<number, UncommittedShare>();
  for (let name = 1; name <= count; name += 1) {
    void uncommitted.enter().then((share) => entered.set(name, share));
  }
  return { entered, names: () => [...entered.keys()] };
}

/** Until nobody can go on by itself. */
async function quiet(): Promise<void> {
  await new Promise(setImmediate);
}

describe('createUncommitted', () => {
  it('lets one in after the other while there is room', async () => {
    const { entered, names } = entering(4);
    await quiet();
    assert.deepEqual(names(), [1], 'what it will hold is not known yet');
    entered.get(1)?.hold(LIMIT - 1);
    await quiet();
    assert.deepEqual(names(), [1, 2], 'there is room for a byte');
    entered.get(2)?.hold(LIMIT);
    await quiet();
    assert.deepEqual(names(), [1, 2]);
    entered.get(1)?.leave();
    await quiet();
    assert.deepEqual(names(), [1, 2], 'the second one alone holds all that may be held');
    entered.get(2)?.leave();
    await quiet();
    assert.deepEqual(names(), [1, 2, 3]);
  });

  it('goes on behind one that gave up before it held anything, and counts nobody twice', async () => {
    const { entered, names } = entering(4);
    await quiet();
    entered.get(1)?.leave();
    await quiet();
    assert.deepEqual(names(), [1, 2]);
    entered.get(1)?.leave();
    await quiet();
    assert.deepEqual(names(), [1, 2], 'the second one is not known yet');
    entered.get(2)?.hold(LIMIT);
    entered.get(2)?.leave();
    entered.get(2)?.leave();
    await quiet();
    entered.get(3)?.hold(LIMIT);
    await quiet();
    assert.deepEqual(names(), [1, 2, 3]);
    entered.get(3)?.leave();
    await quiet();
    assert.deepEqual(names(), [1, 2, 3, 4]);
  });
});
