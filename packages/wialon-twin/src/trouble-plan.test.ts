import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { malformedKinds } from './malformed.ts';
import { readRecording, registrationsOf, type Registration } from './recording.ts';
import { readScenario, windowOf, type Scenario, type ScenarioAccount } from './scenario.ts';
import { planTrouble, type TroubleOperation, type TroublePlan } from './trouble-plan.ts';

const scenarios = [readScenario('demo'), readScenario('short')];
const tracks = new Map(
  ['sf-cabs', 'jersey-city-trucks'].map((track) => [track, readRecording(track)]),
);
const scenarioAndSeed = fc.tuple(fc.constantFrom(...scenarios), fc.nat());
const runs = { numRuns: 12 };

function fixesOf(scenario: Scenario, account: ScenarioAccount): Map<number, Registration> {
  const recording = tracks.get(account.track);
  assert.ok(recording);
  return new Map(registrationsOf(scenario, account, recording).map((fix) => [fix.row, fix]));
}

type RowOperation = Extract<TroubleOperation, { row: number }>;

function rowOperations(plan: TroublePlan, account: string): RowOperation[] {
  return plan.operations.filter(
    (operation): operation is RowOperation => 'row' in operation && operation.account === account,
  );
}

test('the same seed gives the same plan, another seed another one', () => {
  for (const scenario of scenarios) {
    assert.deepEqual(planTrouble(scenario, tracks, 7), planTrouble(scenario, tracks, 7));
    assert.notDeepEqual(
      planTrouble(scenario, tracks, 7).operations,
      planTrouble(scenario, tracks, 8).operations,
    );
  }
});

test('a plan survives its JSON file unchanged', () => {
  const plan = planTrouble(readScenario('demo'), tracks, 3);
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
});

test('repeats and late messages reach the promised shares of what the window registers', () => {
  fc.assert(
    fc.property(scenarioAndSeed, ([scenario, seed]) => {
      const plan = planTrouble(scenario, tracks, seed);
      let [inWindow, repeats, late] = [0, 0, 0];
      for (const account of scenario.accounts) {
        const { base } = windowOf(scenario, account);
        for (const { rt } of fixesOf(scenario, account).values()) if (rt > base) inWindow++;
        const operations = rowOperations(plan, account.account);
        repeats += operations.filter(({ op }) => op === 'repeat').length;
        late += operations.filter(({ op }) => op === 'late').length;
      }
      assert.ok(repeats >= 0.05 * inWindow, `${repeats} repeats of ${inWindow}`);
      assert.ok(late >= 0.03 * inWindow, `${late} late of ${inWindow}`);
    }),
    runs,
  );
});

test('late messages are 1 min to 5 h late, alone and in bursts, and stay within grace', () => {
  fc.assert(
    fc.property(scenarioAndSeed, ([scenario, seed]) => {
      const plan = planTrouble(scenario, tracks, seed);
      for (const account of scenario.accounts) {
        const fixes = fixesOf(scenario, account);
        const together = new Map<string, number>();
        for (const { op, row, rt } of rowOperations(plan, account.account)) {
          const fix = fixes.get(row);
          assert.ok(fix);
          if (op !== 'late') continue;
          assert.ok(rt - fix.rt >= 60 && rt - fix.rt <= 5 * 3600, `delay ${rt - fix.rt}`);
          assert.ok(rt - fix.t < 6 * 3600);
          const key = `${fix.unitId}/${rt}`;
          together.set(key, (together.get(key) ?? 0) + 1);
        }
        const sizes = [...together.values()];
        assert.ok(
          sizes.some((size) => size >= 4),
          'a dead zone registers several at once',
        );
        assert.ok(sizes.includes(1), 'single messages are late, too');
      }
    }),
    runs,
  );
});

test('every operation is registered inside the window and moves a row at most once', () => {
  fc.assert(
    fc.property(scenarioAndSeed, ([scenario, seed]) => {
      const plan = planTrouble(scenario, tracks, seed);
      for (const account of scenario.accounts) {
        const { base, cut } = windowOf(scenario, account);
        for (const operation of plan.operations) {
          if (operation.account !== account.account || operation.op === 'expire_session') continue;
          assert.ok(operation.rt > base && operation.rt <= cut, JSON.stringify(operation));
        }
        const moved = rowOperations(plan, account.account).filter(({ op }) => op !== 'repeat');
        assert.equal(new Set(moved.map(({ row }) => row)).size, moved.length);
      }
    }),
    runs,
  );
});

