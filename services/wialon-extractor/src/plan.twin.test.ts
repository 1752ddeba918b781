import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleTenant, until } from '@waybill/testkit';
import type { TenantModel } from '@waybill/tenant';
import { madeUpFleets, startTwin, tokenOf } from '@waybill/wialon-twin';
import { accountsOf } from './accounts.ts';
import { createLoginGate } from './login-gate.ts';
import { createClock, createOwner, createPorts } from './testing/owner.ts';
import { startWorker } from './worker.ts';

const BASE = Date.parse('2026-01-05T00:00:00Z');

/** Calls by service that the twin counted for a tenant with these events, over five and a half minutes. */
async function callsFor(events: Partial<TenantModel['events']>): Promise<Record<string, number>> {
  const clock = createClock(BASE);
  const twin = await startTwin({
    scenario: madeUpFleets({
      accounts: ['hudson-waste'],
      fleet: { units: 2, every_s: 30, history_s: 600 },
      baseTime: new Date(BASE).toISOString(),
      durationS: 86_400,
    }),
    seed: 7,
    speed: 1,
    latencyMs: 0,
    nowMs: () => clock.now() - BASE,
  });
  const model = sampleTenant();
  const [account] = accountsOf({
    ...model,
    sources: model.sources.map((source) => ({
      ...source,
      url: twin.url,
      poll_interval_ms: 10_000,
    })),
    events: { ...model.events, ...events },
  });
  if (account !== undefined) {
    const { ports } = createPorts(clock, async () => tokenOf('hudson-waste'));
    const worker = startWorker(
      { ...account, readFromTime: BASE - 600_000 },
      createOwner(),
      ports,
      createLoginGate(clock),
    );
    try {
      const isOver = (): boolean => clock.now() - BASE > 330_000;
      await until('five minutes', isOver, { deadlineMs: 60_000, everyMs: 0 });
    } finally {
      await worker.stop();
    }
  }
  const report = (await (await fetch(`${twin.url}/twin/calls`)).json()) as {
    readonly calls: Readonly<Record<string, { readonly total: number }>>;
  };
  await twin.close();
  return Object.fromEntries(
    Object.entries(report.calls).map(([service, { total }]) => [service, total]),
  );
}

test('removing an event from the tenant removes its calls, as the provider counts them', async () => {
  const all = await callsFor({ trip: 'detected', site_visit: 'detected' });
  const trips = await callsFor({ trip: 'detected' });
  assert.ok((all['resource/get_zone_data'] ?? 0) >= 2, 'at the start and after five minutes');
  assert.equal(trips['resource/get_zone_data'], undefined);
  assert.ok((trips['core/search_items'] ?? 0) < (all['core/search_items'] ?? 0));
  assert.equal(trips['resource/get_driver_bindings'], undefined);
  assert.ok((trips['avl_evts'] ?? 0) >= 30);
  const shifts = await callsFor({ shift: 'detected' });
  assert.ok((shifts['resource/get_driver_bindings'] ?? 0) >= 2);
  for (const calls of [all, trips, shifts]) {
    assert.deepEqual(
      Object.keys(calls).filter((service) => /report|notification/.test(service)),
      [],
      'no event needs them',
    );
  }
  assert.deepEqual(await callsFor({}), {}, 'without events nobody even logs in');
});
