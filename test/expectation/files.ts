import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Place } from './geometry.ts';

/** What the expectation reads of a scenario file; documented in packages/wialon-twin. */
export interface ScenarioAccount {
  readonly account: string;
  readonly tenant: string;
  readonly zone: string;
  readonly track: string;
  readonly base_time: string;
  readonly history_from: string;
  readonly resource_id: number;
  readonly first_unit_id: number;
  readonly zones: string;
  readonly registration: 'derived' | 'recorded';
}

export interface Scenario {
  readonly duration_s: number;
  readonly cut_s: number;
  readonly accounts: readonly ScenarioAccount[];
  readonly closings: readonly {
    readonly tenant: string;
    readonly business_date: string;
    readonly at_elapsed_s: number;
  }[];
  readonly unmapped: {
    readonly tenant: string;
    readonly vehicle_id: string;
    readonly mapped_at_elapsed_s: number;
  };
}

/** repeat: the row is registered once more at rt; the others: it is registered at rt instead. */
export interface RowTrouble {
  readonly op: 'repeat' | 'late' | 'held_back' | 'beyond';
  readonly account: string;
  readonly row: number;
  readonly rt: number;
}

/** One deviation from the recording. Times are epoch seconds. */
export type Trouble =
  | RowTrouble
  | {
      readonly op: 'future';
      readonly account: string;
      readonly unit: number;
      readonly t: number;
      readonly lat: number;
      readonly lon: number;
      readonly rt: number;
    }
  | { readonly op: 'malformed'; readonly account: string; readonly rt: number }
  | { readonly op: 'expire_session'; readonly account: string };

/** A row of a track; its number names it in the trouble plan. */
export interface TrackRow extends Place {
  readonly vehicle: string;
  readonly t: number;
  readonly rt: number | undefined;
}

export type CsvRow = Readonly<Record<string, string>>;

/** Rows of a CSV file, plain or gzipped, by the names in its header. Values have no quotes or commas. */
export function readCsv(file: string): CsvRow[] {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [header = '', ...lines] = text.split(/\r?\n/).filter(Boolean);
  const names = header.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
  });
}

/** The tracks stand beside the scenarios. */
export function tracksBeside(scenarioFile: string): string {
  return join(dirname(scenarioFile), '..', 'tracks');
}

export function readScenario(file: string): Scenario {
  return JSON.parse(readFileSync(file, 'utf8')) as Scenario;
}

export function readTrouble(file: string): readonly Trouble[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as { operations: Trouble[] }).operations;
}

/** Rows of a track in file order. */
export function readTrack(tracks: string, name: string): TrackRow[] {
  return readCsv(join(tracks, `${name}.csv.gz`)).map((row) => ({
    vehicle: row['vehicle_id'] ?? '',
    t: Number(row['t']),
    lat: Number(row['lat']),
    lon: Number(row['lon']),
    rt: row['rt'] === undefined ? undefined : Number(row['rt']),
  }));
}

interface Site {
  readonly properties: { readonly id: string; readonly dataset: string };
  readonly geometry: { readonly coordinates: readonly (readonly [number, number])[][] };
}

/** Outer rings of a data set's sites by the number in their id. */
export function readSites(tracks: string, dataset: string): { number: number; ring: Place[] }[] {
  const text = readFileSync(join(tracks, 'sites.geojson'), 'utf8');
  const { features } = JSON.parse(text) as { features: Site[] };
  return features
    .filter(({ properties }) => properties.dataset === dataset)
    .map(({ properties, geometry }) => ({
      number: Number(properties.id.split('-').at(-1)),
      ring: (geometry.coordinates[0] ?? []).map(([lon, lat]) => ({ lat, lon })),
    }));
}

/** Hours of grace in a tenant file, the only setting that the expectation depends on. */
export function readGraceHours(tenantDir: string): number {
  const text = readFileSync(join(tenantDir, 'tenant.yaml'), 'utf8');
  return Number(/^\s*grace_hours:\s*([\d.]+)/m.exec(text)?.[1] ?? 6);
}
