import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageFetched, SourceProgressed } from '@waybill/contracts';
import { sampleTenant, until } from '@waybill/testkit';
import { madeUpFleets, startTwin, tokenOf } from '@waybill/wialon-twin';
import { accountsOf } from './accounts.ts';
import { createLoginGate } from './login-gate.ts';
import { committed, createClock, createOwner, createPorts } from './testing/owner.ts';
import { identityOf, messagesOf } from './testing/extracted.ts';
import { startWorker } from './worker.ts';

const BASE = Date.parse('2026-01-05T00:00:00Z');
const UNITS = 7;

test('two shards at two instances read all units together, none twice, within their shares', async (t) => {
  const clock = createClock(BASE);
  const twin = await startTwin({
    scenario: madeUpFleets({
      accounts: ['hudson-waste'],
      fleet: { units: UNITS, every_s: 30, history_s: 600 },
      baseTime: new Date(BASE).toISOString(),
      durationS: 86_400,
    }),
    seed: 7,
    speed: 1,
    latencyMs: 0,
    nowMs: () => clock.now() - BASE,
  });
  t.after(() => twin.close());
  const model = sampleTenant();
  const accounts = accountsOf({
    ...model,
    sources: model.sources.map((source) => ({
      ...source,
      ...(source.kind === 'wialon' && { url: twin.url, shards: 2, readers: 1 }),
    })),
    events: { ...model.events, trip: 'detected' },
  });
  assert.equal(accounts.length, 2);
  const whole = model.sources.find(({ kind }) => kind === 'wialon');
  assert.ok(whole?.kind === 'wialon');
  const shares = accounts.map(({ limits }) => limits.messagesPerHour);
  assert.ok(shares.reduce((sum, share) => sum + share, 0) <= whole.limits.messages_per_hour);
  // An instance has the partition of its shard, its ports and its memory for itself.
  const instances = accounts.map((account) => {
    const owner = createOwner();
    const { ports } = createPorts(clock, async () => tokenOf('hudson-waste'));
    const settings = { ...account, readFromTime: BASE - 600_000 };
    return { owner, worker: startWorker(settings, owner, ports, createLoginGate(clock)) };
  });
  try {
    const isOver = (): boolean => clock.now() - BASE > 120_000;
    await until('two minutes', isOver, { deadlineMs: 60_000, everyMs: 0 });
  } finally {
    for (const { worker } of instances) await worker.stop();
  }
  const unitsOf = (log: Parameters<typeof committed>[0]): Set<string> => {
    const pages = committed<PageFetched>(log, 'PageFetched');
    return new Set([...messagesOf(pages)].map(({ unit }) => unit));
  };
  const [first, second] = instances.map(({ owner }) => unitsOf(owner.log));
  assert.ok(first && second);
  assert.deepEqual(
    [...first].filter((unit) => second.has(unit)),
    [],
    'no unit twice',
  );
  assert.equal(first.size + second.size, UNITS, 'and none left out');
  const seen = instances.flatMap(({ owner }) => [
    ...messagesOf(committed<PageFetched>(owner.log, 'PageFetched')),
  ]);
  const ids = new Set(seen.map(({ unit, message }) => identityOf(unit, message)));
  for (const { unitId, rt, json } of twin.messages('hudson-waste')) {
    if (rt * 1000 > BASE + 100_000) continue;
    assert.ok(ids.has(identityOf(`wialon:${unitId}`, JSON.parse(json))), `${unitId} at ${rt}`);
  }
  const sources = instances.map(
    ({ owner }) => committed<SourceProgressed>(owner.log, 'SourceProgressed')[0]?.source_id,
  );
  assert.equal(new Set(sources).size, 2, 'each states its own progress');
  const { calls, accounts: counted } = twin.calls();
  // What the provider refuses when a limit is reached: 1003 per time, 10 at the same time.
  const refused = Object.values(calls).flatMap(({ errors }) => Object.keys(errors));
  assert.deepEqual(
    refused.filter((code) => code === '1003' || code === '10'),
    [],
    'no call was over a limit',
  );
  assert.equal(counted[0]?.logins, 4, 'a live session and a reader each');
});
