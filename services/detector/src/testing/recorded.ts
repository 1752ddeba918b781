import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { GeofenceCrossed, SiteVisited, TripCompleted } from '@waybill/contracts';
import { detectAll } from '../core/detect-all.ts';
import { fixOf, type Fix } from '../core/fix.ts';
import type { Rules } from '../core/rules.ts';
import type { Area } from '../core/zone-shape.ts';
import { position } from './messages.ts';

/*
 * Recordings as plain files: `<folder>/<recording>/fixes.csv[.gz]` with vehicle_id, lat, lon, a time (time_utc
 * or device_time_utc; a row without one is left out) and perhaps a recorded speed, in file order; beside it
 * `reference_trips_simple_rule.csv[.gz]`. `<folder>/geofences` holds `sites.geojson` and
 * `site_events_reference.csv.gz`.
 */

type Row = Readonly<Record<string, string>>;

/** Rows of `<path>.csv` or `<path>.csv.gz`; none when there is no such file. */
export function rowsOf(path: string): readonly Row[] {
  const file = [`${path}.csv.gz`, `${path}.csv`].find(existsSync);
  if (file === undefined) return [];
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [header = '', ...lines] = text.trim().split('\n');
  const names = header.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']));
  });
}

/** Recorded speed, km/h; undefined where the file has none. */
function speedOf(row: Row): number | undefined {
  const [kmh = '', mps = ''] = [row['speed_kmh'], row['speed_mps']];
  if (kmh !== '') return Number(kmh);
  return mps === '' ? undefined : Number(mps) * 3.6;
}

/**
 * All fixes by vehicle. Of several in one second the first row counts, because it was registered first, or
 * the one with the smallest latitude and longitude: the references chose either way.
 */
export function fixesOf(
  folder: string,
  recording: string,
  chosen: 'first' | 'smallest',
): ReadonlyMap<string, Fix[]> {
  const vehicles = new Map<string, Fix[]>();
  const rows = rowsOf(join(folder, recording, 'fixes')).toSorted((a, b) =>
    chosen === 'first'
      ? 0
      : Number(a['lat']) - Number(b['lat']) || Number(a['lon']) - Number(b['lon']),
  );
  for (const [index, row] of rows.entries()) {
    const time = Date.parse(row['time_utc'] ?? row['device_time_utc'] ?? '');
    const vehicle = row['vehicle_id'] ?? '';
    if (Number.isNaN(time) || row['lat'] === '') continue;
    const speed = speedOf(row);
    const made = position({
      unit: `wialon:${vehicle}`,
      t: time / 1000,
      lat: Number(row['lat']),
      lon: Number(row['lon']),
      ...(speed === undefined ? {} : { speed }),
    });
    const fix = fixOf({ ...made, provider_time: time + index });
    const fixes = vehicles.get(vehicle);
    if (fixes === undefined) vehicles.set(vehicle, [fix]);
    else fixes.push(fix);
  }
  return vehicles;
}

/** True when the recording has a speed to tell movement by. */
export function hasSpeed(vehicles: ReadonlyMap<string, readonly Fix[]>): boolean {
  return [...vehicles.values()].some((fixes) => fixes.some((fix) => fix.speedKmh !== undefined));
}

interface Feature {
  readonly properties: { readonly id: string; readonly dataset: string };
  readonly geometry: { readonly coordinates: readonly (readonly [number, number])[][] };
}

/** The sites of a recording. */
export function areasOf(folder: string, recording: string): Area[] {
  const file = join(folder, 'geofences', 'sites.geojson');
  if (!existsSync(file)) return [];
  const { features } = JSON.parse(readFileSync(file, 'utf8')) as { features: Feature[] };
  return features
    .filter(({ properties }) => properties.dataset === recording)
    .map(({ properties, geometry }) => ({
      zoneId: properties.id,
      shape: 'POLYGON',
      widthM: 0,
      points: (geometry.coordinates[0] ?? []).map(([longitude, latitude]) => ({
        latitude,
        longitude,
      })),
      validFrom: -Infinity,
      validTo: Infinity,
    }));
}

/** What the detector says about a recording. */
export interface Detected {
  readonly trips: readonly TripCompleted[];
  readonly visits: readonly SiteVisited[];
  readonly crossings: readonly GeofenceCrossed[];
}

