// The long form of the kill under load.
import { test } from 'node:test';
import { openDoors } from './testing/doors.ts';
import { killUnderLoad } from './testing/kill-under-load.ts';

const ROUNDS = 100;

test(
  `SIGKILL under load loses nothing that was acknowledged (${ROUNDS} rounds)`,
  { timeout: 1_200_000 },
  async (t) => {
    const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
    t.diagnostic(`TEST_SEED=${seed}`);
    const doors = await openDoors();
    t.after(doors.stop);
    const report = await killUnderLoad(doors, { rounds: ROUNDS, seed });
    t.diagnostic(JSON.stringify(report));
  },
);
