import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ZoneDescribed } from '@waybill/contracts';
import type { Fixture } from './messages.ts';
import { zone } from './messages.ts';

/** A data set of the demo. */
export type Recording = 'sf-cabs' | 'jersey-city-trucks';

const tracks = new URL('../../../../packages/wialon-twin/tracks/', import.meta.url);
const testdata = new URL('../../testdata/', import.meta.url);

function rowsOf(text: string): Record<string, string>[] {
  const [header = '', ...lines] = text.trim().split('\n');
  const names = header.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']));
  });
}

function gunzipped(file: string, folder: URL): string {
  return gunzipSync(readFileSync(new URL(file, folder))).toString('utf8');
}

/** All fixes in file order; the vehicle is the unit. The cabs' registration is the device time. */
export function fixturesOf(recording: Recording, tenantId: string): Fixture[] {
  return rowsOf(gunzipped(`${recording}.csv.gz`, tracks)).map((row) => ({
    tenantId,
    unit: `wialon:${row['vehicle_id']}`,
    t: Number(row['t']),
    lat: Number(row['lat']),
    lon: Number(row['lon']),
    rt: Number(row['rt'] ?? row['t']),
  }));
}

/** Rows of a reference file in testdata. */
export function referenceOf(file: string): Record<string, string>[] {
  const isPacked = file.endsWith('.gz');
  return rowsOf(
    isPacked ? gunzipped(file, testdata) : readFileSync(new URL(file, testdata), 'utf8'),
  );
}

/** The cabs with simulated fuel levels (testdata/README.md), in file order. */
export function fuelFixturesOf(tenantId: string): Fixture[] {
  const levels = referenceOf('sim-fuel-levels.csv.gz');
  return fixturesOf('sf-cabs', tenantId).map((fixture, i) => {
    const level = levels[i]?.['fuel_level_l'] ?? '';
    return { ...fixture, signals: { fuel_level_l: level === '' ? null : Number(level) } };
  });
}

/** A row of the car without a clock: session, whether it is a labelled idling one, and the message. */
export interface ObdRow {
  readonly session: string;
  readonly isIdle: boolean;
  readonly fixture: Omit<Fixture, 'lat' | 'lon'>;
}

/** The rows of the OBD recording, which has no positions. */
export function obdRows(): ObdRow[] {
  return referenceOf('etios-obd.csv.gz').map((row) => ({
    session: row['session'] ?? '',
    isIdle: row['kind'] === 'idle',
    fixture: {
      t: Number(row['t']),
      speed: Number(row['speed_kmh']),
      signals: {
        engine_rpm: Number(row['rpm']),
        fuel_level_percent: Number(row['fuel_level_percent']),
      },
    },
  }));
}

/** The electric car at 1 Hz; its battery's state of charge as a level in percent. */
export function electricFixtures(unit: string): Fixture[] {
  return referenceOf('rabat-ev.csv.gz').map((row) => ({
    unit,
    t: Number(row['t']),
    lat: Number(row['lat']),
    lon: Number(row['lon']),
    speed: Number(row['speed_kmh']),
    signals: { fuel_level_percent: Number(row['soc_percent']) },
  }));
}

interface Feature {
  readonly properties: { readonly id: string; readonly dataset: string };
  readonly geometry: { readonly coordinates: readonly (readonly [number, number])[][] };
}

/** The sites of a recording as zones; the geofence id is the site's id. */
export function sitesOf(recording: Recording, tenantId: string): ZoneDescribed[] {
  const text = readFileSync(new URL('sites.geojson', tracks), 'utf8');
  const { features } = JSON.parse(text) as { features: Feature[] };
  return features
    .filter((feature) => feature.properties.dataset === recording)
    .map(({ properties, geometry }) =>
      zone(properties.id, geometry.coordinates[0] ?? [], { tenantId }),
    );
}
