import type { VehicleSampled, WindowCounted } from './topics.ts';

export const WINDOW_MS = 60_000;
/** A window takes late samples so long after its end. */
export const GRACE_MS = 6 * 3_600_000;

/** What a correct system makes of the input: the truth that every run is compared with. */
export interface Expectation {
  readonly add: (sampled: VehicleSampled) => void;
  readonly digest: Digest;
  /** Newest event of each vehicle by event time. */
  readonly newest: ReadonlyMap<string, VehicleSampled>;
  /** Sum of the event times as `checksumOf` shortens them. */
  readonly checksum: () => number;
  /** Sums over the distinct events, as `sumHistory` computes them in the database. */
  readonly history: () => string;
  /** Aggregates by `<vehicle>@<start of the minute>`; duplicates count, as in the peers. */
  readonly windows: ReadonlyMap<string, WindowCounted>;
}

/** Sums over a log that any order of partitions gives, and the last event of each key. */
export interface Digest {
  readonly add: (key: string, time: number, latitude: number) => void;
  /** Equal for equal multisets of events with equal last events per key. */
  readonly text: () => string;
}

export function createDigest(): Digest {
  const last = new Map<string, number>();
  let events = 0;
  let times = 0n;
  let pending = 0;
  let latitudes = 0;

  return {
    add: (key, time, latitude) => {
      events += 1;
      pending += time;
      // Sums of instants leave the safe integers after 5,000 events.
      if (events % 4_000 === 0) {
        times += BigInt(pending);
        pending = 0;
      }
      latitudes += Math.round(latitude * 1e6);
      last.set(key, time);
    },
    text: () => {
      let lasts = 0n;
      for (const time of last.values()) lasts += BigInt(time);
      return [events, times + BigInt(pending), latitudes, last.size, lasts].join('|');
    },
  };
}

export function windowStart(time: number): number {
  return time - (time % WINDOW_MS);
}

export function windowKey(vehicle: string, time: number): string {
  return `${vehicle}@${windowStart(time)}`;
}

/** The aggregate with one more sample. */
export function counted(
  before: WindowCounted | undefined,
  { event_time, speed_kmh }: VehicleSampled,
): WindowCounted {
  return {
    start_time: windowStart(event_time),
    samples: (before?.samples ?? 0) + 1,
    speeds: (before?.speeds ?? 0) + (speed_kmh === null ? 0 : 1),
    speed_sum: (before?.speed_sum ?? 0) + (speed_kmh ?? 0),
  };
}

/** A part of an instant that can be summed over a whole log. */
export function checksumOf({ event_time }: { readonly event_time: number }): number {
  return event_time % 1_000_003;
}

/** Sums over distinct events: (vehicle, event time). */
function createHistory(): {
  readonly add: (sampled: VehicleSampled) => void;
  readonly text: () => string;
} {
  const seen = new Set<string>();
  const sums = { time: 0n, latitude: 0, speed: 0, heading: 0, odometer: 0, ignition: 0 };
  return {
    add: (sampled) => {
      const key = `${sampled.vehicle_id}@${sampled.event_time}`;
      if (seen.has(key)) return;
      seen.add(key);
      sums.time += BigInt(sampled.event_time);
      sums.latitude += Math.round(sampled.latitude * 1e6);
      sums.speed += Math.round((sampled.speed_kmh ?? 0) * 8);
      sums.heading += sampled.heading_deg ?? 0;
      sums.odometer += Math.round((sampled.odometer_km ?? 0) * 4);
      sums.ignition += sampled.ignition === true ? 1 : 0;
    },
    text: () => [seen.size, ...Object.values(sums)].join('|'),
  };
}

export function createExpectation(): Expectation {
  const digest = createDigest();
  const newest = new Map<string, VehicleSampled>();
  const windows = new Map<string, WindowCounted>();
  const history = createHistory();
  let checksum = 0;
  return {
    digest,
    newest,
    windows,
    checksum: () => checksum,
    history: history.text,
    add: (sampled) => {
      const { vehicle_id, event_time } = sampled;
      digest.add(vehicle_id, event_time, sampled.latitude);
      const known = newest.get(vehicle_id);
      if (known === undefined || event_time > known.event_time) newest.set(vehicle_id, sampled);
      const key = windowKey(vehicle_id, event_time);
      windows.set(key, counted(windows.get(key), sampled));
      checksum += checksumOf(sampled);
      history.add(sampled);
    },
  };
}
