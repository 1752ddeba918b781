import assert from 'node:assert/strict';
import { seededRandom, until } from '@waybill/testkit';
import { postEvent, type Door, type Doors } from './doors.ts';

/** Senders at a time; each repeats its event until it is acknowledged or the process is gone. */
const LANES = 16;
/** The kill comes after so many acknowledgements of a round, at a place that the seed chooses. */
const KILL_AFTER = { least: 5, most: 250 };

export interface KillReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly written: number;
  /** Records beyond the first of a request: what a crash wrote twice. */
  readonly repeats: number;
}

/**
 * Round after round: a process under load, killed at a random moment. Then every acknowledged event must
 * stand in the raw topic, and every record of a request must have its one request id.
 */
export async function killUnderLoad(
  doors: Doors,
  options: { readonly rounds: number; readonly seed: number },
): Promise<KillReport> {
  const random = seededRandom(options.seed);
  const acknowledged = new Set<string>();
  for (let round = 0; round < options.rounds; round += 1) {
    const span = KILL_AFTER.most - KILL_AFTER.least;
    const killAfter = KILL_AFTER.least + Math.floor(random() * span);
    for (const key of await oneRound(
      await doors.start(),
      `s${options.seed}-r${round}`,
      killAfter,
    )) {
      acknowledged.add(key);
    }
  }
  let written = new Map<string, Set<string>>();
  let records = 0;
  await until(
    'every acknowledged event to be read',
    async () => {
      written = new Map();
      records = 0;
      for (const { idempotency_key: key, request_id: id } of await doors.records()) {
        if (key === null || !key.startsWith(`s${options.seed}-`)) continue;
        records += 1;
        written.set(key, (written.get(key) ?? new Set()).add(id));
      }
      return [...acknowledged].every((key) => written.has(key));
    },
    { deadlineMs: 10_000 },
  );
  assert.ok(
    [...written.values()].every((ids) => ids.size === 1),
    'two ids for one request',
  );
  return {
    rounds: options.rounds,
    acknowledged: acknowledged.size,
    written: written.size,
    repeats: records - written.size,
  };
}

async function oneRound(door: Door, prefix: string, killAfter: number): Promise<Set<string>> {
  const acknowledged = new Set<string>();
  let next = 0;
  let gone = false;
  const lane = async (): Promise<void> => {
    while (!gone) {
      const key = `${prefix}-${(next += 1)}`;
      try {
        const { status } = await postEvent(door, key, key);
        if (status === 200) acknowledged.add(key);
        if (acknowledged.size >= killAfter) door.child.kill('SIGKILL');
      } catch {
        gone = true;
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await door.exit;
  assert.ok(acknowledged.size >= killAfter, `${acknowledged.size} of ${killAfter} acknowledged`);
  return acknowledged;
}