test('messages 8 h late are as many as ordered, and neither they nor held-back ones are repeated', () => {
  fc.assert(
    fc.property(scenarioAndSeed, ([scenario, seed]) => {
      const plan = planTrouble(scenario, tracks, seed);
      let beyond = 0;
      for (const account of scenario.accounts) {
        const fixes = fixesOf(scenario, account);
        const operations = rowOperations(plan, account.account);
        const once = new Set<number>();
        for (const { op, row, rt } of operations) {
          if (op !== 'beyond' && op !== 'held_back') continue;
          once.add(row);
          if (op === 'held_back') continue;
          beyond++;
          assert.equal(rt - (fixes.get(row)?.rt ?? 0), 8 * 3600);
        }
        for (const { op, row } of operations) assert.ok(op !== 'repeat' || !once.has(row));
      }
      assert.equal(beyond, scenario.trouble.beyond_grace);
    }),
    runs,
  );
});

test('a repeat follows the registration it repeats by 10 s to 30 min', () => {
  fc.assert(
    fc.property(scenarioAndSeed, ([scenario, seed]) => {
      const plan = planTrouble(scenario, tracks, seed);
      for (const account of scenario.accounts) {
        const fixes = fixesOf(scenario, account);
        const operations = rowOperations(plan, account.account);
        const late = new Map(
          operations.filter(({ op }) => op === 'late').map(({ row, rt }) => [row, rt]),
        );
        for (const { op, row, rt } of operations) {
          if (op !== 'repeat') continue;
          const gap = rt - (late.get(row) ?? fixes.get(row)?.rt ?? 0);
          assert.ok(gap >= 10 && gap <= 1800, `gap ${gap}`);
        }
      }
    }),
    runs,
  );
});

test('the trip of truck E-8 that ends 23:49:39 is held back as a whole until 01:15', () => {
  for (const scenario of scenarios) {
    const hudson = scenario.accounts[1];
    assert.ok(hudson);
    const fixes = fixesOf(scenario, hudson);
    const held = rowOperations(planTrouble(scenario, tracks, 1), 'hudson-waste').filter(
      ({ op }) => op === 'held_back',
    );
    const times = held.map(({ row }) => fixes.get(row)?.t ?? 0);
    assert.equal(Math.min(...times) * 1000, Date.parse('2015-12-10T04:39:26Z'));
    assert.equal(Math.max(...times) * 1000, Date.parse('2015-12-10T04:49:39Z'));
    for (const { rt } of held) assert.equal(rt * 1000, Date.parse('2015-12-10T06:15:00Z'));
  }
});

test('all ten kinds of malformed messages are there, each as often as ordered, and broken as named', () => {
  for (const scenario of scenarios) {
    const plan = planTrouble(scenario, tracks, 5);
    const bodies = new Map<string, unknown[]>();
    for (const operation of plan.operations) {
      if (operation.op !== 'malformed') continue;
      const { kind, body } = operation;
      bodies.set(kind, [...(bodies.get(kind) ?? []), body]);
    }
    assert.deepEqual([...bodies.keys()].sort(), [...malformedKinds].sort());
    for (const list of bodies.values()) {
      assert.equal(list.length, scenario.trouble.malformed_per_kind);
    }
    const first = (kind: string): Record<string, unknown> =>
      bodies.get(kind)?.[0] as Record<string, unknown>;
    const pos = (kind: string): Record<string, unknown> =>
      first(kind)['pos'] as Record<string, unknown>;
    assert.ok(Number(pos('latitude-out-of-range')['y']) > 90);
    assert.ok(Number(pos('longitude-out-of-range')['x']) < -180);
    assert.equal(typeof pos('latitude-text')['y'], 'string');
    assert.ok(!('x' in pos('position-without-longitude')));
    assert.equal(typeof first('time-text')['t'], 'string');
    assert.ok(Number(first('time-negative')['t']) < 0);
    assert.equal(first('message-null'), null);
    assert.equal(typeof first('message-number'), 'number');
    assert.equal(typeof first('parameters-text')['p'], 'string');
    assert.notEqual(first('unknown-type')['tp'], 'ud');
  }
});

test('one fix from 2099 is planned', () => {
  const plan = planTrouble(readScenario('demo'), tracks, 5);
  const future = plan.operations.filter(({ op }) => op === 'future');
  assert.equal(future.length, 1);
  assert.ok(future.every((one) => 't' in one && new Date(one.t * 1000).getUTCFullYear() === 2099));
});
