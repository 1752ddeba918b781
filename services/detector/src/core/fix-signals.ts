import type { Fix } from './fix.ts';

/** Numbers among the signals of a fix; 0 stands for absent. */
export const SIGNAL_COUNT = 10;
/** Place of the driver's number among them. */
export const DRIVER = 8;

/** Of a fix that tells none. Not frozen, because arrays that are read here should be of one kind; never changed. */
export const NO_SIGNALS: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/** A number in steps of 1/scale, as a whole one that is 0 only for absent. */
export function whole(value: number | undefined, scale: number): number {
  if (value === undefined) return 0;
  const scaled = Math.round(value * scale);
  return scaled < 0 ? scaled : scaled + 1;
}

/** The counterpart of `whole`. */
export function unscaled(value: number, scale: number): number | undefined {
  if (value === 0) return undefined;
  return (value < 0 ? value : value - 1) / scale;
}

/** Place of a text in a list, which it joins where it is new. */
export function indexIn(list: string[], text: string): number {
  const found = list.indexOf(text);
  return found === -1 ? list.push(text) - 1 : found;
}

/** The signals of a fix as whole numbers; the list before where they are the same. */
export function signalsOf(
  fix: Fix,
  drivers: string[],
  before: readonly number[],
): readonly number[] {
  const { engineOn, driver: name } = fix;
  const speed = whole(fix.speedKmh, 1000);
  const course = whole(fix.courseDeg, 1);
  const satellites = whole(fix.satellites, 1);
  const engine = engineOn === undefined ? 0 : engineOn ? 2 : 1;
  const litres = whole(fix.fuelLevelL, 100);
  const percent = whole(fix.fuelLevelPercent, 100);
  const odometer = whole(fix.odometerKm, 100);
  const hours = whole(fix.engineHoursH, 100);
  const driver = name === undefined ? 0 : indexIn(drivers, name) + 1;
  const isPrivate = fix.isPrivate ? 1 : 0;
  const isSame =
    before[0] === speed &&
    before[1] === course &&
    before[2] === satellites &&
    before[3] === engine &&
    before[4] === litres &&
    before[5] === percent &&
    before[6] === odometer &&
    before[7] === hours &&
    before[DRIVER] === driver &&
    before[9] === isPrivate;
  if (isSame) return before;
  // prettier-ignore
  return [speed, course, satellites, engine, litres, percent, odometer, hours, driver, isPrivate];
}
