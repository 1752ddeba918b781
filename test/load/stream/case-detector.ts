import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expectEqual, provision, publish, settingOf, type Bench, type Case } from './cases.ts';
import { runClient } from './run-client.ts';
import { topicsOf, type VehicleSampled } from './topics.ts';
import { createWorkload, FIRST_TIME, type WorkloadOptions } from './workload.ts';

const FIX_EVERY_MS = 5_000;
/** Late fixes lie within two thirds of the grace, as 4 of 6 hours. */
const LATE_SHARE_OF_GRACE = 2 / 3;

/** Distinct fixes within the window before the newest of their unit, and the sum of their times. */
function expectedDigest(workload: WorkloadOptions, count: number, windowMs: number): string {
  const newest = new Map<string, number>();
  const each = (visit: (sampled: VehicleSampled) => void): void => {
    const next = createWorkload(workload);
    // A repeat is the same object as the first.
    const seen = new WeakSet<VehicleSampled>();
    for (let i = 0; i < count; i += 1) {
      const sampled = next();
      if (seen.has(sampled)) continue;
      seen.add(sampled);
      visit(sampled);
    }
  };
  each(({ vehicle_id, event_time }) => {
    newest.set(vehicle_id, Math.max(newest.get(vehicle_id) ?? -Infinity, event_time));
  });
  let fixes = 0;
  let times = 0;
  each(({ vehicle_id, event_time }) => {
    if (event_time <= (newest.get(vehicle_id) ?? 0) - windowMs) return;
    fixes += 1;
    times += event_time - FIRST_TIME;
  });
  return `${fixes}|${times}`;
}

/**
 * Builds the state of `units` × `fixesPerUnit` packed fixes (that is the warm-up), times `events` more in
 * steady state, then starts twice on it: with the snapshot of the stop, and without.
 */
export const detectorShaped: Case = async (bench: Bench, run: string) => {
  const { units, fixesPerUnit } = bench;
  const windowMs = fixesPerUnit * FIX_EVERY_MS;
  const workload = {
    ...bench.workload,
    vehicles: units,
    everyMs: FIX_EVERY_MS,
    latestMs: Math.floor(windowMs * LATE_SHARE_OF_GRACE),
  };
  const sized = { ...bench, workload, warmup: units * fixesPerUnit };
  const stateDirectory = join(bench.dir, `state-${run}`);
  const { sampled, windows, windowState, deadLetter } = topicsOf(run);
  // Its own input: the intervals differ from those of the other cases.
  const input = { ...sampled, name: `bench.fixes-${run}.event.v1` };
  await provision(bench, [windows, windowState, deadLetter]);
  await publish(sized, input, (value) => ({
    key: value.vehicle_id,
    message: { type: 'VehicleSampled', value },
  }));
  const setting = {
    ...settingOf(sized, 'detector-shaped', run),
    windowMs,
    stateDirectory,
    input: input.name,
  };
  const { digest, ready_s: _first, ...result } = await runClient(setting);
  const warm = await runClient({ ...setting, warmup: 0, events: 0 });
  rmSync(stateDirectory, { recursive: true, force: true });
  const cold = await runClient({ ...setting, warmup: 0, events: 0 });
  const total = sized.warmup + sized.events;
  const expected = expectedDigest(workload, total, windowMs);
  expectEqual('fixes after processing', digest, expected);
  expectEqual('fixes after a warm restart', warm.digest, expected);
  expectEqual('fixes after a cold restart', cold.digest, expected);
  return {
    ...result,
    units,
    fixes_per_unit: fixesPerUnit,
    warm_restart_s: warm.ready_s,
    warm_peak_rss_mib: warm.peak_rss_mib,
    cold_restart_s: cold.ready_s,
    cold_peak_rss_mib: cold.peak_rss_mib,
    cold_records: total,
  };
};
