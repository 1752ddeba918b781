import type { PositionRecorded, ZoneDescribed } from '@waybill/contracts';
import { position, zone } from './messages.ts';

/** Size and behaviour of a made-up fleet. */
export interface FleetOptions {
  readonly tenantId: string;
  readonly units: number;
  /** Time between two reports of a unit, s. */
  readonly everyS: number;
  /** Share of time that a unit drives, 0 to 1. */
  readonly moving: number;
  /** Share of fixes that come late, 0 to 1, and how late at most when each is late by itself, s. */
  readonly late: number;
  readonly latestS: number;
  /**
   * Late fixes come as trackers send what they stored where there was no network: all of a gap at once, behind
   * the first fix after it ("newest first"). Else each is late by itself.
   */
  readonly isStored?: boolean;
  /** Signals beside speed and course: ignition, fuel, odometer. */
  readonly hasSignals: boolean;
}

/** A drive and the stop after it, s. */
const CYCLE_S = 3_600;
/** Stops that begin with an engine left on, and for how long, s. */
const IDLE_SHARE = 0.3;
const IDLE_S = 600;
/** Time after a gap in which what was stored in it has been sent, s. */
const STORED_AFTER_S = 60;
/** A tank that is filled up by so much when it is that much below full, l. */
const FULL_L = 250;
const REFUEL_L = 200;
const BURN_L_PER_S = 0.0025;
/** Event time of the first report, s. */
export const FLEET_START_S: number = Date.UTC(2026, 0, 5, 6) / 1000;

/** A number in [0, 1) from two whole ones. */
function noise(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(b + 0x7f4a_7c15, 0xc2b2_ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b_3c6d);
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
}

/** Where a unit is at a second: it drives a part of every hour there, of the next one back. */
function placeOf(unit: number, t: number, { moving }: FleetOptions): Place {
  const phase = t + Math.floor(noise(unit, 1) * CYCLE_S);
  const drive = CYCLE_S * moving;
  const inCycle = phase % CYCLE_S;
  const cycle = Math.floor(phase / CYCLE_S);
  const driven = Math.min(inCycle, drive);
  const cyclesDriven = cycle - Math.floor(FLEET_START_S / CYCLE_S);
  // Filled up, where it is time for it, at the end of a stop.
  const burnt = (noise(unit, 5) * REFUEL_L + cyclesDriven * drive * BURN_L_PER_S) % REFUEL_L;
  const along = cycle % 2 === 0 ? driven : drive - driven;
  const home = [52 + noise(unit, 2) * 0.5, 20.7 + noise(unit, 3) * 0.6] as const;
  const heading = noise(unit, 4) * 2 * Math.PI;
  const bend = heading + 0.3 * Math.sin(along / 97);
  // 11 m/s, about 40 km/h, in degrees.
  const far = along * 0.0001;
  return {
    latitude: home[0] + far * Math.cos(bend),
    longitude: home[1] + far * 1.6 * Math.sin(bend),
    isMoving: inCycle < drive,
    courseDeg: Math.floor(((bend * 180) / Math.PI + 360 + (cycle % 2) * 180) % 360),
    isIdling: noise(unit, cycle) < IDLE_SHARE && inCycle < drive + IDLE_S,
    fuelL: Math.round((FULL_L - burnt - driven * BURN_L_PER_S) * 2) / 2,
    drivenS: cyclesDriven * drive + driven,
  };
}

interface Place {
  readonly latitude: number;
  readonly longitude: number;
  readonly isMoving: boolean;
  /** Stands with the engine on. */
  readonly isIdling: boolean;
  readonly fuelL: number;
  readonly courseDeg: number;
  /** Seconds driven since the beginning. */
  readonly drivenS: number;
}

const UNITS_PER_PAGE = 100;

/** Time until the provider registers a fix of event time `t`, s. */
function delayOf(unit: number, round: number, t: number, options: FleetOptions): number {
  const { late, latestS, isStored = false } = options;
  const inTime = 1 + Math.floor(noise(unit, round + 3) * 4);
  if (!isStored) {
    const isLate = noise(unit, round + 7) < late;
    return isLate ? 60 + Math.floor(noise(unit, round + 13) * (latestS - 60)) : inTime;
  }
  // One gap an hour, somewhere in it, half to one and a half times as long as the share asks for.
  const hour = Math.floor(t / CYCLE_S);
  const length = CYCLE_S * late * (0.5 + noise(unit, hour + 31));
  const start = hour * CYCLE_S + noise(unit, hour + 37) * (CYCLE_S - length);
  if (t < start || t >= start + length) return inTime;
  return Math.ceil(start + length - t) + STORED_AFTER_S;
}

/** The report of a unit in one round, and when the provider registered it, s. */
function reportOf(unit: number, round: number, options: FleetOptions): PositionRecorded {
  const { tenantId, units, everyS, hasSignals } = options;
  const t = FLEET_START_S + round * everyS + (unit % everyS);
  const { latitude, longitude, isMoving, isIdling, courseDeg, drivenS, fuelL } = placeOf(
    unit,
    t,
    options,
  );
  const rt = t + delayOf(unit, round, t, options);
  const pages = Math.ceil(units / UNITS_PER_PAGE);
  const made = position({
    tenantId,
    unit: `wialon:${10_000 + unit}`,
    t,
    lat: Math.round(latitude * 1e6) / 1e6,
    lon: Math.round(longitude * 1e6) / 1e6,
    rt,
    speed: isMoving ? 36 + (unit % 9) : 0,
    offset: Math.floor((rt - FLEET_START_S) / everyS) * pages + (unit % pages),
    ...(hasSignals && {
      signals: {
        ignition: isMoving || isIdling,
        fuel_level_l: fuelL,
        odometer_km: 10_000 + Math.round(drivenS * 0.11) / 10,
      },
    }),
  });
  const index = Math.floor(unit / pages);
  return {
    ...made,
    course_deg: isMoving ? courseDeg : null,
    satellites: 9 + (unit % 5),
    trace: { ...made.trace, index },
  };
}

/** All reports in the order of their registration, round by round. */
export function* fleetRounds(options: FleetOptions): Generator<readonly PositionRecorded[]> {
  const waiting = new Map<number, PositionRecorded[]>();
  for (let round = 0; ; round += 1) {
    const now: PositionRecorded[] = waiting.get(round) ?? [];
    waiting.delete(round);
    for (let unit = 0; unit < options.units; unit += 1) {
      const report = reportOf(unit, round, options);
      const delayS = (report.provider_time - report.event_time) / 1000;
      const rounds = delayS < 60 ? 0 : Math.floor(delayS / options.everyS);
      if (rounds === 0) {
        now.push(report);
        continue;
      }
      const list = waiting.get(round + rounds) ?? [];
      list.push(report);
      waiting.set(round + rounds, list);
    }
    yield now;
  }
}

/** Progress of the fleet's source when a round is over, s. */
export function progressAfter(round: number, { everyS }: Pick<FleetOptions, 'everyS'>): number {
  return FLEET_START_S + round * everyS;
}

/** So many square zones where the fleet drives. */
export function fleetZones(count: number, tenantId: string): ZoneDescribed[] {
  return Array.from({ length: count }, (_, i) => {
    const [lat, lon] = [52 + noise(i, 21) * 0.5, 20.7 + noise(i, 22) * 0.6];
    const half = 0.001;
    const corners = [
      [lon - half, lat - half],
      [lon + half, lat - half],
      [lon + half, lat + half],
      [lon - half, lat + half],
    ] as const;
    return zone(`zone-${i}`, corners, { tenantId });
  });
}
