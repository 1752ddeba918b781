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

/** Answers which zones hold a point. */
export interface ZoneIndex {
  /** Ids ascending. */
  readonly ids: readonly string[];
  /** Ids, ascending, of the zones that hold the point at that time. */
  readonly containing: (point: Coordinate, time: number) => readonly string[];
}

const NONE: readonly string[] = [];
const CELL_DEGREES = 0.02;
/** A shape over more cells stands in the list that is tested for every point. */
const MAX_CELLS_PER_AREA = 400;
const DEGREE_M = (6_371_000 * Math.PI) / 180;

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

function holds(area: Area, point: Coordinate): boolean {
  const [first] = area.points;
  if (first === undefined) return false;
  switch (area.shape) {
    case 'POLYGON':
      return insideRing(area.points, point);
    case 'CIRCLE':
      return distanceM(first, point) <= area.widthM;
    case 'CORRIDOR':
      return area.points.some(
        (corner, i) =>
          segmentDistanceM(area.points[i - 1] ?? corner, corner, point) <= area.widthM / 2,
      );
  }
}

interface Box {
  south: number;
  north: number;
  west: number;
  east: number;
}

function boxOf(area: Area): Box {
  const box: Box = { south: Infinity, north: -Infinity, west: Infinity, east: -Infinity };
  for (const { latitude, longitude } of area.points) {
    box.south = Math.min(box.south, latitude);
    box.north = Math.max(box.north, latitude);
    box.west = Math.min(box.west, longitude);
    box.east = Math.max(box.east, longitude);
  }
  if (area.shape !== 'POLYGON') {
    // Ten percent more than needed: the box only sorts out what is certainly outside.
    const reach = (area.widthM * 1.1) / DEGREE_M;
    const narrow = Math.max(0.01, Math.cos((Math.max(-box.south, box.north) * Math.PI) / 180));
    box.south -= reach;
    box.north += reach;
    box.west -= reach / narrow;
    box.east += reach / narrow;
  }
  return box;
}

interface Boxed extends Box {
  readonly area: Area;
}

function lineOf(degrees: number): number {
  return Math.floor(degrees / CELL_DEGREES);
}

function cellAt(row: number, column: number): number {
  return row * 100_000 + column;
}

function spread(boxed: Boxed, cells: Map<number, Boxed[]>, wide: Boxed[]): void {
  const [south, north] = [lineOf(boxed.south), lineOf(boxed.north)];
  const [west, east] = [lineOf(boxed.west), lineOf(boxed.east)];
  if ((north - south + 1) * (east - west + 1) > MAX_CELLS_PER_AREA) {
    wide.push(boxed);
    return;
  }
  for (let row = south; row <= north; row += 1) {
    for (let column = west; column <= east; column += 1) {
      const cell = cellAt(row, column);
      const list = cells.get(cell);
      if (list === undefined) cells.set(cell, [boxed]);
      else list.push(boxed);
    }
  }
}

/** A grid over the areas' boxes: a point is tested against the few shapes of its cell. */
export function buildZoneIndex(areas: readonly Area[]): ZoneIndex {
  const cells = new Map<number, Boxed[]>();
  const wide: Boxed[] = [];
  for (const area of areas) {
    if (area.points.length > 0) spread({ area, ...boxOf(area) }, cells, wide);
  }
  const collect = (
    list: readonly Boxed[],
    point: Coordinate,
    time: number,
    found: string[] | undefined,
  ): string[] | undefined => {
    const { latitude, longitude } = point;
    let result = found;
    for (const boxed of list) {
      if (latitude < boxed.south || latitude > boxed.north) continue;
      if (longitude < boxed.west || longitude > boxed.east) continue;
      const { area } = boxed;
      if (time < area.validFrom || time >= area.validTo || !holds(area, point)) continue;
      result ??= [];
      if (!result.includes(area.zoneId)) result.push(area.zoneId);
    }
    return result;
  };
  return {
    ids: [...new Set(areas.map((area) => area.zoneId))].sort(),
    containing: (point, time) => {
      const near = cells.get(cellAt(lineOf(point.latitude), lineOf(point.longitude)));
      let found = near === undefined ? undefined : collect(near, point, time, undefined);
      if (wide.length > 0) found = collect(wide, point, time, found);
      if (found === undefined) return NONE;
      return found.length > 1 ? found.sort() : found;
    },
  };
}
