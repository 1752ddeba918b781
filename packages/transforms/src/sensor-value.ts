import type { AssetSensor } from '@waybill/contracts';
import { expressionOf, type Evaluation, type NullReason } from './sensor-expression.ts';

/** Wialon's "no value". */
const NO_VALUE = -348_201.387_6;
/** Bounds are those of the result, not of the raw value. */
const BOUNDS_AFTER = 0x40;
/** Sensors that ask others at most; deeper is a circle. */
const MOST_DEPTH = 5;

type Parameter = Evaluation['parameter'];

function isWithin({ lower_bound: lower, upper_bound: upper }: AssetSensor, value: number): boolean {
  return (lower === null || value >= lower) && (upper === null || value < upper);
}

function calibrated({ calibration }: AssetSensor, value: number): number {
  let row = calibration[0];
  for (const next of calibration) if (next.x <= value) row = next;
  return row === undefined ? value : row.a * value + row.b;
}

/** Codes of `vt` (fact sheet 6.3): what the validator's value makes of the sensor's. */
function validated(type: number, value: number | null, other: number | null): number | null {
  if (type === 0xc) return value ?? other;
  if (type === 0xb) return other === null ? null : value;
  if (value === null || other === null) return null;
  switch (type) {
    case 1:
      return value !== 0 && other !== 0 ? 1 : 0;
    case 2:
      return value !== 0 || other !== 0 ? 1 : 0;
    case 3:
      return Math.trunc(value) & Math.trunc(other);
    case 4:
      return Math.trunc(value) | Math.trunc(other);
    case 5:
      return value + other;
    case 6:
      return value - other;
    case 7:
      return other - value;
    case 8:
      return value * other;
    case 9:
      return other === 0 ? null : value / other;
    case 0xa:
      return value === 0 ? null : other / value;
    default:
      return value;
  }
}

/** The values of a unit's sensors for one message. */
export class SensorValues {
  readonly #sensors: readonly AssetSensor[];
  readonly #parameter: Parameter;
  readonly #note: (reason: NullReason) => void;
  #depth = 0;

  constructor(
    sensors: readonly AssetSensor[],
    parameter: Parameter,
    note: (reason: NullReason) => void,
  ) {
    this.#sensors = sensors;
    this.#parameter = parameter;
    this.#note = note;
  }

  /** Calibrated, bounded and validated; null where the message has no valid value. */
  of(sensor: AssetSensor): number | null {
    if (this.#depth >= MOST_DEPTH) {
      this.#note('unsupported');
      return null;
    }
    this.#depth += 1;
    const value = this.#own(sensor);
    const validator = this.#sensors.find(({ sensor_id: id }) => id === sensor.validator_id);
    const result =
      sensor.validation_type === 0 || validator === undefined
        ? value
        : validated(sensor.validation_type, value, this.of(validator));
    this.#depth -= 1;
    return result;
  }

  #own(sensor: AssetSensor): number | null {
    const raw = expressionOf(sensor.parameter)({
      parameter: this.#parameter,
      sensor: (name) => {
        const named = this.#sensors.find((other) => other.name === name);
        return named === undefined ? null : this.of(named);
      },
      note: this.#note,
    });
    if (raw === null || raw === NO_VALUE) return null;
    const value = calibrated(sensor, raw);
    const bounded = (sensor.flags & BOUNDS_AFTER) === 0 ? raw : value;
    if (isWithin(sensor, bounded)) return value;
    this.#note('out_of_bounds');
    return null;
  }
}
