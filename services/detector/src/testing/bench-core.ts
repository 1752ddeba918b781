/** The pure part of the detector alone, in a process of its own: `node bench-core.ts '<JSON>'` prints one JSON line. */
import type { PositionRecorded } from '@waybill/contracts';
import { fleetRounds, fleetZones, progressAfter, type FleetOptions } from './fleet.ts';
import { greedyTenant, plainDetector, rulesWith } from './plain-detector.ts';

/** What is asked for. */
interface Order extends FleetOptions {
  readonly zones: number;
  /** Rounds before the clock starts, and rounds of each part that is timed. */
  readonly warmup: number;
  readonly rounds: number;
  readonly parts: number;
  /** Rounds that one turn takes, as a transaction does when there is a backlog. */
  readonly roundsPerTurn: number;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** One turn's records, and T at its end, ms. */
interface Batch {
  readonly records: readonly PositionRecorded[];
  readonly clock: number;
}

/** The reports of so many rounds, from round `first` on, as turns take them. */
function batchesOf(
  rounds: ReturnType<typeof fleetRounds>,
  { first, count }: { readonly first: number; readonly count: number },
  order: Order,
): Batch[] {
  const batches: Batch[] = [];
  for (let round = first; round < first + count; round += order.roundsPerTurn) {
    const records: PositionRecorded[] = [];
    for (let i = 0; i < order.roundsPerTurn; i += 1) {
      records.push(...(rounds.next().value as readonly PositionRecorded[]));
    }
    batches.push({ records, clock: progressAfter(round, order) * 1000 });
  }
  return batches;
}

/**
 * All records of a part are made before its clock starts, and what was left of making them is collected:
 * the time is that of the detector, its own garbage and compilation included.
 */
function run(order: Order): object {
  const { tenantId, zones, warmup, rounds: timed, parts } = order;
  const { units, turn } = plainDetector(
    rulesWith(greedyTenant(tenantId), fleetZones(zones, tenantId)),
  );
  const rounds = fleetRounds(order);
  for (const { records, clock } of batchesOf(rounds, { first: 0, count: warmup }, order)) {
    turn(records, clock);
  }
  let [fixes, seconds, published, fastest] = [0, 0, 0, Infinity];
  for (let part = 0; part < parts; part += 1) {
    const batches = batchesOf(rounds, { first: warmup + part * timed, count: timed }, order);
    globalThis.gc?.();
    const before = cpuSeconds();
    for (const { records, clock } of batches) published += turn(records, clock).length;
    const taken = cpuSeconds() - before;
    const count = batches.reduce((sum, { records }) => sum + records.length, 0);
    seconds += taken;
    fixes += count;
    fastest = Math.min(fastest, taken / count);
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
    fastest_part_us: Number((fastest * 1e6).toFixed(2)),
    bytes_per_fix: Number((bytes / held).toFixed(2)),
  };
}

const [json = '{}'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(run(JSON.parse(json) as Order))}\n`);
