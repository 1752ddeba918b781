import { distanceM, type Coordinate } from '@waybill/domain';

export type AreaShape = 'POLYGON' | 'CIRCLE' | 'CORRIDOR';

/** One shape of a zone and when it holds. */
export interface Area {
  readonly zoneId: string;
  readonly shape: AreaShape;
  /** Radius of a circle, full width of a corridor, m. */
  readonly widthM: number;
  readonly points: readonly Coordinate[];
  /** ms; inclusive. */
  readonly validFrom: number;
  /** ms; exclusive. */
  readonly validTo: number;
}

/** A mistake in a shape. */
export type AreaProblem =
  | 'no_points'
  | 'position_invalid'
  /** A polygon of fewer than three different corners. */
  | 'two_points'
  /** A circle or corridor of no width. */
  | 'no_width'
  | 'crosses_itself';

const DEGREE_M = (6_371_000 * Math.PI) / 180;
/** Steps of the bisection that finds a crossing: a step of 5 km is cut to 5 mm. */
const BISECTIONS = 20;

/** Even-odd rule on a ring in plain longitude and latitude; a point on the edge falls on either side. */
export function insideRing(ring: readonly Coordinate[], point: Coordinate): boolean {
  const { latitude: y, longitude: x } = point;
  let inside = false;
  let previous = ring.at(-1);
  for (const corner of ring) {
    if (previous !== undefined && corner.latitude > y !== previous.latitude > y) {
      const share = (y - corner.latitude) / (previous.latitude - corner.latitude);
      if (x < (previous.longitude - corner.longitude) * share + corner.longitude) inside = !inside;
    }
    previous = corner;
  }
  return inside;
}

/** Distance in m from the segment a-b, on a plane that touches the earth at the point. */
function segmentDistanceM(a: Coordinate, b: Coordinate, point: Coordinate): number {
  const east = DEGREE_M * Math.cos((point.latitude * Math.PI) / 180);
  const ax = (a.longitude - point.longitude) * east;
  const ay = (a.latitude - point.latitude) * DEGREE_M;
  const bx = (b.longitude - point.longitude) * east;
  const by = (b.latitude - point.latitude) * DEGREE_M;
  const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
  const share =
    length2 === 0 ? 0 : Math.min(1, Math.max(0, -(ax * (bx - ax) + ay * (by - ay)) / length2));
  return Math.hypot(ax + share * (bx - ax), ay + share * (by - ay));
}

/** Distance in m from a line of corners; `closed` joins the last to the first. */
function lineDistanceM(line: readonly Coordinate[], point: Coordinate, closed: boolean): number {
  let least = Infinity;
  let previous = closed ? line.at(-1) : undefined;
  for (const corner of line) {
    least = Math.min(least, segmentDistanceM(previous ?? corner, corner, point));
    previous = corner;
  }
  return least;
}

/** True when the shape holds the point; its validity is not looked at. */
export function holds(area: Area, point: Coordinate): boolean {
  const [first] = area.points;
  if (first === undefined) return false;
  switch (area.shape) {
    case 'POLYGON':
      return insideRing(area.points, point);
    case 'CIRCLE':
      return distanceM(first, point) <= area.widthM;
    case 'CORRIDOR':
      return lineDistanceM(area.points, point, false) <= area.widthM / 2;
  }
}

/** How far the point is from the shape's edge, m; the same inside and outside. */
export function depthM(area: Area, point: Coordinate): number {
  const [first] = area.points;
  if (first === undefined) return Infinity;
  switch (area.shape) {
    case 'POLYGON':
      return lineDistanceM(area.points, point, true);
    case 'CIRCLE':
      return Math.abs(distanceM(first, point) - area.widthM);
    case 'CORRIDOR':
      return Math.abs(lineDistanceM(area.points, point, false) - area.widthM / 2);
  }
}

/** The point at that share of the way, in plain longitude and latitude. */
export function between(from: Coordinate, to: Coordinate, share: number): Coordinate {
  return {
    latitude: from.latitude + (to.latitude - from.latitude) * share,
    longitude: from.longitude + (to.longitude - from.longitude) * share,
  };
}

/**
 * The share of the way from `from` to `to` at which a straight line crosses the shape's edge. One of the
 * two must be inside, the other outside; of several crossings one is found, always the same.
 */
export function crossingShare(area: Area, from: Coordinate, to: Coordinate): number {
  const startsInside = holds(area, from);
  let low = 0;
  let high = 1;
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (low + high) / 2;
    if (holds(area, between(from, to, middle)) === startsInside) low = middle;
    else high = middle;
  }
  return high;
}

/** Twice the signed area of the triangle a-b-c: its sign says on which side of a-b lies c. */
function turn(a: Coordinate, b: Coordinate, c: Coordinate): number {
  return (
    (b.longitude - a.longitude) * (c.latitude - a.latitude) -
    (b.latitude - a.latitude) * (c.longitude - a.longitude)
  );
}

function cross(a: Coordinate, b: Coordinate, c: Coordinate, d: Coordinate): boolean {
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

/** The corners without repeats that follow each other; of a closed ring the last one too. */
function corners(points: readonly Coordinate[]): Coordinate[] {
  return points.filter((point, i) => {
    const before = points[(i === 0 ? points.length : i) - 1];
    const isRepeat = before?.latitude === point.latitude && before.longitude === point.longitude;
    return !isRepeat || points.length === 1;
  });
}

/** Rings of more corners are not looked through for crossings: every pair of edges is tried. */
const MAX_CHECKED_CORNERS = 1_000;

/** True when two edges of the ring cross. */
function crossesItself(ring: readonly Coordinate[]): boolean {
  if (ring.length > MAX_CHECKED_CORNERS) return false;
  const at = (i: number): Coordinate => ring[i % ring.length] as Coordinate;
  for (let i = 0; i < ring.length; i += 1) {
    for (let j = i + 2; j < ring.length; j += 1) {
      if (i === 0 && j === ring.length - 1) continue;
      if (cross(at(i), at(i + 1), at(j), at(j + 1))) return true;
    }
  }
  return false;
}

/** The first mistake in a shape. Only one that crosses itself can be entered all the same. */
export function problemOf(area: Area): AreaProblem | undefined {
  const { points, shape, widthM } = area;
  if (points.length === 0) return 'no_points';
  const isPlace = ({ latitude, longitude }: Coordinate): boolean =>
    Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  if (!points.every(isPlace)) return 'position_invalid';
  if (shape !== 'POLYGON') return widthM > 0 ? undefined : 'no_width';
  const ring = corners(points);
  if (ring.length < 3) return 'two_points';
  return crossesItself(ring) ? 'crosses_itself' : undefined;
}
