import type { AssetSensor } from '@waybill/contracts';
import type { Signals } from './fix.ts';
import { isObject } from './json.ts';
import type { NullReason } from './sensor-expression.ts';
import { SensorValues } from './sensor-value.ts';

type Fields = Readonly<Record<string, unknown>>;

const KM_PER_MILE = 1.609_344;

/** Virtual parameters of an expression that stand in `pos`. */
const IN_POSITION: Readonly<Record<string, string>> = {
  speed: 's',
  sats: 'sc',
  altitude: 'z',
  course: 'c',
  lat: 'y',
  lon: 'x',
};

/** A parameter of the message, or a virtual one (fact sheet 6.3). */
function parameterOf(message: Fields, parameters: Fields, name: string): unknown {
  if (Object.hasOwn(parameters, name)) return parameters[name];
  const member = IN_POSITION[name];
  if (member !== undefined) return isObject(message['pos']) ? message['pos'][member] : undefined;
  if (name === 'time') return message['t'];
  if (name === 'regtime') return message['rt'];
  const [, kind, bit] = /^(in|out)(\d{1,2})$/.exec(name) ?? [];
  if (kind === undefined) return undefined;
  const mask = message[kind === 'in' ? 'i' : 'o'];
  return typeof mask === 'number' ? Math.floor(mask / 2 ** (Number(bit) - 1)) % 2 : undefined;
}

function within(value: number | null, highest: number, note: Note): number | null {
  if (value === null || (value >= 0 && value <= highest)) return value;
  note('out_of_bounds');
  return null;
}

type Note = (reason: NullReason) => void;

function kilometres(value: number, { metric }: AssetSensor): number {
  if (/^m(et|$)/i.test(metric)) return value / 1000;
  return /^mi/i.test(metric) ? value * KM_PER_MILE : value;
}

function isPercent({ metric }: AssetSensor): boolean {
  return metric.trim() === '%';
}

/** Levels of all tanks together; one tank without a valid level makes the sum unknown. */
function sumOf(sensors: readonly AssetSensor[], values: SensorValues): number | null {
  let sum = sensors.length === 0 ? null : 0;
  for (const sensor of sensors) {
    const value = values.of(sensor);
    sum = value === null || sum === null ? null : sum + value;
  }
  return sum;
}

function codeOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The driver's code is a text: its sensor names a parameter, no formula; without one `avl_driver`. */
function driverCode(sensor: AssetSensor | undefined, parameters: Fields): string | null {
  return codeOf(parameters[sensor?.parameter ?? 'avl_driver']);
}

/**
 * What a message says beside its position, by the unit's sensors as of its time: engine operation and rpm,
 * calibrated fuel levels, mileage, engine hours, driver and private mode. A formula that divides by zero, a
 * value that is no number or beyond its bounds is null and noted.
 */
export function signalsOf(message: Fields, sensors: readonly AssetSensor[], note: Note): Signals {
  const parameters = isObject(message['p']) ? message['p'] : {};
  if (sensors.length === 0) return { driverCode: driverCode(undefined, parameters) };
  const values = new SensorValues(sensors, (name) => parameterOf(message, parameters, name), note);
  const first = (type: string): AssetSensor | undefined =>
    sensors.find(({ sensor_type: own }) => own === type);
  const value = (type: string): number | null => {
    const sensor = first(type);
    return sensor === undefined ? null : values.of(sensor);
  };
  const on = (type: string): boolean | null => {
    const states = sensors
      .filter(({ sensor_type: own }) => own === type)
      .map((sensor) => values.of(sensor))
      .filter((state) => state !== null);
    return states.length === 0 ? null : states.some((state) => state !== 0);
  };
  const levels = sensors.filter(({ sensor_type: own }) => own === 'fuel level');
  const mileage = first('mileage');
  const km = mileage === undefined ? null : values.of(mileage);
  return {
    ignition: on('engine operation'),
    engineRpm: within(value('engine rpm'), 20_000, note),
    fuelLevelL: within(
      sumOf(
        levels.filter((sensor) => !isPercent(sensor)),
        values,
      ),
      10_000,
      note,
    ),
    fuelLevelPercent: within(sumOf(levels.filter(isPercent).slice(0, 1), values), 100, note),
    odometerKm: within(
      km === null || mileage === undefined ? km : kilometres(km, mileage),
      1e7,
      note,
    ),
    engineHoursH: within(value('engine hours'), 1e6, note),
    driverCode: driverCode(first('driver'), parameters),
    isPrivate: on('private mode'),
  };
}
