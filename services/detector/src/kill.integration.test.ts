import { after, before, test } from 'node:test';
import { testStack, type TestStack } from '@waybill/testkit';
import { checkKills } from './testing/kill-rounds.ts';

/** The long form is in kill.faults.test.ts. */
const ROUNDS = 2;

let stack: TestStack;
before(async () => {
  stack = await testStack({ postgres: false });
});
after(async () => {
  await stack.stop();
});

test(
  `a SIGKILL in each of ${ROUNDS} rounds changes no event, ids included`,
  { timeout: 180_000 },
  async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    t.diagnostic(`seed ${seed}`);
    await checkKills(stack, { lanes: 1, rounds: ROUNDS }, seed);
  },
);
