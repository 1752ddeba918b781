import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { distanceM } from '@waybill/domain';

interface Point {
  /** Longitude, degrees. */
  readonly x: number;
  /** Latitude, degrees. */
  readonly y: number;
}

/** A polygon geofence of a resource. */
export interface Zone {
  readonly id: number;
  readonly name: string;
  /** Outer ring without the repeated closing point. */
  readonly points: readonly Point[];
}

interface SiteFeature {
  readonly properties: { readonly id: string; readonly dataset: string };
  readonly geometry: { readonly coordinates: readonly (readonly (readonly [number, number])[])[] };
}

const SHIPPED = join(import.meta.dirname, '..', 'tracks');

/**
 * Zones of a data set from the sites.geojson of a folder, by default the shipped one; the zone id is the
 * number at the end of the site's id. A folder of one's own need not have the file.
 */
export function readZones(dataset: string, folder: string = SHIPPED): Zone[] {
  const file = join(folder, 'sites.geojson');
  if (folder !== SHIPPED && !existsSync(file)) return [];
  // Shipped with this package by import-tracks.ts; a test reads every zone.
  const { features } = JSON.parse(readFileSync(file, 'utf8')) as {
    features: readonly SiteFeature[];
  };
  return features
    .filter(({ properties }) => properties.dataset === dataset)
    .map(({ properties, geometry }) => ({
      id: Number(/\d+$/.exec(properties.id)?.[0]),
      name: properties.id,
      points: (geometry.coordinates[0] ?? []).slice(0, -1).map(([x, y]) => ({ x, y })),
    }));
}

const METRES_PER_DEGREE = 111_195;
const RADIANS = Math.PI / 180;

/** Pairs of neighbouring points, the last with the first. */
function sides(points: readonly Point[]): (readonly [Point, Point])[] {
  return points.flatMap((point, index) => {
    const next = points[(index + 1) % points.length];
    return next === undefined ? [] : [[point, next] as const];
  });
}

/** Square metres, on a plane that touches the polygon: its sites are a few hundred metres wide. */
function area(points: readonly Point[]): number {
  const shrink = Math.cos((points[0]?.y ?? 0) * RADIANS);
  const doubled = sides(points).reduce((sum, [a, b]) => sum + (a.x * b.y - b.x * a.y), 0);
  return Math.abs(doubled / 2) * shrink * METRES_PER_DEGREE ** 2;
}

function perimeter(points: readonly Point[]): number {
  return sides(points).reduce(
    (sum, [a, b]) =>
      sum + distanceM({ latitude: a.y, longitude: a.x }, { latitude: b.y, longitude: b.x }),
    0,
  );
}

function bounds(points: readonly Point[]): Record<string, number> {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [min_x, max_x] = [Math.min(...xs), Math.max(...xs)];
  const [min_y, max_y] = [Math.min(...ys), Math.max(...ys)];
  return { min_x, min_y, max_x, max_y, cen_x: (min_x + max_x) / 2, cen_y: (min_y + max_y) / 2 };
}

const tenth = (value: number): number => Math.round(value * 10) / 10;
const POLYGON = 2;
/** Show the shape, with outline: what the vendor's editor sets by default. */
const ZONE_FLAGS = 112;
const CREATED = 1_200_000_000;

/** Short form inside the resource (`zl`); `e` changes whenever the zone does. */
export function zoneSummary(zone: Zone): unknown {
  const { id, name: n, points } = zone;
  const e = crc32(JSON.stringify(zone));
  return { n, d: '', id, f: ZONE_FLAGS, t: POLYGON, e, b: bounds(points) };
}

/** Full form; flags: 1 area, 2 perimeter, 4 bounds, 8 points, 0x10 base. */
export function zoneData(zone: Zone, resourceId: number, flags: number): unknown {
  const { id, name: n, points } = zone;
  return {
    ...((flags & 0x10) !== 0 && {
      n,
      d: '',
      id,
      rid: resourceId,
      t: POLYGON,
      w: 0,
      f: ZONE_FLAGS,
      c: 2_566_914_048,
      tc: 0,
      ts: 12,
      min: 0,
      max: 18,
      i: 4_294_967_295,
      libId: 0,
      path: '',
      icon: '',
      jp: {},
      ct: CREATED,
      mt: CREATED,
    }),
    ...((flags & 1) !== 0 && { ar: tenth(area(points)) }),
    ...((flags & 2) !== 0 && { pr: tenth(perimeter(points)) }),
    ...((flags & 4) !== 0 && { b: bounds(points) }),
    ...((flags & 8) !== 0 && { p: points.map(({ x, y }) => ({ x, y, r: 0 })) }),
  };
}

/** Whether a place lies in a zone, by the even-odd rule on plain longitude and latitude. */
export function contains({ points }: Zone, lat: number, lon: number): boolean {
  return sides(points).reduce((inside, [a, b]) => {
    if (a.y > lat === b.y > lat) return inside;
    return lon < ((b.x - a.x) * (lat - a.y)) / (b.y - a.y) + a.x ? !inside : inside;
  }, false);
}
