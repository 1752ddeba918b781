/** WGS84 degrees. */
export interface Place {
  readonly lat: number;
  readonly lon: number;
}

const EARTH_RADIUS_M = 6_371_000;

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** Metres along the great circle; haversine on a sphere of 6,371 km. */
export function metresBetween(a: Place, b: Place): number {
  const [latA, latB] = [radians(a.lat), radians(b.lat)];
  const sinLat = Math.sin((latB - latA) / 2);
  const sinLon = Math.sin(radians(b.lon - a.lon) / 2);
  const root = Math.sqrt(sinLat * sinLat + Math.cos(latA) * Math.cos(latB) * sinLon * sinLon);
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, root));
}

/** Even-odd rule on a ring in plain longitude and latitude; the ring may repeat its first point. */
export function isInside(place: Place, ring: readonly Place[]): boolean {
  let inside = false;
  let before = ring.at(-1);
  for (const corner of ring) {
    if (before !== undefined && corner.lat > place.lat !== before.lat > place.lat) {
      const share = (place.lat - corner.lat) / (before.lat - corner.lat);
      if (place.lon < corner.lon + share * (before.lon - corner.lon)) inside = !inside;
    }
    before = corner;
  }
  return inside;
}
