import type { Coordinate } from '@waybill/domain';
import { holds, problemOf, type Area, type AreaProblem } from './zone-shape.ts';

/** Answers which zones hold a point. */
export interface ZoneIndex {
  /** Ids ascending. */
  readonly ids: readonly string[];
  /** Ids, ascending, of the zones that hold the point at that time. */
  readonly containing: (point: Coordinate, time: number) => readonly string[];
  /** From then on the same zones hold, ms. */
  readonly stableFrom: number;
  /** The zone's shapes that hold at that time. */
  readonly areasOf: (zoneId: string, time: number) => readonly Area[];
  /** Shapes with a mistake: all but those that cross themselves are left out. */
  readonly problems: readonly { readonly area: Area; readonly problem: AreaProblem }[];
}

const NONE: readonly string[] = [];
const CELL_DEGREES = 0.02;
/** A shape over more cells stands in the list that is tested for every point. */
const MAX_CELLS_PER_AREA = 400;
/** Answers that are kept, 32 bytes each: as many vehicles may stand and need no test. A power of two. */
const ANSWERS = 2048;
const ANSWER_SHIFT = 32 - Math.log2(ANSWERS);
const DEGREE_M = (6_371_000 * Math.PI) / 180;

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

/** Where the answer for a point is kept. */
function answerOf(latitude: number, longitude: number): number {
  const y = Math.imul(Math.round(latitude * 1e6), 0x9e37_79b1);
  const x = Math.imul(Math.round(longitude * 1e6), 0x85eb_ca6b);
  return (y ^ x) >>> ANSWER_SHIFT;
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

/** From then on no shape begins or ceases to hold, ms. */
function newestBorder(areas: readonly Area[]): number {
  let newest = -Infinity;
  for (const { validFrom, validTo } of areas) {
    newest = Math.max(newest, validFrom, validTo === Infinity ? -Infinity : validTo);
  }
  return newest;
}

/**
 * A grid over the areas' boxes: a point is tested against the few shapes of its cell. A point that is asked
 * for once more, as that of a vehicle which stands, is not tested again.
 */
export function buildZoneIndex(areas: readonly Area[]): ZoneIndex {
  const cells = new Map<number, Boxed[]>();
  const wide: Boxed[] = [];
  const problems: { area: Area; problem: AreaProblem }[] = [];
  const byZone = new Map<string, Area[]>();
  for (const area of areas) {
    const problem = problemOf(area);
    if (problem !== undefined) problems.push({ area, problem });
    // The even-odd rule gives a ring that crosses itself a clear inside, so it counts as it was drawn.
    if (problem !== undefined && problem !== 'crosses_itself') continue;
    spread({ area, ...boxOf(area) }, cells, wide);
    const siblings = byZone.get(area.zoneId);
    if (siblings === undefined) byZone.set(area.zoneId, [area]);
    else siblings.push(area);
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
  const search = (point: Coordinate, time: number): readonly string[] => {
    const near = cells.get(cellAt(lineOf(point.latitude), lineOf(point.longitude)));
    let found = near === undefined ? undefined : collect(near, point, time, undefined);
    if (wide.length > 0) found = collect(wide, point, time, found);
    if (found === undefined) return NONE;
    return found.length > 1 ? found.sort() : found;
  };
  const stableFrom = newestBorder(areas);
  const places = new Float64Array(2 * ANSWERS).fill(NaN);
  const answers: (readonly string[])[] = Array.from({ length: ANSWERS }, () => NONE);
  return {
    ids: [...new Set(areas.map((area) => area.zoneId))].sort(),
    stableFrom,
    containing: (point, time) => {
      if (time < stableFrom) return search(point, time);
      const { latitude, longitude } = point;
      const at = answerOf(latitude, longitude);
      if (places[2 * at] === latitude && places[2 * at + 1] === longitude) {
        return answers[at] as readonly string[];
      }
      places[2 * at] = latitude;
      places[2 * at + 1] = longitude;
      const answer = search(point, time);
      answers[at] = answer;
      return answer;
    },
    areasOf: (zoneId, time) =>
      (byZone.get(zoneId) ?? []).filter((area) => time >= area.validFrom && time < area.validTo),
    problems,
  };
}
