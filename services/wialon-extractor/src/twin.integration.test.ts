import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageFetched, SessionChanged } from '@waybill/contracts';
import { until } from '@waybill/testkit';
import { readScenario, startTwin, tokenOf } from '@waybill/wialon-twin';
import { wallClock } from './adapters/wall-clock.ts';
import { createLoginGate } from './login-gate.ts';
import { committed, createOwner, createPorts } from './testing/owner.ts';
import { testAccount } from './testing/account.ts';
import { startWorker } from './worker.ts';

const WITH_ZONES = { messages: true, sensors: false, zones: true, drivers: false };

const SPEED = 20_000;
const HOLDS = [3_000, 6_000, 9_000] as const;

interface StoreUnit {
  readonly unit_id: number;
  readonly registered: number;
  readonly distinct: number;
}

interface Store {
  readonly accounts: readonly { readonly account: string; readonly units: readonly StoreUnit[] }[];
}

/** Distinct (t, lat5, lon5) of well-formed positions by unit, as the twin counts them. */
function distinctOf(pages: readonly PageFetched[]): Map<number, Set<string>> {
  const byUnit = new Map<number, Set<string>>();
  const add = (unit: number, message: unknown): void => {
    if (typeof message !== 'object' || message === null) return;
    const { t, pos, tp, p } = message as {
      t: unknown;
      tp: unknown;
      p: unknown;
      pos: { x?: unknown; y?: unknown } | null;
    };
    const [x, y] = [pos?.x, pos?.y];
    if (tp !== 'ud' || typeof p !== 'object' || typeof t !== 'number' || t < 0) return;
    if (typeof x !== 'number' || typeof y !== 'number') return;
    if (Math.abs(x) > 180 || Math.abs(y) > 90) return;
    const known = byUnit.get(unit) ?? new Set<string>();
    byUnit.set(unit, known.add(`${t}/${Math.round(y * 1e5)}/${Math.round(x * 1e5)}`));
  };
  for (const page of pages) {
    const body = JSON.parse(page.body.toString('utf8')) as unknown;
    if (page.call === 'avl_evts') {
      for (const { i, d } of (body as { events: { i: number; d: unknown }[] }).events) add(i, d);
    } else if (page.call === 'messages/get_messages') {
      for (const message of body as unknown[])
        add(Number(page.unit?.slice('wialon:'.length)), message);
    }
  }
  return byUnit;
}

for (const [name, sourceId, trouble] of [
  ['bay-cabs', 'fleet', 'its sessions are expired and a poll fails'],
  ['hudson-waste', 'trucks', 'every unit has its trouble'],
] as const) {
  test(`all that the twin registers for ${name} arrives, although ${trouble}`, async (t) => {
    const scenario = readScenario('short');
    const twin = await startTwin({ scenario, seed: 7, speed: SPEED, startHeld: true });
    const account = scenario.accounts.find((candidate) => candidate.account === name);
    assert.ok(account);
    const owner = createOwner();
    const { ports, lines } = createPorts(wallClock, async () => tokenOf(name));
    const settings = testAccount({
      tenantId: name,
      sourceId,
      account: name,
      url: twin.url,
      tokens: ['secret://files/x#token'],
      readFromTime: Date.parse(account.history_from),
      pollIntervalMs: 1000,
      pageMessages: 1000,
      lookbackMs: 20_000 * 3_600_000,
      wants: WITH_ZONES,
    });
    const worker = startWorker(settings, owner, ports, createLoginGate(wallClock));
    t.after(async () => {
      await worker.stop();
      await twin.close();
    });
    const post = (path: string, body: unknown) =>
      fetch(`${twin.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const base = Date.parse(account.base_time);
    const completeTo = (): number => worker.health().complete_to ?? 0;
    await until('the first progress', () => completeTo() >= base);
    for (const [index, hold] of HOLDS.entries()) {
      if (index === 1) await post('/twin/fault', { kind: 'expire_sessions', account: name });
      if (index === 2)
        await post('/twin/fault', { kind: 'error', svc: 'avl_evts', code: 6, times: 1 });
      await post('/twin/clock', { hold_at_s: hold });
      await until(`progress to ${hold} s`, () => completeTo() >= base + hold * 1000);
      const store = (await (await fetch(`${twin.url}/twin/store`)).json()) as Store;
      const units = store.accounts.find((candidate) => candidate.account === name)?.units ?? [];
      const found = distinctOf(committed<PageFetched>(owner.log, 'PageFetched'));
      assert.ok(units.length > 0);
      for (const unit of units) {
        assert.equal(found.get(unit.unit_id)?.size ?? 0, unit.distinct, `unit ${unit.unit_id}`);
      }
    }
    const audit = committed<SessionChanged>(owner.log, 'SessionChanged').map(({ kind }) => kind);
    assert.ok(audit.includes('EXPIRY'), audit.join());
    assert.ok(!lines.join('\n').includes(tokenOf(name)));
  });
}
