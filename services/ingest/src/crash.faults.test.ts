// What takes long: a hundred kills under load, brokers that are away.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startStack } from '@waybill/stack';
import { until } from '@waybill/testkit';
import { openDoors, postEvent } from './testing/doors.ts';
import { killUnderLoad } from './testing/kill-under-load.ts';

const ROUNDS = 100;

test(
  `SIGKILL under load loses nothing that was acknowledged (${ROUNDS} rounds)`,
  { timeout: 3_600_000 },
  async (t) => {
    const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
    t.diagnostic(`TEST_SEED=${seed}`);
    const doors = await openDoors();
    t.after(doors.stop);
    const report = await killUnderLoad(doors, { rounds: ROUNDS, seed });
    t.diagnostic(JSON.stringify(report));
  },
);

test(
  'brokers that are away make 503 with Retry-After, and nothing needs a restart',
  { timeout: 300_000 },
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'ingest-brokers-'));
    const stack = await startStack({ dir, fast: true, log: () => undefined });
    t.after(() => rm(dir, { recursive: true, force: true }));
    const doors = await openDoors(stack);
    t.after(doors.stop);
    const door = await doors.start({ env: { INGEST_SEND_TIMEOUT_MS: '2000' } });
    assert.equal((await postEvent(door, 'calm', 'calm')).status, 200);
    const [broker] = stack.kafka.nodes;
    assert.ok(broker);
    await t.test('frozen', async () => {
      broker.signal('SIGSTOP');
      const away = await postEvent(door, 'frozen', 'frozen');
      assert.equal(away.status, 503);
      assert.ok(Number(away.headers.get('retry-after')) >= 5);
      // Others are not made to wait for nothing.
      const others = await Promise.all(
        Array.from({ length: 20 }, (_, index) => postEvent(door, `f${index}`, `f${index}`)),
      );
      assert.ok(others.every(({ status }) => status === 503));
      broker.signal('SIGCONT');
      await until('the event to be accepted', async () => {
        return (await postEvent(door, 'frozen', 'frozen')).status === 200;
      });
    });
    await t.test('dead', async () => {
      await broker.end('SIGKILL');
      assert.equal((await postEvent(door, 'dead', 'dead')).status, 503);
      await broker.start();
      await until('the event to be accepted', async () => {
        return (await postEvent(door, 'dead', 'dead')).status === 200;
      });
    });
    const keys = new Map<string | null, Set<string>>();
    for (const { idempotency_key: key, request_id: id } of await doors.records()) {
      keys.set(key, (keys.get(key) ?? new Set()).add(id));
    }
    for (const key of ['calm', 'frozen', 'dead']) assert.equal(keys.get(key)?.size, 1, key);
  },
);
