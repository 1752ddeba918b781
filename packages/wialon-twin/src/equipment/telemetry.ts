import { fuelRaw } from './sensors.ts';

/** What a tracker with full equipment reports beside its position. */
export interface Telemetry {
  /** km/h. */
  readonly speed: number;
  /** Metres since the unit was made. */
  readonly odometerM: number;
  /** Metres driven per full tank. */
  readonly rangeM: number;
  readonly driverCode: string;
}

const IDLE_RPM = 750;
const RPM_PER_KMH = 22;
const MAX_RPM = 2800;

const METRES_PER_HOUR = 40_000;

/** Running time of an engine that stands for a distance: the twin counts one hour per 40 km. */
export function engineSeconds(metres: number): number {
  return (metres / METRES_PER_HOUR) * 3600;
}

/**
 * `p` of a message as JSON: ignition 0/1, engine speed, raw fuel gauge, odometer in metres, supply voltage
 * and the code of the driver. The tank empties with the distance and is filled at a tenth.
 */
export function parametersJson({ speed, odometerM, rangeM, driverCode }: Telemetry): string {
  const on = speed > 0;
  const rpm = on ? Math.min(MAX_RPM, IDLE_RPM + RPM_PER_KMH * speed) : 0;
  const used = (odometerM % (0.9 * rangeM)) / rangeM;
  const metres = Math.round(odometerM);
  return `{"ignition":${on ? 1 : 0},"rpm":${rpm},"fuel":${fuelRaw(1 - used)},"odometer":${metres},"pwr_ext":${on ? 13.9 : 12.4},"avl_driver":"${driverCode}"}`;
}
