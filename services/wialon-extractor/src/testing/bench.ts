/** An account's worker against the scripted provider, on a clock that jumps. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SessionChanged, SourceProgressed } from '@waybill/contracts';
import { createBackfillOrders, type BackfillOrders } from '../backfill-orders.ts';
import type { Account } from '../core/account.ts';
import { createLoginGate } from '../login-gate.ts';
import { startWorker, type AccountWorker } from '../worker.ts';
import { testAccount } from './account.ts';
import {
  committed,
  createClock,
  createOwner,
  createPorts,
  publishedTimes,
  untilTurn,
  type TestClock,
  type TestOwner,
} from './owner.ts';
import { startProvider, type SeenCall, type TestProvider } from './provider.ts';

export const WITH_ZONES = { messages: true, sensors: false, zones: true, drivers: false };
export const MESSAGES = { messages: true, sensors: false, zones: false, drivers: false };

export const START_MS = Date.parse('2025-10-09T12:00:00Z');
export const TOKEN = 't'.repeat(72);
export const SECOND_TOKEN = 'u'.repeat(72);

export interface Bench {
  readonly provider: TestProvider;
  readonly clock: TestClock;
  readonly account: Account;
  readonly lines: string[];
  readonly secrets: Map<string, string>;
  readonly orders: BackfillOrders;
  /** `<unit>/<t>` → second of registration. */
  readonly registered: Map<string, number>;
  owner: TestOwner;
  worker: AccountWorker;
  readonly register: (unit: number, t: number) => void;
  /** Starts a worker again on the cursors of the last one. */
  readonly restart: (change?: Partial<Account>) => void;
  readonly live: () => Promise<void>;
  readonly services: () => string[];
}

export const nowS = (clock: TestClock): number => Math.floor(clock.now() / 1000);

/** A provider with units 7001 and 7002 and three messages each; the worker starts with `start()`. */
export async function bench(
  t: TestContext,
  change: Partial<Account> = {},
): Promise<Bench & { start: () => void }> {
  const clock = createClock(START_MS);
  const provider = await startProvider(() => nowS(clock));
  provider.tokens.add(TOKEN);
  const secrets = new Map([
    ['secret://files/a#token', TOKEN],
    ['secret://files/a#second', SECOND_TOKEN],
  ]);
  const { ports, lines } = createPorts(clock, async (reference) => secrets.get(reference) ?? '');
  const account = testAccount({
    tenantId: 'bay-cabs',
    sourceId: 'fleet',
    account: 'cabs',
    url: provider.url,
    tokens: ['secret://files/a#token'],
    readFromTime: START_MS - 3_600_000,
    pollIntervalMs: 2000,
    pageMessages: 2,
    lookbackMs: 600_000,
    wants: WITH_ZONES,
    ...change,
  });
  const gate = createLoginGate(clock);
  const owner = createOwner();
  const orders = createBackfillOrders();
  const registered = new Map<string, number>();
  const made = {
    provider,
    clock,
    account,
    lines,
    secrets,
    orders,
    registered,
    owner,
    // Set by `start`, which every test calls first.
    worker: undefined as unknown as AccountWorker,
    register: (unit: number, second: number): void => {
      provider.register(unit, { t: second });
      registered.set(`wialon:${unit}/${second}`, nowS(clock));
    },
    start: (): void => {
      made.worker = startWorker(made.account, made.owner, ports, gate, orders);
    },
    restart: (settings: Partial<Account> = {}): void => {
      made.owner = createOwner(made.owner);
      made.worker = startWorker({ ...made.account, ...settings }, made.owner, ports, gate, orders);
    },
    live: async (): Promise<void> => {
      const before = progressOf(made.owner).length;
      await untilTurn('progress', () => progressOf(made.owner).length > before);
    },
    services: (): string[] => provider.calls.map(({ service }) => service),
  };
  for (const unit of [7001, 7002]) {
    provider.units.add(unit);
    for (const age of [300, 200, 100]) made.register(unit, nowS(clock) - age);
  }
  t.after(async () => {
    await made.worker.stop();
    await provider.close();
  });
  return made;
}

export function progressOf(owner: TestOwner): SourceProgressed[] {
  return committed<SourceProgressed>(owner.log, 'SourceProgressed');
}

export function auditOf(owner: TestOwner): string[] {
  return committed<SessionChanged>(owner.log, 'SessionChanged').map(({ kind }) => kind);
}

export function loads(provider: TestProvider): SeenCall[] {
  return provider.calls.filter(({ service }) => service === 'messages/load_interval');
}

export function assertNothingLost({ owner, registered }: Bench): void {
  const found = new Set(publishedTimes(owner.log));
  for (const time of registered.keys()) assert.ok(found.has(time), `${time} was not published`);
}
