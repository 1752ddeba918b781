import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Scenario, ScenarioAccount } from './scenario.ts';
import { windowOf } from './scenario.ts';

/** One row of a track. */
export interface RecordedFix {
  /** 0-based row of the CSV, header not counted; trouble plans name fixes by it. */
  readonly row: number;
  readonly vehicleId: string;
  /** Device time, epoch seconds. */
  readonly t: number;
  /** WGS84 degrees. */
  readonly lat: number;
  readonly lon: number;
  /** Registration time, epoch seconds; undefined where the track has none. */
  readonly rt: number | undefined;
}

/** A track as shipped: rows in file order, held in columns because a run needs few of its rows. */
export interface Recording {
  readonly track: string;
  /** Rows. */
  readonly size: number;
  /** Vehicle ids in string order. */
  readonly vehicles: readonly string[];
  /** Device times by row, epoch seconds. */
  readonly times: Readonly<Float64Array>;
  /** The fix of a row; throws RangeError when there is none. */
  fix(row: number): RecordedFix;
}

/** A fix as the server of its account registers it when nothing goes wrong. */
export interface Registration {
  readonly row: number;
  readonly unitId: number;
  readonly t: number;
  readonly lat: number;
  readonly lon: number;
  readonly rt: number;
}

const LINE_END = 10;

/** Reads tracks/<track>.csv.gz. */
export function readRecording(track: string): Recording {
  const file = join(import.meta.dirname, '..', 'tracks', `${track}.csv.gz`);
  const csv = gunzipSync(readFileSync(file));
  const size = csv.reduce((lines, byte) => lines + (byte === LINE_END ? 1 : 0), -1);
  const column = (): Float64Array => new Float64Array(size).fill(Number.NaN);
  const [ts, lats, lons, rts] = [column(), column(), column(), column()];
  const owners = new Uint16Array(size);
  const names = new Map<string, number>();
  let start = csv.indexOf(LINE_END) + 1;
  for (let row = 0; row < size; row++) {
    const end = csv.indexOf(LINE_END, start);
    const [vehicle = '', t, lat, lon, rt] = csv.toString('latin1', start, end).split(',');
    start = end + 1;
    const owner = names.get(vehicle) ?? names.size;
    names.set(vehicle, owner);
    owners[row] = owner;
    ts[row] = Number(t);
    lats[row] = Number(lat);
    lons[row] = Number(lon);
    if (rt !== undefined) rts[row] = Number(rt);
  }
  const vehicleIds = [...names.keys()];
  return {
    track,
    size,
    vehicles: [...vehicleIds].sort(),
    times: ts,
    fix: (row) => {
      const [t, lat, lon, rt = Number.NaN] = [ts[row], lats[row], lons[row], rts[row]];
      const vehicleId = vehicleIds[owners[row] ?? -1];
      if (t === undefined || lat === undefined || lon === undefined || vehicleId === undefined) {
        throw new RangeError(`${track} has no row ${row}`);
      }
      return { row, vehicleId, t, lat, lon, rt: Number.isNaN(rt) ? undefined : rt };
    },
  };
}

/** Unit item ids by vehicle id: ascending from the account's first id, in string order of the vehicle ids. */
export function unitIdsOf(account: ScenarioAccount, recording: Recording): Map<string, number> {
  return new Map(
    recording.vehicles.map((vehicle, index) => [vehicle, account.first_unit_id + index]),
  );
}

/**
 * Registration delay in seconds, 2..10, for tracks that have no registration time. Integer
 * arithmetic on purpose: the independent expectation computes the same without our code.
 */
export function derivedDelay(t: number, unitId: number): number {
  return 2 + ((Math.trunc(t) * 7919 + unitId * 104729) % 9);
}

/**
 * What the server would hold without trouble, in file order: fixes registered up to the cut; those
 * before `history_from` only where the recording says when they were registered.
 */
export function registrationsOf(
  scenario: Scenario,
  account: ScenarioAccount,
  recording: Recording,
): Registration[] {
  const { cut, historyFrom } = windowOf(scenario, account);
  const units = unitIdsOf(account, recording);
  const registrations: Registration[] = [];
  const derives = account.registration === 'derived';
  for (const [row, time] of recording.times.entries()) {
    if (derives && (time < historyFrom || time > cut)) continue;
    const { vehicleId, t, lat, lon, rt: recorded } = recording.fix(row);
    const unitId = units.get(vehicleId) ?? 0;
    const rt = derives ? t + derivedDelay(t, unitId) : recorded;
    if (rt === undefined) throw new Error(`${recording.track} has no registration times`);
    if (rt <= cut) registrations.push({ row, unitId, t, lat, lon, rt });
  }
  return registrations;
}
