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
  return rowsOf(gunzipped(file, testdata));
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
