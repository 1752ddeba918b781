/**
 * What the service needs with the grace full: `node bench-memory.ts '<JSON>'` prints one JSON line. Some
 * vehicles are driven through the pure part for hours, each stands for many; the service starts on their state
 * as after an orderly stop, takes reports of all of them as they come, then a backlog, and starts again on what it left itself.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PositionRecorded } from '@waybill/contracts';
import { openSystem, type DetectorProcess, type SystemOptions } from './detector-system.ts';
import { copiesOf, driveFleet, fillState } from './fill-state.ts';
import { fleetZones, FLEET_START_S, type FleetOptions } from './fleet.ts';
import { greedyTenant, rulesWith } from './plain-detector.ts';

/** What is asked for; `units` are made of `distinct` vehicles. */
interface Order extends FleetOptions, Omit<SystemOptions, 'stateDir'> {
  readonly zones: number;
  readonly distinct: number;
  /** Rounds that fill the state, rounds that the service then takes as they come, and rounds of a backlog. */
  readonly warmup: number;
  readonly rounds: number;
  readonly backlog: number;
}

const POLL_MS = 50;
/** Of a round, published apart while units report as they do. */
const PARTS = 10;

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Seconds until a process that starts now has handled all. */
async function started(
  detector: DetectorProcess,
  end: number,
): Promise<{ readonly seconds: number; readonly detector: DetectorProcess }> {
  const begin = performance.now();
  while (!(await detector.isReady()) || (await detector.handled()) < end) await delay(POLL_MS);
  return { seconds: (performance.now() - begin) / 1000, detector };
}

async function run(order: Order): Promise<object> {
  const stateDir = mkdtempSync(join(tmpdir(), 'waybill-bench-memory-'));
  const { tenantId, distinct, units, warmup, rounds, backlog, everyS } = order;
  const copies = Math.ceil(units / distinct);
  const tenant = greedyTenant(tenantId);
  const zones = fleetZones(order.zones, tenantId);
  const options = { ...order, stateDir };
  const system = await openSystem(options, tenant, zones);
  const rules = rulesWith(tenant, zones);
  const fleet = driveFleet({ ...order, units: distinct }, rules, warmup);
  const all = (reports: readonly PositionRecorded[]): PositionRecorded[] =>
    reports.flatMap((report) => copiesOf(report, copies));
  // What each unit was put by is a report that it has already.
  const last = new Map(fleet.newest.map((report) => [report.unit, report]));
  await system.publish(all([...last.values()]));
  await fillState(options, fleet, rules, await system.published());
  let fixes = 0;
  for (const { unit } of fleet.units.values()) fixes += unit.timeline.count * copies;
  const snapshots = readdirSync(stateDir).map((file) => statSync(join(stateDir, file)).size);
  let end = await system.published();
  let { seconds, detector } = await started(system.start(), end);
  const first = { restored_s: rounded(seconds), restored_rss_mib: detector.memoryMib('VmRSS') };
  const publishRound = async (
    round: number,
    untilDue?: (part: number) => Promise<void>,
  ): Promise<void> => {
    const reports = all(fleet.rounds.next().value as readonly PositionRecorded[]);
    for (let part = 0; part < PARTS; part += 1) {
      // As units report: one after the other within the round.
      await untilDue?.(part / PARTS);
      await system.publish(reports.filter((_, i) => i % PARTS === part));
    }
    await system.progress(tenantId, FLEET_START_S + (warmup + round) * everyS);
  };
  const untilHandled = async (): Promise<void> => {
    end = await system.published();
    while ((await detector.handled()) < end) await delay(POLL_MS);
  };
  const begin = performance.now();
  let live = 0;
  for (let round = 0; round < rounds; round += 1) {
    const due = begin + round * everyS * 1000;
    await publishRound(round, async (part) => {
      await delay(Math.max(0, due + part * everyS * 1000 - performance.now()));
    });
    live = Math.max(live, detector.memoryMib('VmRSS'));
  }
  await untilHandled();
  const paced = {
    live_s: rounded((performance.now() - begin) / 1000),
    live_rss_mib: Math.max(live, detector.memoryMib('VmRSS')),
    live_peak_rss_mib: detector.memoryMib('VmHWM'),
  };
  for (let round = rounds; round < rounds + backlog; round += 1) await publishRound(round);
  await untilHandled();
  const figures = {
    units: fleet.units.size * copies,
    fixes,
    snapshot_mib: rounded(snapshots.reduce((sum, size) => sum + size, 0) / 2 ** 20),
    ...first,
    ...paced,
    backlog_fixes: backlog * fleet.units.size * copies,
    rss_mib: detector.memoryMib('VmRSS'),
    peak_rss_mib: detector.memoryMib('VmHWM'),
  };
  await detector.end('SIGTERM');
  ({ seconds, detector } = await started(system.start(), end));
  const warm = { warm_restart_s: rounded(seconds), warm_peak_rss_mib: detector.memoryMib('VmHWM') };
  await detector.end('SIGKILL');
  await system.close();
  rmSync(stateDir, { recursive: true, force: true });
  return { ...figures, ...warm };
}

const [json = '{}'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await run(JSON.parse(json) as Order))}\n`);
