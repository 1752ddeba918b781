/**
 * Converts the published data sets into the tracks that this package ships. Run once, by hand:
 *
 *   node packages/wialon-twin/src/import-tracks.ts <folder of the data sets>
 *
 * sf-cabs:            vehicle_id,t,lat,lon      from fixes.csv.gz (time_utc → epoch seconds)
 * jersey-city-trucks: vehicle_id,t,lat,lon,rt   t = device_time_utc, rt = first_polled_utc
 *
 * Rows keep the file order and the digits of the coordinates; nothing is dropped, so the row number
 * (0-based, header not counted) names the same fix here and in the data set. Sites of the two data
 * sets are copied unchanged from geofences/sites.geojson.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

interface Conversion {
  readonly dataset: string;
  /** Output column → column of the data set and how it is written. */
  readonly columns: readonly (readonly [output: string, input: string, kind: 'text' | 'instant'])[];
}

const conversions: readonly Conversion[] = [
  {
    dataset: 'sf-cabs',
    columns: [
      ['vehicle_id', 'vehicle_id', 'text'],
      ['t', 'time_utc', 'instant'],
      ['lat', 'lat', 'text'],
      ['lon', 'lon', 'text'],
    ],
  },
  {
    dataset: 'jersey-city-trucks',
    columns: [
      ['vehicle_id', 'vehicle_id', 'text'],
      ['t', 'device_time_utc', 'instant'],
      ['lat', 'lat', 'text'],
      ['lon', 'lon', 'text'],
      ['rt', 'first_polled_utc', 'instant'],
    ],
  },
];

function epochSeconds(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !text.endsWith('Z')) throw new Error(`expected a UTC instant: ${text}`);
  return String(ms / 1000);
}

/** The converted CSV text. The sources quote nothing in the columns we take. */
export function convert(csv: string, columns: Conversion['columns']): string {
  const [header = '', ...lines] = csv.trimEnd().split(/\r?\n/);
  const names = header.split(',');
  const picks = columns.map(([, input, kind]) => {
    const index = names.indexOf(input);
    if (index < 0) throw new Error(`column ${input} is missing; found ${header}`);
    return { index, kind };
  });
  const out = [columns.map(([output]) => output).join(',')];
  for (const line of lines) {
    const cells = line.split(',');
    out.push(
      picks
        .map(({ index, kind }) => {
          const cell = cells[index] ?? '';
          return kind === 'instant' ? epochSeconds(cell) : cell;
        })
        .join(','),
    );
  }
  return `${out.join('\n')}\n`;
}

function importTracks(source: string): void {
  const target = join(import.meta.dirname, '..', 'tracks');
  for (const { dataset, columns } of conversions) {
    const csv = gunzipSync(readFileSync(join(source, dataset, 'fixes.csv.gz'))).toString('utf8');
    writeFileSync(join(target, `${dataset}.csv.gz`), gzipSync(convert(csv, columns), { level: 9 }));
  }
  const sites = JSON.parse(readFileSync(join(source, 'geofences', 'sites.geojson'), 'utf8')) as {
    features: { properties: { dataset: string } }[];
  };
  const datasets = new Set(conversions.map(({ dataset }) => dataset));
  const features = sites.features.filter(({ properties }) => datasets.has(properties.dataset));
  writeFileSync(
    join(target, 'sites.geojson'),
    `${JSON.stringify({ type: 'FeatureCollection', features })}\n`,
  );
}

if (import.meta.main) {
  const [source] = process.argv.slice(2);
  if (source === undefined) throw new Error('usage: import-tracks.ts <folder of the data sets>');
  importTracks(source);
}
