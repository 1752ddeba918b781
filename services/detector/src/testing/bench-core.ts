/** The pure part of the detector alone, in a process of its own: `node bench-core.ts '<JSON>'` prints one JSON line. */
import type { PositionRecorded } from '@waybill/contracts';
import { fleetRounds, fleetZones, progressAfter, type FleetOptions } from './fleet.ts';
import { greedyTenant, plainDetector, rulesWith } from './plain-detector.ts';

/** What is asked for. */
interface Order extends FleetOptions {
  readonly zones: number;
  /** Rounds before the clock starts, and rounds that are timed. */
  readonly warmup: number;
  readonly rounds: number;
  /** Rounds that one turn takes, as a transaction does when there is a backlog. */
  readonly roundsPerTurn: number;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function run(order: Order): object {
  const { tenantId, zones, warmup, rounds: timed, roundsPerTurn } = order;
  const { units, turn } = plainDetector(
    rulesWith(greedyTenant(tenantId), fleetZones(zones, tenantId)),
  );
  const rounds = fleetRounds(order);
  let [fixes, seconds, published] = [0, 0, 0];
  for (let round = 0; round < warmup + timed; round += roundsPerTurn) {
    const records: PositionRecorded[] = [];
    for (let i = 0; i < roundsPerTurn; i += 1) {
      records.push(...(rounds.next().value as readonly PositionRecorded[]));
    }
    const before = cpuSeconds();
    const decisions = turn(records, progressAfter(round, order) * 1000);
    if (round < warmup) continue;
    seconds += cpuSeconds() - before;
    fixes += records.length;
    published += decisions.length;
  }
  let [bytes, held] = [0, 0];
  for (const { timeline } of units.values()) {
    bytes += timeline.bytes;
    held += timeline.count;
  }
  return {
    fixes,
    published,
    fixes_per_cpu_s: Math.round(fixes / seconds),
    cpu_us_per_fix: Number(((seconds / fixes) * 1e6).toFixed(2)),
    bytes_per_fix: Number((bytes / held).toFixed(2)),
  };
}

const [json = '{}'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(run(JSON.parse(json) as Order))}\n`);
