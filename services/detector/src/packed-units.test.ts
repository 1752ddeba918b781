import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDriver, type Input } from './testing/driver.ts';
import { fleetRounds, progressAfter, type FleetOptions } from './testing/fleet.ts';
import { progress, square } from './testing/messages.ts';
import { greedyTenant } from './testing/plain-detector.ts';

const TENANT = 'bay-cabs';
const ROUNDS_PER_CALL = 20;

const fleet: FleetOptions = {
  ...{ tenantId: TENANT, units: 2, everyS: 10, moving: 0.5, late: 0.02, latestS: 3000 },
  hasSignals: true,
};

/** What each call hands over: reports, late ones among them, and T. */
function* calls(rounds: number): Generator<readonly Input[]> {
  const reports = fleetRounds(fleet);
  for (let round = 0; round < rounds; round += ROUNDS_PER_CALL) {
    const inputs: Input[] = [];
    for (let i = 0; i < ROUNDS_PER_CALL; i += 1) inputs.push(...(reports.next().value as Input[]));
    yield [...inputs, progress(progressAfter(round, fleet), { tenant_id: TENANT })];
  }
}

test('units that are packed after each call publish and save what those do that stay unpacked', async () => {
  const config = greedyTenant(TENANT, 2);
  const stays = await createDriver(config);
  const rests = await createDriver(config, { unpackedUnits: 0 });
  for (const driver of [stays, rests]) {
    await driver.setZone({ ...square('depot', 52.25, 21, 0.2), tenant_id: TENANT });
  }
  let published = 0;
  let at = 0;
  for (const inputs of calls(1400)) {
    const expected = await stays.process(inputs);
    const found = await rests.process(inputs);
    assert.deepEqual(found.records, expected.records);
    published += expected.records.length;
    // With what is packed as the last snapshot, and records behind it.
    if (at % 16 === 5) rests.snapshot();
    if (at % 16 === 12) await rests.restart();
    at += 1;
  }
  assert.ok(published > 10, `${published} records`);
  assert.deepEqual(await rests.saved(), await stays.saved());
  assert.ok((stays.outcomes.get('late') ?? 0) > 20);
  const { live = 0, held = 0 } = rests.held()?.packedBytes ?? {};
  assert.ok(live > 500 && live < fleet.units * 2_000, `${live} bytes of packed units`);
  assert.ok(held < live + 3 * 65_536, `${held} bytes for ${live}`);
  assert.deepEqual([rests.held()?.unpacked, stays.held()?.unpacked], [0, fleet.units]);
});
