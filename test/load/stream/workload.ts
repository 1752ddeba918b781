import type { VehicleSampled } from './topics.ts';

export interface WorkloadOptions {
  readonly vehicles: number;
  /** Per cent of exact copies of one of the last 5,000 events. */
  readonly duplicates: number;
  /** Per cent of events whose time lies one interval to `latestMs` back. */
  readonly late: number;
  readonly latestMs: number;
  /** Interval of a vehicle's reports in event time. */
  readonly everyMs: number;
  readonly seed: number;
  /** Length of a vehicle's id, which is the record's key. */
  readonly idLength: number;
}

export const DEFAULT_WORKLOAD: WorkloadOptions = {
  vehicles: 10_000,
  duplicates: 1,
  late: 2,
  latestMs: 4 * 3_600_000,
  everyMs: 30_000,
  seed: 42,
  idLength: 10,
};

const REMEMBERED = 5_000;
/** Event time of the first report. */
export const FIRST_TIME: number = Date.UTC(2026, 0, 5, 12);

/** Numbers in [0, 1) from a 32-bit seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function coprimeStep(count: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let step = 7_919;
  while (gcd(step, count) !== 1) step += 2;
  return step;
}

/**
 * An endless log of vehicles that report in equal intervals of event time, the same for the same options,
 * with the rules of the peers' generator: 1 % exact duplicates, which are the same object, 2 % late. On-time events have an even
 * millisecond, late ones an odd and unique one, so (vehicle, time) names an event.
 */
export function createWorkload(options: WorkloadOptions): () => VehicleSampled {
  const { vehicles, idLength, everyMs, latestMs } = options;
  const random = randomFrom(options.seed);
  const prefix = 'veh-';
  const ids = Array.from(
    { length: vehicles },
    (_, i) => prefix + String(i).padStart(idLength - prefix.length, '0'),
  );
  const step = coprimeStep(vehicles);
  const duplicateShare = options.duplicates / 100;
  const lateShare = options.late / 100;
  const remembered: VehicleSampled[] = [];
  const takenLate = new Set<number>();
  let reports = 0;

  function timeOf(report: number, vehicle: number): number {
    const onTime = FIRST_TIME + 2 * Math.floor((report * everyMs) / vehicles / 2);
    if (random() >= lateShare) return onTime;
    let late = onTime - everyMs - Math.floor(random() * (latestMs - everyMs));
    late -= (late % 2) - 1;
    const slot = (): number => (late - FIRST_TIME + 2 * latestMs) * vehicles + vehicle;
    while (takenLate.has(slot())) late -= 2;
    takenLate.add(slot());
    return late;
  }

  return () => {
    if (remembered.length > 0 && random() < duplicateShare) {
      const copied = remembered[Math.floor(random() * remembered.length)];
      if (copied !== undefined) return copied;
    }
    const report = reports;
    reports += 1;
    const vehicle = (report * step) % vehicles;
    const sampled: VehicleSampled = {
      vehicle_id: ids[vehicle] ?? '',
      event_time: timeOf(report, vehicle),
      latitude: Math.round((37 + random() * 15) * 1e6) / 1e6,
      longitude: Math.round((-5 + random() * 20) * 1e6) / 1e6,
      // Exact in 32 bits, so sums can be compared.
      speed_kmh: random() < 0.05 ? null : Math.round(random() * 1_200) / 8,
      heading_deg: random() < 0.05 ? null : Math.floor(random() * 360),
      odometer_km: random() < 0.05 ? null : 1_000 + vehicle + Math.floor(report / vehicles) * 0.25,
      ignition: random() < 0.05 ? null : random() < 0.9,
    };
    remembered[report % REMEMBERED] = sampled;
    return sampled;
  };
}
