import { sensorValue, type Sensor } from '../equipment/sensors.ts';
import { contains, type Zone } from '../zones.ts';
import { lengthOf, tripsOf, type Track, type Trip } from '../trips.ts';
import type { TripDetector } from '../equipment/settings.ts';

/** Value types of cells (fact sheet 10). */
const vt = { text: 0, metres: 10, speed: 20, dateTime: 30, interval: 40, litres: 50 } as const;

/** A cell: text, or a value with its type and place. */
export type Cell =
  | string
  | {
      readonly t: string;
      readonly v: number;
      readonly vt: number;
      readonly y?: number;
      readonly x?: number;
    };

/** One row of a table: the messages and the interval it covers, and its cells. */
export interface Row {
  readonly i1: number;
  readonly i2: number;
  readonly t1: number;
  readonly t2: number;
  readonly c: readonly Cell[];
}

/** What a report is made from. */
export interface ReportInput {
  readonly unitName: string;
  readonly tracks: readonly Track[];
  readonly detector: TripDetector;
  readonly sensors: readonly Sensor[];
  readonly zones: readonly Zone[];
}

/** A report template with one table. */
export interface Template {
  readonly id: number;
  readonly name: string;
  /** Name of the table as the provider calls it. */
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: (input: ReportInput) => Row[];
}

const text = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);

function timeCell({ t, lat, lon }: Track): Cell {
  return { t: text(t), v: t, vt: vt.dateTime, y: lat, x: lon };
}

function interval(seconds: number): Cell {
  const [h, m, s] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  const two = (value: number | undefined): string => String(value ?? 0).padStart(2, '0');
  return { t: `${h}:${two(m)}:${two(s)}`, v: seconds, vt: vt.interval };
}

const metres = (value: number): Cell => ({
  t: `${(value / 1000).toFixed(2)} km`,
  v: Math.round(value),
  vt: vt.metres,
});

const rowOf = (from: Track, to: Track, c: readonly Cell[]): Row => ({
  i1: from.i,
  i2: to.i,
  t1: from.t,
  t2: to.t,
  c,
});

function tripRow({ from, to, metres: length, maxSpeed }: Trip): Row {
  const speed = { t: `${maxSpeed} km/h`, v: maxSpeed, vt: vt.speed };
  return rowOf(from, to, [
    timeCell(from),
    timeCell(to),
    interval(to.t - from.t),
    metres(length),
    speed,
  ]);
}

/** Runs of positions for which a test holds. */
function runs(tracks: readonly Track[], holds: (track: Track) => boolean): Track[][] {
  const found: Track[][] = [];
  let run: Track[] = [];
  for (const track of tracks) {
    if (holds(track)) run.push(track);
    else if (run.length > 0) {
      found.push(run);
      run = [];
    }
  }
  return run.length > 0 ? [...found, run] : found;
}

function spanRow(run: readonly Track[], before: readonly Cell[], after: readonly Cell[]): Row[] {
  const [from, to] = [run[0], run.at(-1)];
  if (from === undefined || to === undefined) return [];
  const times = [timeCell(from), timeCell(to), interval(to.t - from.t)];
  return [rowOf(from, to, [...before, ...times, ...after])];
}

function zoneRows({ tracks, zones }: ReportInput): Row[] {
  return zones
    .flatMap((zone) =>
      runs(tracks, ({ lat, lon }) => contains(zone, lat, lon)).flatMap((run) =>
        spanRow(run, [zone.name], []),
      ),
    )
    .sort((a, b) => a.t1 - b.t1);
}

function engineRows({ tracks }: ReportInput): Row[] {
  return runs(tracks, ({ parameters }) => parameters['ignition'] === 1).flatMap((run) =>
    spanRow(run, [], [metres(lengthOf(run))]),
  );
}

/** Litres by which a level must rise between two messages to count as a filling. */
const MIN_FILLING_L = 10;

function fillingRows({ tracks, sensors }: ReportInput): Row[] {
  const sensor = sensors.find(({ t }) => t === 'fuel level');
  if (sensor === undefined) return [];
  const litres = (value: number): Cell => ({
    t: `${value.toFixed(2)} l`,
    v: Math.round(value * 100) / 100,
    vt: vt.litres,
  });
  return tracks.flatMap((to, index) => {
    const from = tracks[index - 1];
    if (from === undefined) return [];
    const [before, after] = [from, to].map(({ parameters }) => sensorValue(sensor, parameters));
    if (typeof before !== 'number' || typeof after !== 'number') return [];
    if (before < 0 || after - before < MIN_FILLING_L) return [];
    return [
      rowOf(from, to, [
        timeCell(to),
        litres(before),
        litres(after - before),
        litres(after),
        sensor.n,
      ]),
    ];
  });
}

/** The report templates of every resource with full equipment. */
export const templates: readonly Template[] = [
  {
    id: 1,
    name: 'Trips',
    table: 'unit_trips',
    columns: [
      { name: 'Beginning', type: 'time_begin' },
      { name: 'End', type: 'time_end' },
      { name: 'Duration', type: 'duration' },
      { name: 'Mileage', type: 'mileage' },
      { name: 'Max speed', type: 'max_speed' },
    ],
    rows: ({ tracks, detector }) => tripsOf(tracks, detector).map(tripRow),
  },
  {
    id: 2,
    name: 'Geofence visits',
    table: 'unit_zones_visit',
    columns: [
      { name: 'Geofence', type: 'zone_name' },
      { name: 'Time in', type: 'time_begin' },
      { name: 'Time out', type: 'time_end' },
      { name: 'Duration in', type: 'duration_in' },
    ],
    rows: zoneRows,
  },
  {
    id: 3,
    name: 'Fuel fillings',
    table: 'unit_fillings',
    columns: [
      { name: 'Time', type: 'time_end' },
      { name: 'Initial fuel level', type: 'fuel_level_begin' },
      { name: 'Filled', type: 'filled' },
      { name: 'Final fuel level', type: 'fuel_level_filled' },
      { name: 'Sensor', type: 'sensor_name' },
    ],
    rows: fillingRows,
  },
  {
    id: 4,
    name: 'Engine hours',
    table: 'unit_engine_hours',
    columns: [
      { name: 'Beginning', type: 'time_begin' },
      { name: 'End', type: 'time_end' },
      { name: 'Engine hours', type: 'duration' },
      { name: 'Mileage', type: 'mileage' },
    ],
    rows: engineRows,
  },
];
