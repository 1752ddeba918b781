import {
  topics,
  type PageFetched,
  type Violation,
  type ZoneDescribed,
  type ZonePoint,
  type ZoneShape,
} from '@waybill/contracts';
import { isObject, parseJson, violation } from './json.ts';
import { reject, type Verdict } from './transformed.ts';

const contract = topics.zone.contracts.ZoneDescribed;

const SHAPES: ReadonlyMap<unknown, { readonly shape: ZoneShape; readonly leastPoints: number }> =
  new Map([
    [1, { shape: 'CORRIDOR', leastPoints: 2 }],
    [2, { shape: 'POLYGON', leastPoints: 3 }],
    [3, { shape: 'CIRCLE', leastPoints: 1 }],
  ]);

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** `rid` stands in the zone; older servers leave it out, then it is the item that was asked. */
function resourceOf(zone: Readonly<Record<string, unknown>>, page: PageFetched): unknown {
  if (zone['rid'] !== undefined) return zone['rid'];
  const parameters = parseJson(page.parameters)?.value;
  return isObject(parameters) ? parameters['itemId'] : undefined;
}

function readPoints(value: unknown, least: number, violations: Violation[]): ZonePoint[] {
  if (!Array.isArray(value) || value.length < least) {
    violations.push(violation('p', `at least ${least} points`, value));
    return [];
  }
  const points: ZonePoint[] = [];
  for (const [index, point] of (value as readonly unknown[]).entries()) {
    const latitude: unknown = isObject(point) ? point['y'] : undefined;
    const longitude: unknown = isObject(point) ? point['x'] : undefined;
    if (
      typeof latitude === 'number' &&
      typeof longitude === 'number' &&
      Math.abs(latitude) <= 90 &&
      Math.abs(longitude) <= 180
    ) {
      points.push({ latitude, longitude });
    } else {
      violations.push(violation(`p.${index}`, 'a point {x longitude, y latitude}', point));
    }
  }
  return points;
}

/** Corridor width stands in `w`, a circle's radius in `r` of its only point (and again in `w`). */
function widthOf(zone: Readonly<Record<string, unknown>>): number {
  const points = zone['p'];
  const first: unknown = Array.isArray(points) ? points[0] : undefined;
  const radius = zone['t'] === 3 && isObject(first) ? first['r'] : undefined;
  if (typeof radius === 'number' && radius > 0) return radius;
  const width = zone['w'];
  return typeof width === 'number' && width >= 0 ? width : 0;
}

/** One element of resource/get_zone_data: a geofence with its outline, one open interval. */
export function readZone(zone: unknown, page: PageFetched): Verdict {
  if (!isObject(zone)) return reject('ZONE_MALFORMED', [violation('', 'a zone object', zone)]);
  const violations: Violation[] = [];
  const resource = resourceOf(zone, page);
  if (!isId(resource)) violations.push(violation('rid', 'a resource id', resource));
  const id = zone['id'];
  if (!isId(id)) violations.push(violation('id', 'a zone id', id));
  const kind = SHAPES.get(zone['t']);
  if (kind === undefined) {
    violations.push(violation('t', '1 line, 2 polygon or 3 circle', zone['t']));
  }
  const points = readPoints(zone['p'], kind?.leastPoints ?? 1, violations);
  if (kind === undefined || violations.length > 0) return reject('ZONE_MALFORMED', violations);
  const geofence = `wialon:${String(resource)}_${String(id)}`;
  const name = zone['n'];
  const value: ZoneDescribed = {
    tenant_id: page.tenant_id,
    geofence_id: geofence,
    event_time: page.provider_now_time ?? page.received_time,
    revision: page.received_time,
    intervals: [
      {
        valid_from_time: null,
        valid_to_time: null,
        name: typeof name === 'string' && name !== '' ? name : geofence,
        shape: kind.shape,
        width_m: widthOf(zone),
        points,
      },
    ],
  };
  const broken = contract.violations(value);
  if (broken.length > 0) return reject('CONTRACT_VIOLATED', broken);
  return {
    kind: 'event',
    event: { contract: 'ZoneDescribed', key: `${page.tenant_id}/${geofence}`, value },
  };
}
