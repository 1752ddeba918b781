/** The pure part of the detector alone, in a process of its own: `node bench-core.ts '<JSON>'` prints one JSON line. */
import type { PositionRecorded } from '@waybill/contracts';
import { fleetRounds, fleetZones, progressAfter, type FleetOptions } from './fleet.ts';
import { greedyTenant, plainDetector, rulesWith, type PlainDetector } from './plain-detector.ts';

/** What is asked for. */
interface Order extends Omit<FleetOptions, 'late' | 'isStored'> {
  /** How much of each fleet comes late, and how: a detector each, which take turns part by part. */
  readonly fleets: readonly Lateness[];
  readonly zones: number;
  /** Rounds before the clock starts, and rounds of each part that is timed. */
  readonly warmup: number;
  readonly rounds: number;
  readonly parts: number;
  /** Rounds that one turn takes, as a transaction does when there is a backlog. */
  readonly roundsPerTurn: number;
}

type Lateness = Pick<FleetOptions, 'late' | 'isStored'>;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** One turn's records, and T at its end, ms. */
interface Batch {
  readonly records: readonly PositionRecorded[];
  readonly clock: number;
}

/** One fleet with its detector, and what its timed parts took. */
class Run {
  readonly #order: Order;
  readonly #detector: PlainDetector;
  readonly #rounds: ReturnType<typeof fleetRounds>;
  #round = 0;
  #fixes = 0;
  #seconds = 0;
  #published = 0;
  #fastest = Infinity;

  constructor(order: Order, lateness: Lateness) {
    const { tenantId, zones } = order;
    this.#order = order;
    this.#detector = plainDetector(rulesWith(greedyTenant(tenantId), fleetZones(zones, tenantId)));
    this.#rounds = fleetRounds({ ...order, ...lateness });
  }

  /** The reports of the next rounds, as turns take them. */
  #batches(count: number): Batch[] {
    const { roundsPerTurn } = this.#order;
    const batches: Batch[] = [];
    const end = this.#round + count;
    for (; this.#round < end; this.#round += roundsPerTurn) {
      const records: PositionRecorded[] = [];
      for (let i = 0; i < roundsPerTurn; i += 1) {
        records.push(...(this.#rounds.next().value as readonly PositionRecorded[]));
      }
      batches.push({ records, clock: progressAfter(this.#round, this.#order) * 1000 });
    }
    return batches;
  }

  warmUp(): void {
    const { turn } = this.#detector;
    const { warmup, roundsPerTurn } = this.#order;
    for (let round = 0; round < warmup; round += roundsPerTurn) {
      for (const { records, clock } of this.#batches(roundsPerTurn)) turn(records, clock);
    }
  }

  /**
   * All records of a part are made before its clock starts, and what was left of making them is collected:
   * the time is that of the detector, its own garbage and compilation included.
   */
  time(): void {
    const { turn } = this.#detector;
    const batches = this.#batches(this.#order.rounds);
    globalThis.gc?.();
    const before = cpuSeconds();
    for (const { records, clock } of batches) this.#published += turn(records, clock).length;
    const taken = cpuSeconds() - before;
    const count = batches.reduce((sum, { records }) => sum + records.length, 0);
    this.#seconds += taken;
    this.#fixes += count;
    this.#fastest = Math.min(this.#fastest, taken / count);
  }

  result(): object {
    let [bytes, held] = [0, 0];
    for (const { timeline } of this.#detector.units.values()) {
      bytes += timeline.bytes;
      held += timeline.count;
    }
    const perFix = this.#seconds / this.#fixes;
    return {
      fixes: this.#fixes,
      published: this.#published,
      fixes_per_cpu_s: Math.round(1 / perFix),
      cpu_us_per_fix: Number((perFix * 1e6).toFixed(2)),
      fastest_part_us: Number((this.#fastest * 1e6).toFixed(2)),
      bytes_per_fix: Number((bytes / held).toFixed(2)),
    };
  }
}

/** Results in the order of the fleets. */
function run(order: Order): readonly object[] {
  const runs = order.fleets.map((lateness) => new Run(order, lateness));
  for (const each of runs) each.warmUp();
  for (let part = 0; part < order.parts; part += 1) for (const each of runs) each.time();
  return runs.map((each) => each.result());
}

const [json = '{}'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(run(JSON.parse(json) as Order))}\n`);
