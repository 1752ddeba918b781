import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageFaults } from './messages.ts';
import { faultKinds } from './order-fault.ts';
import { planFaults, plannedKinds } from './plan-faults.ts';
import { limitReasons } from './reasons.ts';

const options = {
  seed: 7,
  account: 'fleet',
  unitIds: [100_001, 100_002],
  zoneIds: [1],
  fromS: 600,
  toS: 36_000,
  times: 20,
};

test('a plan has every kind of fault, reason and message so many times, within its time', () => {
  const plan = planFaults(options);
  const kinds = new Set(plan.map(({ kind }) => kind));
  assert.deepEqual(kinds, new Set(faultKinds));
  const counted = plannedKinds(plan);
  for (const reason of limitReasons) assert.ok(counted.has(`error 1003 ${reason}`), reason);
  for (const message of messageFaults) assert.ok(counted.has(`message ${message}`), message);
  for (const kind of counted) {
    const times = plan.filter((order) => plannedKinds([order]).has(kind)).length;
    assert.ok(times >= options.times, `${kind} ${times} times`);
  }
  assert.ok(plan.every(({ at_s }) => at_s >= options.fromS && at_s <= options.toS + 900));
});

test('the same seed plans the same, another one something else', () => {
  assert.deepEqual(planFaults(options), planFaults(options));
  assert.notDeepEqual(planFaults(options), planFaults({ ...options, seed: 8 }));
});
