/** A sensor as `sens` carries it (fact sheet 6.3). */
export interface Sensor {
  readonly id: number;
  readonly n: string;
  readonly t: string;
  readonly d: string;
  /** Unit, or the two texts of an on/off sensor. */
  readonly m: string;
  /** Parameter expression. */
  readonly p: string;
  readonly f: number;
  /** Settings as JSON text; bounds among them. */
  readonly c: string;
  readonly vt: number;
  readonly vs: number;
  /** Calibration: the row with the largest x not above the value counts, result = a * value + b. */
  readonly tbl: readonly { readonly x: number; readonly a: number; readonly b: number }[];
}

/** What the provider serves where a sensor has no value. */
export const NO_VALUE = -348_201.3876;

/** Raw reading of the fuel gauge at a full tank; the gauge of a unit bends in the middle, as real ones do. */
export const FUEL_RAW_MAX = 4095;
const BEND_RAW = 2048;
/** Share of the tank below the bend. */
const BEND_SHARE = 0.4;

/** Litres of a unit's tank: 60, 120, 240 or 400 by its id. */
export function tankOf(unitId: number): number {
  return [60, 120, 240, 400][unitId % 4] ?? 60;
}

/** Calibration of a fuel gauge: two straight pieces. `factor` stretches it, as a changed sensor does. */
function fuelTable(tank: number, factor: number): Sensor['tbl'] {
  const low = ((BEND_SHARE * tank) / BEND_RAW) * factor;
  const high = (((1 - BEND_SHARE) * tank) / (FUEL_RAW_MAX - BEND_RAW)) * factor;
  return [
    { x: 0, a: low, b: 0 },
    { x: BEND_RAW, a: high, b: (low - high) * BEND_RAW },
  ];
}

/** Raw reading of a tank that is filled to `share` (0 to 1): the inverse of the first calibration. */
export function fuelRaw(share: number): number {
  const raw =
    share <= BEND_SHARE
      ? (share / BEND_SHARE) * BEND_RAW
      : BEND_RAW + ((share - BEND_SHARE) / (1 - BEND_SHARE)) * (FUEL_RAW_MAX - BEND_RAW);
  return Math.round(raw);
}

const plain = { d: '', f: 0, c: '{}', vt: 0, vs: 0, tbl: [] } as const;

/**
 * The sensors of a unit. `generation` counts the changes of the set (fault `change_sensors`): each
 * renames the fuel sensor, stretches its calibration by 10 % and gives it the next free id.
 */
export function sensorsOf(unitId: number, generation: number): Sensor[] {
  const fuel = {
    id: generation === 0 ? 3 : 10 + generation,
    n: generation === 0 ? 'Fuel level' : `Fuel level ${generation + 1}`,
    t: 'fuel level',
    m: 'l',
    p: 'fuel',
    c: `{"lower_bound":0,"upper_bound":${FUEL_RAW_MAX + 1}}`,
    tbl: fuelTable(tankOf(unitId), 1 + generation / 10),
  };
  return [
    { ...plain, id: 1, n: 'Ignition', t: 'engine operation', m: 'On/Off', p: 'ignition' },
    { ...plain, id: 2, n: 'Engine speed', t: 'engine rpm', m: 'rpm', p: 'rpm' },
    { ...plain, ...fuel },
    { ...plain, id: 4, n: 'Odometer', t: 'mileage', m: 'km', p: 'odometer/const1000' },
    { ...plain, id: 5, n: 'Driver', t: 'driver', m: '', p: 'avl_driver' },
    { ...plain, id: 6, n: 'Supply voltage', t: 'voltage', m: 'V', p: 'pwr_ext' },
  ];
}

type Parameters = Readonly<Record<string, unknown>>;

/** Value of `name`, `name/constN` or `name*constN`: the expressions that the twin's own sensors use. */
function expressionValue(expression: string, parameters: Parameters): number | string | undefined {
  const [, name = '', operator, factor] =
    /^([\w.]+)(?:([*/])const(\d+(?:\.\d+)?))?$/.exec(expression) ?? [];
  const value = parameters[name];
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return undefined;
  if (operator === '/') return value / Number(factor);
  return operator === '*' ? value * Number(factor) : value;
}

/** What a sensor makes of the parameters of a message; NO_VALUE where it has none. */
export function sensorValue(sensor: Sensor, parameters: Parameters): number | string {
  const value = expressionValue(sensor.p, parameters);
  if (value === undefined) return NO_VALUE;
  if (typeof value === 'string') return value;
  const { lower_bound: low, upper_bound: high } = JSON.parse(sensor.c) as Record<string, number>;
  if ((low !== undefined && value < low) || (high !== undefined && value >= high)) return NO_VALUE;
  const row = sensor.tbl.findLast(({ x }) => x <= value) ?? sensor.tbl[0];
  return row === undefined ? value : row.a * value + row.b;
}
