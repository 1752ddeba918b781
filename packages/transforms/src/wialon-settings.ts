import type {
  AssetInterval,
  AssetSensor,
  CalibrationRow,
  ServiceInterval,
  TripDetector,
} from '@waybill/contracts';
import { isObject, parseJson } from './json.ts';

type Item = Readonly<Record<string, unknown>>;

/** What a unit's settings say beside its identity. */
type Settings = Pick<
  AssetInterval,
  | 'sensors'
  | 'trip_detector'
  | 'service_intervals'
  | 'measure_system'
  | 'counter_flags'
  | 'hardware_id'
>;

/** Members of a collection such as `sens`: {"<id>": {id, …}}, by id. */
function membersOf(collection: unknown): readonly Item[] {
  if (!isObject(collection)) return [];
  return Object.values(collection)
    .filter((member): member is Item => isObject(member) && isId(member['id']))
    .toSorted((a, b) => Number(a['id']) - Number(b['id']));
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A number, also one that stands in text, as settings do; null for everything else. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const read = Number(value);
  return Number.isFinite(read) ? read : null;
}

function integerOf(value: unknown, otherwise: number): number {
  const read = numberOf(value);
  return read !== null && Number.isInteger(read) && Math.abs(read) < 2 ** 31 ? read : otherwise;
}

function integerOrNull(value: unknown): number | null {
  const read = integerOf(value, -1);
  return read < 0 ? null : read;
}

/** `tbl` [{x, a, b}]; a row with anything but numbers is left out. */
function calibrationOf(table: unknown): CalibrationRow[] {
  if (!Array.isArray(table)) return [];
  return (table as readonly unknown[])
    .flatMap((row) => {
      if (!isObject(row)) return [];
      const [x, a, b] = [numberOf(row['x']), numberOf(row['a']), numberOf(row['b'])];
      return x === null || a === null || b === null ? [] : [{ x, a, b }];
    })
    .toSorted((left, right) => left.x - right.x);
}

/** One of `sens` (fact sheet 6.3); `c` holds further settings as JSON text. */
function sensorOf(sensor: Item): AssetSensor {
  const parsed = parseJson(textOf(sensor['c']))?.value;
  const settings = isObject(parsed) ? parsed : {};
  return {
    // Checked by membersOf.
    sensor_id: Number(sensor['id']),
    name: textOf(sensor['n']),
    sensor_type: textOf(sensor['t']),
    metric: textOf(sensor['m']),
    parameter: textOf(sensor['p']),
    flags: integerOf(sensor['f'], 0),
    lower_bound: numberOf(settings['lower_bound']),
    upper_bound: numberOf(settings['upper_bound']),
    validation_type: integerOf(sensor['vt'], 0),
    validator_id: integerOf(sensor['vs'], 0),
    calibration: calibrationOf(sensor['tbl']),
  };
}

/** `rtd` (fact sheet 9.2). */
function tripDetectorOf(rtd: unknown): TripDetector | null {
  if (!isObject(rtd)) return null;
  return {
    detector: integerOf(rtd['type'], 1),
    gps_correction: rtd['gpsCorrection'] === 1 || rtd['gpsCorrection'] === true,
    min_satellites: integerOf(rtd['minSat'], 0),
    min_moving_speed_kmh: numberOf(rtd['minMovingSpeed']) ?? 0,
    min_stay_time_s: numberOf(rtd['minStayTime']) ?? 0,
    max_messages_distance_m: numberOf(rtd['maxMessagesDistance']) ?? 0,
    min_trip_time_s: numberOf(rtd['minTripTime']) ?? 0,
    min_trip_distance_m: numberOf(rtd['minTripDistance']) ?? 0,
  };
}

/** One of `si` (fact sheet 14.2). */
function serviceOf(interval: Item): ServiceInterval {
  const last = numberOf(interval['pt']);
  return {
    interval_id: Number(interval['id']),
    name: textOf(interval['n']),
    interval_km: numberOf(interval['im']) ?? 0,
    interval_days: numberOf(interval['it']) ?? 0,
    interval_engine_hours_h: numberOf(interval['ie']) ?? 0,
    last_km: numberOf(interval['pm']) ?? 0,
    last_time: last === null || last <= 0 ? null : Math.round(last * 1000),
    last_engine_hours_h: numberOf(interval['pe']) ?? 0,
    times_done: Math.max(0, integerOf(interval['c'], 0)),
  };
}

/**
 * Sensors with calibration, trip settings, maintenance intervals and counters of a unit. Total: what is
 * absent or of another type is left out, because a wrong setting must not cost the unit.
 */
export function readSettings(item: Item): Settings {
  return {
    sensors: membersOf(item['sens']).map(sensorOf),
    trip_detector: tripDetectorOf(item['rtd']),
    service_intervals: membersOf(item['si']).map(serviceOf),
    measure_system: integerOrNull(item['mu']),
    counter_flags: integerOrNull(item['cfl']),
    hardware_id: integerOrNull(item['hw']),
  };
}