/** Runs every rule over a recording, vehicle by vehicle. */
export function detectRecording(
  vehicles: ReadonlyMap<string, readonly Fix[]>,
  rules: Rules,
): Detected {
  const trips: TripCompleted[] = [];
  const visits: SiteVisited[] = [];
  const crossings: GeofenceCrossed[] = [];
  for (const [vehicle, fixes] of vehicles) {
    const identity = { tenantId: 'bay-cabs', unit: `wialon:${vehicle}` };
    for (const { message } of detectAll(identity, fixes, rules).announcements) {
      // Each topic of the detector carries one type under its own name.
      if (message.type === 'TripCompleted') trips.push(message.value as TripCompleted);
      if (message.type === 'SiteVisited') visits.push(message.value as SiteVisited);
      if (message.type === 'GeofenceCrossed') crossings.push(message.value as GeofenceCrossed);
    }
  }
  return { trips, visits, crossings };
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** What separates our trips from those of a reference. */
export interface TripDifference {
  readonly reference: number;
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  /** Greatest relative difference of a distance that is more than a centimetre per fix. */
  readonly worstDistance: number;
}

/** Compares row for row: vehicle and times exact. */
export function compareTrips(
  trips: readonly TripCompleted[],
  reference: readonly Row[],
): TripDifference {
  const ours = new Map(
    trips.map((trip) => [
      `${trip.unit.slice('wialon:'.length)} ${iso(trip.start_time)} ${iso(trip.end_time)}`,
      trip.distance_km * 1000,
    ]),
  );
  const theirs = new Map(
    reference.map((row) => [
      `${row['vehicle_id']} ${row['start_utc']} ${row['end_utc']}`,
      Number(row['distance_m']),
    ]),
  );
  let worstDistance = 0;
  for (const [key, metres] of theirs) {
    // Ours is published in hundredths of a kilometre, theirs in metres.
    const off = Math.max(0, Math.abs((ours.get(key) ?? metres) - metres) - 5.5);
    worstDistance = Math.max(worstDistance, off / metres);
  }
  return {
    reference: theirs.size,
    missing: [...theirs.keys()].filter((key) => !ours.has(key)),
    extra: [...ours.keys()].filter((key) => !theirs.has(key)),
    worstDistance,
  };
}

/** What separates our crossings from those of a reference without debounce. */
export interface CrossingDifference {
  readonly reference: number;
  readonly ours: number;
  /** Stays of over 5 min that we did not find. */
  readonly missedStays: readonly string[];
  readonly stays: number;
  /** Our entries without a reference entry in the same step. */
  readonly unfounded: readonly string[];
}

/** Compares entries and exits with the reference's changes of state. */
export function compareCrossings(
  visits: readonly SiteVisited[],
  reference: readonly Row[],
): CrossingDifference {
  const entries = new Set<string>();
  const stays: { readonly place: string; readonly from: number; readonly to: number }[] = [];
  const open = new Map<string, number>();
  for (const row of reference) {
    const place = `${row['vehicle_id']} ${row['geofence_id']}`;
    const time = Date.parse(row['time_utc'] ?? '');
    if (row['event'] === 'enter') {
      open.set(place, time);
      entries.add(`${place} ${time}`);
      continue;
    }
    const from = open.get(place);
    open.delete(place);
    if (from !== undefined && time - from > 300_000) stays.push({ place, from, to: time });
  }
  const placeOf = ({ unit, geofence_id }: SiteVisited): string =>
    `${unit.slice('wialon:'.length)} ${geofence_id}`;
  const byPlace = Map.groupBy(visits, placeOf);
  const missed = stays.filter(
    ({ place, from, to }) =>
      !(byPlace.get(place) ?? []).some(
        (visit) => visit.entered_time <= to && (visit.left_time ?? Infinity) >= from,
      ),
  );
  return {
    reference: reference.length,
    ours: visits.reduce((sum, { status }) => sum + (status === 'LEFT' ? 2 : 1), 0),
    stays: stays.length,
    missedStays: missed.map(({ place, from }) => `${place} ${iso(from)}`),
    unfounded: visits
      .map((visit) => `${placeOf(visit)} ${visit.entered_time}`)
      .filter((key) => !entries.has(key)),
  };
}
