import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createLoginGate } from './login-gate.ts';
import { testAccount } from './testing/account.ts';
import { START_MS, TOKEN } from './testing/bench.ts';
import {
  createClock,
  createOwner,
  createPorts,
  untilTurn,
  type TestClock,
} from './testing/owner.ts';
import { startProvider, type TestProvider } from './testing/provider.ts';
import { startWorker, type AccountWorker } from './worker.ts';

const WORKERS = 20;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

interface Fleet {
  readonly clock: TestClock;
  readonly provider: TestProvider;
  readonly workers: readonly AccountWorker[];
  /** Wall times of the logins, and whether the provider refused them. */
  readonly logins: { readonly at: number; readonly isRefused: boolean }[];
  isDown: boolean;
}

/** Workers of so many accounts in one process at one host; the last one has a token that works. */
async function fleet(t: TestContext, isLastWell: boolean): Promise<Fleet> {
  const clock = createClock(START_MS);
  const provider = await startProvider(() => Math.floor(clock.now() / 1000));
  provider.units.add(7001);
  const gate = createLoginGate(clock);
  const { ports } = createPorts(clock, async (reference) =>
    reference.includes('well') ? TOKEN : 'dead',
  );
  const made: Fleet = { clock, provider, workers: [], logins: [], isDown: false };
  provider.intercept = ({ service, parameters }) => {
    if (service === 'token/login') {
      const isRefused = !made.isDown && !provider.tokens.has(String(parameters['token']));
      made.logins.push({ at: clock.now(), isRefused });
    }
    return made.isDown ? { status: 502 } : undefined;
  };
  const workers = Array.from({ length: WORKERS }, (_, at) => {
    const names = isLastWell && at === WORKERS - 1 ? ['well'] : ['one', 'two'];
    const account = testAccount({
      url: provider.url,
      account: `account-${at}`,
      tokens: names.map((name) => `secret://files/${at}-${name}#token`),
      pollIntervalMs: 30_000,
      readFromTime: START_MS,
    });
    return startWorker(account, createOwner(), ports, gate);
  });
  t.after(async () => {
    made.isDown = true;
    await Promise.all(workers.map((worker) => worker.stop()));
    await provider.close();
  });
  return Object.assign(made, { workers });
}

function mostInAMinute(times: readonly number[]): number {
  return Math.max(
    0,
    ...times.map((from, index) => times.slice(index).filter((at) => at < from + MINUTE_MS).length),
  );
}

const live = (workers: readonly AccountWorker[]): number =>
  workers.filter((worker) => worker.health().state === 'live').length;

test('twenty workers, nineteen with dead tokens: five refusals a minute, and the twentieth goes on', async (t) => {
  const f = await fleet(t, true);
  f.provider.tokens.add(TOKEN);
  // All nineteen have to be refused once before anybody can know them.
  await untilTurn('the one that is well', () => live(f.workers) === 1);
  await untilTurn('an hour', () => f.clock.now() - START_MS > HOUR_MS);
  const refused = f.logins.filter(({ isRefused }) => isRefused).map(({ at }) => at);
  t.diagnostic(`${refused.length} refused logins in an hour`);
  assert.ok(mostInAMinute(refused) <= 5, `${mostInAMinute(refused)} in a minute`);
  assert.ok(refused.length >= 60 && refused.length <= 5 * 61, `${refused.length} refused logins`);
  f.provider.expireSessions();
  const [well, lostAt] = [f.workers.at(-1), f.clock.now()];
  await untilTurn('the loss', () => well?.health().state !== 'live');
  await untilTurn('its new session', () => well?.health().state === 'live');
  assert.ok(f.clock.now() - lostAt < MINUTE_MS, `after ${f.clock.now() - lostAt} ms`);
});

test('twenty workers, the provider down for an hour: ten logins a minute, and all are live soon after', async (t) => {
  const f = await fleet(t, false);
  f.provider.tokens.add('dead');
  await untilTurn('all', () => live(f.workers) === WORKERS);
  f.isDown = true;
  f.provider.expireSessions();
  const [downAt, before] = [f.clock.now(), f.logins.length];
  await untilTurn('an hour', () => f.clock.now() - downAt > HOUR_MS);
  const tried = f.logins.slice(before).map(({ at }) => at);
  t.diagnostic(`${tried.length} logins in an hour without the provider`);
  assert.ok(tried.length <= 10 * 60 + 2 * WORKERS, `${tried.length} logins`);
  f.isDown = false;
  const backAt = f.clock.now();
  await untilTurn('all again', () => live(f.workers) === WORKERS);
  assert.ok(f.clock.now() - backAt < 3 * MINUTE_MS, `after ${f.clock.now() - backAt} ms`);
  const after = f.logins.filter(({ at }) => at >= backAt).map(({ at }) => at);
  assert.ok(mostInAMinute(after) <= 60);
});
