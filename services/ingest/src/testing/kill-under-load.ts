import assert from 'node:assert/strict';
import { seededRandom, until } from '@waybill/testkit';
import { DEVICES, postEvent, type Door, type Doors } from './doors.ts';
import { compressed, connectTracker, fixOf, packet } from './ips.ts';

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

/**
 * Round after round: trackers that send, every other packet compressed, to a process that is killed at a random
 * moment. Then every packet that was answered must stand in the raw topic.
 */
export async function killTrackersUnderLoad(
  doors: Doors,
  options: { readonly rounds: number; readonly seed: number },
): Promise<Pick<KillReport, 'rounds' | 'acknowledged' | 'written'>> {
  const random = seededRandom(options.seed);
  const acknowledged = new Set<string>();
  for (let round = 0; round < options.rounds; round += 1) {
    const door = await doors.start({ env: { INGEST_IPS_PORT: '0' } });
    const killAfter = KILL_AFTER.least + Math.floor(random() * KILL_AFTER.most);
    const port = await door.ips();
    let answered = 0;
    const track = async (device: string): Promise<void> => {
      const tracker = await connectTracker(port);
      assert.equal(await tracker.login(device, 'NA'), '#AL#1');
      for (let second = 0; ; second += 1) {
        const line = packet('SD', `${fixOf(round * 10_000 + second)};`);
        if (second % 2 === 0) tracker.send(line);
        else tracker.socket.write(compressed(line));
        const answer = await tracker.answer();
        if (answer === undefined) return;
        assert.equal(answer, '#ASD#1');
        acknowledged.add(`${device} ${line}`);
        answered += 1;
        if (answered === killAfter) door.child.kill('SIGKILL');
      }
    };
    await Promise.all(Object.values(DEVICES).map((device) => track(device)));
    await door.exit;
    assert.ok(answered >= killAfter, `${answered} of ${killAfter} acknowledged`);
  }
  const written = new Set<string>();
  for (const { headers, body } of await doors.records()) {
    const device = headers['wialon-ips-device'];
    if (device !== undefined) written.add(`${device} ${body.toString()}`);
  }
  const lost = [...acknowledged].filter((sent) => !written.has(sent));
  assert.deepEqual(lost, [], 'answered and not in the raw topic');
  return { rounds: options.rounds, acknowledged: acknowledged.size, written: written.size };
}
