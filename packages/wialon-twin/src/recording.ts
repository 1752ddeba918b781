import { existsSync, readFileSync } from 'node:fs';
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
  /** km/h and degrees, where the track has them. */
  readonly speed?: number;
  readonly course?: number;
  /** Message parameters, where the track has any. */
  readonly parameters?: Readonly<Record<string, number | string>>;
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
  readonly speed?: number;
  readonly course?: number;
  readonly parameters?: Readonly<Record<string, number | string>>;
}

const LINE_END = 10;
const REQUIRED = ['vehicle_id', 't', 'lat', 'lon'] as const;
const NUMBERS = ['t', 'lat', 'lon', 'rt', 'speed', 'course'] as const;
const PARAMETER = 'p.';

/** The shipped tracks. */
const SHIPPED = join(import.meta.dirname, '..', 'tracks');

/** A file of a track: `<track>.csv.gz`, or `<track>.csv` in a folder of one's own. */
function bytesOf(track: string, folder: string): Buffer {
  const file = join(folder, `${track}.csv`);
  return existsSync(`${file}.gz`) ? gunzipSync(readFileSync(`${file}.gz`)) : readFileSync(file);
}

function headerOf(csv: Buffer, track: string): string[] {
  const names = csv.toString('utf8', 0, csv.indexOf(LINE_END)).trim().split(',');
  const missing = REQUIRED.filter((name) => !names.includes(name));
  if (missing.length === 0) return names;
  throw new Error(
    `${track}.csv: expected the columns ${REQUIRED.join(', ')}; no ${missing.join()}`,
  );
}

interface Columns {
  readonly owners: Uint16Array;
  readonly names: Map<string, number>;
  readonly numbers: Readonly<Record<(typeof NUMBERS)[number], Float64Array>>;
  /** Message parameters by row, as written. */
  readonly parameters: ReadonlyMap<string, string[]>;
}

function checked(row: number, { numbers }: Columns, track: string): void {
  const [t, lat, lon] = [numbers.t[row], numbers.lat[row], numbers.lon[row]];
  if ([t, lat, lon].every((value) => value !== undefined && Number.isFinite(value))) return;
  throw new Error(`${track}.csv, line ${row + 2}: t, lat and lon must be numbers`);
}

function readColumns(csv: Buffer, track: string): Columns & { readonly size: number } {
  const header = headerOf(csv, track);
  const ends = csv.at(-1) === LINE_END ? -1 : 0;
  const size = csv.reduce((lines, byte) => lines + (byte === LINE_END ? 1 : 0), ends);
  const column = (): Float64Array => new Float64Array(size).fill(Number.NaN);
  const columns: Columns = {
    owners: new Uint16Array(size),
    names: new Map(),
    numbers: {
      t: column(),
      lat: column(),
      lon: column(),
      rt: column(),
      speed: column(),
      course: column(),
    },
    parameters: new Map(
      header
        .filter((name) => name.startsWith(PARAMETER))
        .map((name) => [name.slice(PARAMETER.length), Array.from({ length: size }, () => '')]),
    ),
  };
  let start = csv.indexOf(LINE_END) + 1;
  for (let row = 0; row < size; row++) {
    const found = csv.indexOf(LINE_END, start);
    const cells = csv
      .toString('utf8', start, found < 0 ? csv.length : found)
      .trim()
      .split(',');
    start = found + 1;
    for (const [index, name] of header.entries()) put(columns, row, name, cells[index] ?? '');
    checked(row, columns, track);
  }
  return { ...columns, size };
}

function put(columns: Columns, row: number, name: string, cell: string): void {
  const { names, owners, numbers, parameters } = columns;
  if (name === 'vehicle_id') {
    const owner = names.get(cell) ?? names.size;
    names.set(cell, owner);
    owners[row] = owner;
    return;
  }
  const known = NUMBERS.find((one) => one === name);
  if (known !== undefined && cell !== '') numbers[known][row] = Number(cell);
  const own = parameters.get(name.slice(PARAMETER.length));
  if (own !== undefined && name.startsWith(PARAMETER)) own[row] = cell;
}

/** What a track has beyond positions and registration: speed, course, message parameters. */
function extrasOf({ numbers, parameters }: Columns, row: number): Partial<RecordedFix> {
  const [speed, course] = [numbers.speed[row], numbers.course[row]].map(orUndefined);
  const written = [...parameters].flatMap(([name, cells]) => {
    const cell = cells[row] ?? '';
    return cell === '' ? [] : [[name, Number.isNaN(Number(cell)) ? cell : Number(cell)] as const];
  });
  return {
    ...(speed !== undefined && { speed }),
    ...(course !== undefined && { course }),
    ...(written.length > 0 && { parameters: Object.fromEntries(written) }),
  };
}

const orUndefined = (value: number | undefined): number | undefined =>
  value === undefined || Number.isNaN(value) ? undefined : value;

function shift({ t, rt }: Columns['numbers'], row: number, seconds: number): void {
  t[row] = (t[row] ?? 0) + seconds;
  rt[row] = (rt[row] ?? 0) + seconds;
}

/** Reads <track>.csv.gz or <track>.csv of a folder, by default that of the shipped tracks. */
export function readRecording(
  track: string,
  folder: string = SHIPPED,
  shiftS: number = 0,
): Recording {
  const columns = readColumns(bytesOf(track, folder), track);
  const { owners, numbers, size } = columns;
  if (shiftS !== 0) for (const row of owners.keys()) shift(numbers, row, shiftS);
  const vehicleIds = [...columns.names.keys()];
  return {
    track,
    size,
    vehicles: [...vehicleIds].sort(),
    times: numbers.t,
    fix: (row) => {
      const [t, lat, lon] = [numbers.t[row], numbers.lat[row], numbers.lon[row]];
      const vehicleId = vehicleIds[owners[row] ?? -1];
      if (t === undefined || lat === undefined || lon === undefined || vehicleId === undefined) {
        throw new RangeError(`${track} has no row ${row}`);
      }
      return {
        row,
        vehicleId,
        t,
        lat,
        lon,
        rt: orUndefined(numbers.rt[row]),
        ...extrasOf(columns, row),
      };
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
    const { vehicleId, rt: recorded, ...fix } = recording.fix(row);
    const { t } = fix;
    const unitId = units.get(vehicleId) ?? 0;
    const rt = derives ? t + derivedDelay(t, unitId) : recorded;
    if (rt === undefined) throw new Error(`${recording.track} has no registration times`);
    if (rt <= cut) registrations.push({ ...fix, unitId, rt });
  }
  return registrations;
}
