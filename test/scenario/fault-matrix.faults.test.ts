/**
 * The full matrix of the main job: any speed, any service stopped for 5 s, each service and all together
 * killed at five seeded moments. The business rows must be the same to the last byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planKills, type PlannedFault } from '../demo/faults.ts';
import { readScenario } from '@waybill/wialon-twin';
import { serviceNames } from '../demo/system.ts';
import { runOnce } from './run-once.ts';

const seed = Number(process.env['FAULTS_SEED'] ?? 11);
const { duration_s: duration } = readScenario('short');
console.log(`FAULTS_SEED=${seed}`);

let reference: string | undefined;

async function play(speed: number, faults: readonly PlannedFault[]): Promise<void> {
  await runOnce({ scenario: 'short', seed, speed, faults }, async ({ verdict, report, result }) => {
    assert.deepEqual(report.problems, []);
    assert.equal(result.faults, faults.length);
    const hash = [...verdict.tenants.values()].map((tenant) => tenant.hash).join();
    reference ??= hash;
    assert.equal(hash, reference);
  });
}

for (const speed of [1000, 2500, 8000]) {
  test(`at ${speed} times real speed`, () => play(speed, []));
}

for (const service of serviceNames) {
  test(`${service} stopped for 5 s`, () =>
    play(2000, [{ at: Math.floor(duration / 3), service, kind: 'stop', stopMs: 5000 }]));
  test(`${service} killed at five moments`, () =>
    play(2000, planKills(seed, [service], duration, 5)));
}

test('all services killed at five moments', () =>
  play(2000, planKills(seed + 1, ['all'], duration, 5)));
