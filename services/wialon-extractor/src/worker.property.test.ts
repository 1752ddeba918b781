import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '@waybill/fault';
import type { SourceProgressed } from '@waybill/contracts';
import { createLoginGate } from './login-gate.ts';
import { startProvider, type Instead } from './testing/provider.ts';
import {
  assertProgressIsTrue,
  committed,
  createClock,
  createOwner,
  createPorts,
  publishedTimes,
  untilTurn,
  type Transaction,
} from './testing/owner.ts';
import { testAccount } from './testing/account.ts';
import { startWorker } from './worker.ts';

const MESSAGES = { messages: true, sensors: false, zones: false, drivers: false };

const START_MS = Date.parse('2025-10-09T12:00:00Z');
const LOOKBACK_S = 600;

/** Troubles that must never cost a message; `undefined` = none. */
const troubles: readonly (Instead | 'expire' | 'restart' | 'commit')[] = [
  'cut',
  { status: 502 },
  { error: 1003, reason: 'LIMIT api_concurrent' },
  { error: 5 },
  { error: 6 },
  { error: 1011 },
  { error: 424_242 },
  'expire',
  'restart',
  'commit',
];

/** What befalls call n, and how old (s) the message is that is registered just then, if any. */
const script = fc.array(
  fc.record({
    trouble: fc.oneof(
      { weight: 14, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...troubles) },
    ),
    age: fc.option(fc.integer({ min: 0, max: LOOKBACK_S - 100 }), { nil: undefined }),
    unit: fc.constantFrom(7001, 7002, 7003),
  }),
  { minLength: 100, maxLength: 160 },
);

test('whatever fails in whatever order, nothing is lost and no statement of progress is untrue', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const clock = createClock(START_MS);
      const nowS = (): number => Math.floor(clock.now() / 1000);
      const provider = await startProvider(nowS);
      const registered = new Map<string, number>();
      const register = (unit: number, age: number): void => {
        let t = nowS() - age;
        while (registered.has(`wialon:${unit}/${t}`)) t -= 1;
        registered.set(`wialon:${unit}/${t}`, nowS());
        provider.register(unit, { t });
      };
      provider.tokens.add('token');
      for (const unit of [7001, 7002, 7003]) {
        provider.units.add(unit);
        for (let age = 10; age < 100; age += 10) register(unit, age);
      }
      const { ports } = createPorts(clock, async () => 'token');
      const account = testAccount({
        tenantId: 'bay-cabs',
        sourceId: 'fleet',
        account: 'cabs',
        url: provider.url,
        tokens: ['secret://files/a#token'],
        readFromTime: START_MS - 3_600_000,
        pollIntervalMs: 2000,
        pageMessages: 20,
        lookbackMs: LOOKBACK_S * 1000,
        wants: MESSAGES,
      });
      const gate = createLoginGate(clock);
      const log: Transaction[] = [];
      let owner = createOwner();
      let failCommits = 0;
      let restarting = false;
      const start = (): void => {
        owner = createOwner(owner);
        owner.failing = () => {
          failCommits -= 1;
          return failCommits >= 0
            ? new Fault('away', { kind: 'transient', code: 'COMMIT_UNKNOWN', stage: 'commit' })
            : undefined;
        };
      };
      start();
      let worker = startWorker(account, owner, ports, gate);
      let step = 0;
      provider.intercept = () => {
        const current = steps[step];
        step += 1;
        if (current === undefined) return undefined;
        if (current.age !== undefined) register(current.unit, current.age);
        if (current.trouble === 'expire') provider.expireSessions();
        else if (current.trouble === 'restart') restarting = true;
        else if (current.trouble === 'commit') failCommits = 1;
        else return current.trouble;
        return undefined;
      };
      while (step < steps.length) {
        await untilTurn('the script to go on', () => restarting || step >= steps.length);
        if (!restarting) break;
        restarting = false;
        // A kill in the middle of whatever it was doing: only what was committed survives.
        owner.revoke();
        await worker.done;
        log.push(...owner.log);
        start();
        worker = startWorker(account, owner, ports, gate);
      }
      const before = committed<SourceProgressed>(owner.log, 'SourceProgressed').length;
      await untilTurn(
        'progress after the script',
        () => committed<SourceProgressed>(owner.log, 'SourceProgressed').length > before + 1,
      );
      await worker.stop();
      await provider.close();
      log.push(...owner.log);
      const found = new Set(publishedTimes(log));
      for (const time of registered.keys()) assert.ok(found.has(time), `${time} is lost`);
      assertProgressIsTrue(log, registered);
      const times = committed<SourceProgressed>(log, 'SourceProgressed').map(
        ({ complete_to_time }) => complete_to_time,
      );
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
        'progress never goes back',
      );
    }),
    { numRuns: 25 },
  );
});
