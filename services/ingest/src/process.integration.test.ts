import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { until } from '@waybill/testkit';
import { BODY_LIMIT_BYTES } from './adapters/read-body.ts';
import { openDoors, postBody, postEvent, type Doors } from './testing/doors.ts';
import { eventBody } from './testing/harness.ts';

const PEAK_RSS_BYTES = 200 * 1024 * 1024;

let doors: Doors;

before(async () => {
  doors = await openDoors();
});
after(() => doors.stop());

test(
  'what is acknowledged stands in the log once, also after a kill',
  { timeout: 120_000 },
  async () => {
    const first = await doors.start();
    const health = await fetch(`${first.internal}/health`);
    assert.equal(health.status, 200);
    // One for webhooks, one for trackers.
    assert.equal(((await health.json()) as Record<string, unknown>)['sources'], 2);
    assert.equal((await postEvent(first, 'evt_1', 'key-1')).status, 200);
    assert.equal(await doors.count(), 1);
    assert.equal((await postEvent(first, 'evt_1', 'key-1')).status, 200);
    assert.equal(await doors.count(), 1);
    first.child.kill('SIGKILL');
    await first.exit;

    const second = await doors.start();
    const repeated = await postEvent(second, 'evt_1', 'key-1');
    assert.equal(repeated.status, 200);
    assert.equal(repeated.headers.get('idempotent-replayed'), 'true');
    assert.equal((await postEvent(second, 'evt_2', 'key-2')).status, 200);
    assert.equal(await doors.count(), 2);
    second.child.kill('SIGTERM');
    assert.equal(await second.exit, 0);
  },
);

test('memory stays small under load', { timeout: 120_000 }, async (t) => {
  const running = await doors.start();
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        postEvent(running, `l ${round} ${index}`, `load-${round}-${index}`),
      ),
    );
    assert.ok(answers.every((answer) => answer.status === 200));
  }
  let peak = 0;
  await until('the memory to be measured', async () => {
    const text = await (await fetch(`${running.internal}/metrics`)).text();
    peak = Number(/^process_peak_rss_bytes\{.*\} (\d+)$/m.exec(text)?.[1]);
    return peak > 0;
  });
  t.diagnostic(`peak ${Math.round(peak / 2 ** 20)} MiB`);
  assert.ok(peak < PEAK_RSS_BYTES, `peak ${peak}`);
  running.child.kill('SIGTERM');
  assert.equal(await running.exit, 0);
});

/** A body of that many bytes that no compression makes smaller. */
function noise(bytes: number, fields: object): string {
  const texts: string[] = [];
  const short = eventBody('noise', { ...fields, texts });
  for (let left = bytes - short.length; left > 0; left -= 50_003) {
    const length = Math.min(left - 3, 50_000);
    if (length > 0) texts.push(randomBytes(length).toString('base64').slice(0, length));
  }
  return eventBody('noise', { ...fields, texts }).padEnd(bytes);
}

test(
  'a body at the limit enters the log, a bad one the quarantine',
  { timeout: 120_000 },
  async () => {
    const running = await doors.start();
    const before = await doors.count();
    const body = noise(BODY_LIMIT_BYTES, {});
    assert.equal(Buffer.byteLength(body), BODY_LIMIT_BYTES);
    assert.equal((await postBody(running, body, 'key-limit')).status, 200);
    assert.equal(await doors.count(), before + 1);
    const bad = noise(BODY_LIMIT_BYTES, { status: 'lost' });
    assert.equal((await postBody(running, bad, 'key-limit-bad')).status, 422);
    const kept = noise(900 * 1024, { status: 'lost' });
    assert.equal((await postBody(running, kept, 'key-limit-kept')).status, 422);
    running.child.kill('SIGTERM');
    assert.equal(await running.exit, 0);
  },
);
