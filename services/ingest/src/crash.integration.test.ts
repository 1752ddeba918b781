// Crashes between every two steps of a request, and under load, with real processes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { createPool, type Pool } from '@waybill/postgres';
import { until } from '@waybill/testkit';
import { openDoors, postEvent, type CrashPoint, type Door, type Doors } from './testing/doors.ts';
import { claimId } from './testing/harness.ts';
import { killTrackersUnderLoad, killUnderLoad } from './testing/kill-under-load.ts';

/** Rounds of the kill under load; the long form is in crash.faults.test.ts. */
const ROUNDS = 3;
const SEED = 20_261_122;

let doors: Doors;
let pool: Pool;

before(async () => {
  doors = await openDoors();
  pool = createPool(doors.databaseUrl, { applicationName: 'test', max: 2 });
});
after(async () => {
  await pool.end();
  await doors.stop();
});

async function expireLeases(): Promise<void> {
  await pool.query('update ingest.claim_round set lease_until = now()');
}

/** What a crash at the point leaves: the state of the claim, and how many records in the end. */
const points: readonly {
  readonly point: CrashPoint;
  /** The sender has its 200; default: the connection breaks. */
  readonly answered?: true;
  readonly claim: 'none' | 'open' | 'done';
  readonly records: readonly number[];
}[] = [
  { point: 'before-claim', claim: 'none', records: [1] },
  // From here on claim and record are on their way at the same time.
  { point: 'after-claim', claim: 'open', records: [1, 2] },
  { point: 'during-append', claim: 'open', records: [1, 2] },
  { point: 'after-append', claim: 'open', records: [2] },
  { point: 'after-answer', answered: true, claim: 'open', records: [2] },
  { point: 'after-complete', answered: true, claim: 'done', records: [1] },
];

test(
  'a crash between any two steps neither loses nor blocks the event',
  { timeout: 180_000 },
  async (t) => {
    const healthy = await doors.start();
    for (const { point, answered, claim, records } of points) {
      await t.test(point, async () => {
        const key = `crash-${point}`;
        const crashing = await doors.start({ crashAt: point });
        const first = postEvent(crashing, key, key);
        if (answered) assert.equal((await first).status, 200);
        else await assert.rejects(first, 'answered in spite of the crash');
        assert.equal(await crashing.exit, null);
        await until(`the claim to be ${claim}`, async () => (await claimState(key)) === claim);
        if (claim === 'open') {
          // While the lease runs the key waits; other keys do not.
          assert.equal((await postEvent(healthy, key, key)).status, 409);
          assert.equal((await postEvent(healthy, `${key}-other`, `${key}-other`)).status, 200);
          await expireLeases();
        }
        const repeated = await postEvent(healthy, key, key);
        assert.equal(repeated.status, 200);
        assert.deepEqual(await repeated.json(), { accepted: key });
        const written = (await doors.records()).filter((record) => record.idempotency_key === key);
        assert.ok(records.includes(written.length), `${written.length} records`);
        assert.equal(new Set(written.map((record) => record.request_id)).size, 1);
        assert.equal(new Set(written.map((record) => record.received_time)).size, 1);
      });
    }
  },
);

async function claimState(key: string): Promise<'none' | 'open' | 'done'> {
  const { rows } = await pool.query<{ open: boolean }>(
    `select claim.round_id = 0 or r.round_id is not null as open
     from ingest.claim left join ingest.claim_round r using (round_id) where request_id = $1`,
    [claimId(key)],
  );
  const [row] = rows;
  if (row === undefined) return 'none';
  return row.open ? 'open' : 'done';
}

test(
  'one key 1,000 times through two instances, one of them killed: one effect',
  { timeout: 120_000 },
  async () => {
    const [first, second] = await Promise.all([doors.start(), doors.start()]);
    const key = 'key-thousand';
    const statuses = new Map<number, number>();
    let settled = 0;
    const send = async (door: Door): Promise<void> => {
      try {
        const response = await postEvent(door, key, key);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      } catch {
        // Of the killed one.
      }
      settled += 1;
      if (settled === 200) first.child.kill('SIGKILL');
    };
    const lane = async (door: Door): Promise<void> => {
      for (let count = 0; count < 50; count += 1) await send(door);
    };
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => lane(index % 2 === 0 ? first : second)),
    );
    await first.exit;
    assert.deepEqual(
      [...statuses.keys()].filter((status) => status !== 200 && status !== 409),
      [],
    );
    // The killed one may have held the claim.
    await expireLeases();
    const last = await postEvent(second, key, key);
    assert.equal(last.status, 200);
    assert.deepEqual(await last.json(), { accepted: key });
    const written = (await doors.records()).filter((record) => record.idempotency_key === key);
    assert.ok(written.length >= 1 && written.length <= 2, `${written.length} records`);
    assert.equal(new Set(written.map((record) => record.request_id)).size, 1);
    await until('the claim to be done', async () => (await claimState(key)) === 'done');
  },
);

test(
  `SIGKILL under load loses nothing that was acknowledged (${ROUNDS} rounds)`,
  { timeout: 180_000 },
  async (t) => {
    const report = await killUnderLoad(doors, { rounds: ROUNDS, seed: SEED });
    t.diagnostic(JSON.stringify({ seed: SEED, ...report }));
  },
);

test(
  'SIGKILL of the listener loses no packet that was answered to its tracker',
  { timeout: 120_000 },
  async (t) => {
    const report = await killTrackersUnderLoad(doors, { rounds: 2, seed: SEED });
    t.diagnostic(JSON.stringify({ seed: SEED, ...report }));
  },
);

test(
  'a database that is away makes 503 with Retry-After, and nothing needs a restart',
  { timeout: 60_000 },
  async () => {
    const door = await doors.start({ env: { INGEST_SEND_TIMEOUT_MS: '1000' } });
    assert.equal((await postEvent(door, 'away-0', 'away-0')).status, 200);
    const name = new URL(doors.databaseUrl).pathname.slice(1);
    const admin = createPool(doors.stack.postgres.adminUrl, { applicationName: 'test', max: 1 });
    try {
      await admin.query(`alter database "${name}" allow_connections false`);
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = $1 and application_name = 'ingest'`,
        [name],
      );
      const away = await postEvent(door, 'away-1', 'away-1');
      assert.equal(away.status, 503);
      assert.ok(Number(away.headers.get('retry-after')) >= 5);
    } finally {
      await admin.query(`alter database "${name}" allow_connections true`);
      await admin.end();
    }
    await until('the event to be accepted', async () => {
      return (await postEvent(door, 'away-1', 'away-1')).status === 200;
    });
    door.child.kill('SIGTERM');
    const [code] = (await once(door.child, 'exit')) as [number | null];
    assert.equal(code, 0);
  },
);
