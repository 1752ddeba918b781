import { after, before, test } from 'node:test';
import { testStack, type TestStack } from '@waybill/testkit';
import { checkKills } from './testing/kill-rounds.ts';

/** The short form is in kill.integration.test.ts. */
const SIZE = { lanes: 4, rounds: 25 };
const ROUNDS = SIZE.lanes * SIZE.rounds;

let stack: TestStack;
before(async () => {
  stack = await testStack({ postgres: false });
});
after(async () => {
  await stack.stop();
});

test(
  `a SIGKILL in each of ${ROUNDS} rounds changes no event, ids included`,
  { timeout: 3_600_000 },
  async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    t.diagnostic(`seed ${seed}`);
    await checkKills(stack, SIZE, seed);
  },
);
