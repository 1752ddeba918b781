/** Where a made-up vehicle is and what it has driven. */
export interface Spot {
  readonly lat: number;
  readonly lon: number;
  /** km/h. */
  readonly speed: number;
  /** Degrees. */
  readonly course: number;
  readonly odometerM: number;
}

/** A vehicle drives 40 min of every 2 h around a block and stands in between. */
const CYCLE_S = 7200;
const DRIVE_S = 2400;
const RADIUS_M = 2500;
const METRES_PER_DEGREE = 111_195;
const DEGREES = 180 / Math.PI;

const rounded = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;

const SITE_DEGREES = 0.003;

/** Every vehicle passes the east of its block; this square lies around it. */
export function siteOf(n: number): readonly { readonly x: number; readonly y: number }[] {
  const lat = 45 + ((n % 100) * 6000) / METRES_PER_DEGREE;
  const lon = 5 + (Math.floor(n / 100) * 9000 + RADIUS_M * 1.41) / METRES_PER_DEGREE;
  const [low, high] = [-SITE_DEGREES, SITE_DEGREES];
  return [
    { x: lon + low, y: lat + low },
    { x: lon + high, y: lat + low },
    { x: lon + high, y: lat + high },
    { x: lon + low, y: lat + high },
  ];
}

/**
 * The nth vehicle of a fleet at second `t` after the epoch: a pure function, so nothing is stored. Vehicles
 * circle around homes on a grid of 6 km, each starting its cycle at another moment.
 */
export function spotAt(n: number, t: number): Spot {
  const speed = 30 + (n % 5) * 10;
  const shifted = t + n * 97;
  const cycles = Math.floor(shifted / CYCLE_S);
  const driven = Math.min(shifted - cycles * CYCLE_S, DRIVE_S);
  const isDriving = shifted - cycles * CYCLE_S < DRIVE_S;
  const metresPerS = speed / 3.6;
  const odometerM = (cycles * DRIVE_S + driven) * metresPerS;
  const angle = (odometerM / RADIUS_M) % (2 * Math.PI);
  const lat = 45 + ((n % 100) * 6000 + RADIUS_M * Math.sin(angle)) / METRES_PER_DEGREE;
  const lon =
    5 + (Math.floor(n / 100) * 9000 + RADIUS_M * Math.cos(angle) * 1.41) / METRES_PER_DEGREE;
  return {
    lat: rounded(lat),
    lon: rounded(lon),
    speed: isDriving ? speed : 0,
    course: Math.round(360 - angle * DEGREES) % 360,
    odometerM,
  };
}
