/**
 * The detector as a process on the broker of the bench: `node bench-service.ts '<JSON>'` prints one JSON
 * line. The fleet's reports are published first, then the detector starts on the backlog.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PositionRecorded } from '@waybill/contracts';
import {
  openSystem,
  type DetectorProcess,
  type DetectorSystem,
  type SystemOptions,
} from './detector-system.ts';
import { fleetRounds, fleetZones, progressAfter, type FleetOptions } from './fleet.ts';
import { greedyTenant } from './plain-detector.ts';

/** What is asked for. */
interface Order extends FleetOptions, Omit<SystemOptions, 'stateDir'> {
  readonly zones: number;
  /** Rounds that fill the state, and rounds that are timed. */
  readonly warmup: number;
  readonly rounds: number;
}

const POLL_MS = 50;
const CLOCK_TICKS_PER_S = 100;
/** Time between two progress records, s. */
const PROGRESS_S = 10;

function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_S;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

async function publish(system: DetectorSystem, order: Order): Promise<readonly [number, number]> {
  const rounds = fleetRounds(order);
  const counts: [number, number] = [0, 0];
  for (let round = 0; round < order.warmup + order.rounds; round += 1) {
    const records = rounds.next().value as readonly PositionRecorded[];
    counts[round < order.warmup ? 0 : 1] += records.length;
    await system.publish(records);
    if ((round * order.everyS) % PROGRESS_S < order.everyS) {
      await system.progress(order.tenantId, progressAfter(round, order));
    }
    if (round === order.warmup - 1) counts[0] = await system.published();
  }
  return counts;
}

async function reached(detector: DetectorProcess, count: number): Promise<void> {
  while ((await detector.handled()) < count) await delay(POLL_MS);
}

/** Seconds from the start of the process until it has handled all. */
async function restart(
  system: DetectorSystem,
  end: number,
): Promise<{ readonly seconds: number; readonly detector: DetectorProcess }> {
  const begin = performance.now();
  const detector = system.start();
  while (!(await detector.isReady())) await delay(POLL_MS);
  await reached(detector, end);
  return { seconds: (performance.now() - begin) / 1000, detector };
}

async function run(order: Order): Promise<object> {
  const stateDir = mkdtempSync(join(tmpdir(), 'waybill-bench-detect-'));
  const system = await openSystem(
    { ...order, stateDir },
    greedyTenant(order.tenantId),
    fleetZones(order.zones, order.tenantId),
  );
  const [warmup, fixes] = await publish(system, order);
  const end = await system.published();
  let detector = system.start();
  await reached(detector, warmup);
  const [time, cpu, from] = [performance.now(), cpuSeconds(detector.pid), await detector.handled()];
  await reached(detector, end);
  const seconds = (performance.now() - time) / 1000;
  const share = (end - from) / (end - warmup);
  const timed = fixes * share;
  const result = {
    fixes: Math.round(timed),
    fixes_per_s: Math.round(timed / seconds),
    cpu_us_per_fix: rounded(((cpuSeconds(detector.pid) - cpu) / timed) * 1e6),
    peak_rss_mib: detector.memoryMib('VmHWM'),
  };
  await detector.end('SIGTERM');
  const warm = await restart(system, end);
  ({ detector } = warm);
  const warmRss = detector.memoryMib('VmHWM');
  await detector.end('SIGTERM');
  rmSync(stateDir, { recursive: true, force: true });
  const cold = await restart(system, end);
  await cold.detector.end('SIGKILL');
  await system.close();
  rmSync(stateDir, { recursive: true, force: true });
  return {
    ...result,
    warm_restart_s: rounded(warm.seconds),
    warm_peak_rss_mib: warmRss,
    cold_restart_s: rounded(cold.seconds),
  };
}

const [json = '{}'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await run(JSON.parse(json) as Order))}\n`);
