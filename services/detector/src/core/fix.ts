import type { PositionRecorded, RawAddress, SignalRecorded } from '@waybill/contracts';
import { idHighOf, idLowOf } from './identity.ts';

/**
 * A fix as the rules see it: what a device measured in one second, with a position or without. Coordinates
 * are kept to 1e-7 degree (1 cm), speed to 0.001 km/h, course to a degree, levels, odometer and hours to
 * 0.01, so that a fix that was saved and restored gives the same result to the last bit.
 */
export interface Fix {
  /** Device time, ms. */
  readonly time: number;
  /** Degrees; undefined together with the longitude where the device sent no position. */
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  /** provider_time - event_time, ms; negative for a device clock that is ahead. */
  readonly latenessMs: number;
  /** What `event_id` stands for, as two unsigned 32-bit words, see `idHighOf`. */
  readonly idHigh: number;
  readonly idLow: number;
  readonly speedKmh: number | undefined;
  /** Degrees from north, 0 to 359. */
  readonly courseDeg: number | undefined;
  readonly satellites: number | undefined;
  /** Ignition, else engine speed over 300; undefined where the device has neither. */
  readonly engineOn: boolean | undefined;
  readonly fuelLevelL: number | undefined;
  /** Share of the tank or battery, percent. */
  readonly fuelLevelPercent: number | undefined;
  readonly odometerKm: number | undefined;
  readonly engineHoursH: number | undefined;
  readonly driver: string | undefined;
  /** The driver's switch for private drives is on. */
  readonly isPrivate: boolean;
  readonly address: RawAddress;
}

/** What is kept of a fix that something rests on: when it was measured, how late it was, where it stands. */
export type FixReference = Pick<Fix, 'time' | 'latenessMs' | 'address'>;

/** A fix with a position: what rules about places and movement read. */
export interface LocatedFix extends Fix {
  readonly latitude: number;
  readonly longitude: number;
}

/** What a trip's contract takes as a driver code; anything else counts as none. */
const DRIVER_CODE = /^[A-Za-z0-9_-]{1,32}$/;

/** An engine that turns faster than this is on, 1/min. */
const RUNNING_RPM = 300;

/** True when the fix has a position. */
export function isLocated(fix: Fix): fix is LocatedFix {
  return fix.latitude !== undefined;
}

function rounded(degrees: number): number {
  // Adding 0 makes 0 of -0, which an integer cannot hold.
  return Math.round(degrees * 1e7) / 1e7 + 0;
}

/** The reading in steps of 1/scale; none where the device sent no finite number. */
function stepped(value: number | null, scale: number): number | undefined {
  return value === null || !Number.isFinite(value) ? undefined : Math.round(value * scale) / scale;
}

function hundredths(value: number | null): number | undefined {
  return stepped(value, 100);
}

/** What a device without a position sends where 0 stands for "none". */
function isNowhere({ latitude, longitude }: PositionRecorded): boolean {
  return latitude === 0 && longitude === 0;
}

/** A reading that cannot be true. */
export type ReadingFlaw = 'position_zero' | 'reading_not_finite' | 'ignition_flickers';

/** What of a record is left out by `fixOf`; almost always nothing. */
export function flawOf(record: PositionRecorded | SignalRecorded): ReadingFlaw | undefined {
  if ('latitude' in record && isNowhere(record)) return 'position_zero';
  const sum =
    (record.speed_kmh ?? 0) +
    (record.fuel_level_l ?? 0) +
    (record.fuel_level_percent ?? 0) +
    (record.odometer_km ?? 0) +
    (record.engine_hours_h ?? 0);
  return Number.isFinite(sum) ? undefined : 'reading_not_finite';
}

function engineOn({
  ignition,
  engine_rpm: rpm,
}: SignalRecorded | PositionRecorded): Fix['engineOn'] {
  return ignition ?? (rpm === null ? undefined : rpm > RUNNING_RPM);
}

/**
 * The fix of a record of the position topic. Its fields are written in the order of `readFix`, so that V8
 * takes both for objects of one kind.
 */
export function fixOf(record: PositionRecorded | SignalRecorded): Fix {
  const { speed_kmh: speed, driver_code: driver } = record;
  const position = 'latitude' in record && !isNowhere(record) ? record : undefined;
  const course = stepped(position?.course_deg ?? null, 1);
  const latitude = position === undefined ? undefined : rounded(position.latitude);
  const longitude = position === undefined ? undefined : rounded(position.longitude);
  return {
    time: record.event_time,
    latitude,
    longitude,
    latenessMs: record.provider_time - record.event_time,
    idHigh: idHighOf(record.event_time, latitude, longitude),
    idLow: idLowOf(record.event_time, latitude, longitude),
    speedKmh: stepped(speed, 1000),
    courseDeg: course === undefined ? undefined : course % 360,
    satellites: position?.satellites ?? undefined,
    engineOn: engineOn(record),
    fuelLevelL: hundredths(record.fuel_level_l),
    fuelLevelPercent: hundredths(record.fuel_level_percent),
    odometerKm: hundredths(record.odometer_km),
    engineHoursH: hundredths(record.engine_hours_h),
    driver: driver !== null && DRIVER_CODE.test(driver) ? driver : undefined,
    isPrivate: record.is_private ?? false,
    address: record.trace,
  };
}

/** What is kept of it where more is not needed. */
export function referenceOf({ time, latenessMs, address }: Fix): FixReference {
  return { time, latenessMs, address };
}

/** Device second: of several fixes in one, only one counts. */
export function secondOf(time: number): number {
  return Math.floor(time / 1000);
}

/** When the provider registered the fix, ms. */
export function providerTimeOf(fix: FixReference): number {
  return fix.time + fix.latenessMs;
}

/** Both stand for the same fix of their unit: equal second and position. */
export function isRepeat(a: Fix, b: Fix): boolean {
  return a.idHigh === b.idHigh && a.idLow === b.idLow && secondOf(a.time) === secondOf(b.time);
}

/** What tells two copies of one fix apart that were registered at the same time. */
function contentOf(fix: Fix): readonly (number | undefined)[] {
  const { time, latitude, longitude, speedKmh, courseDeg, satellites, engineOn } = fix;
  const { fuelLevelL, fuelLevelPercent, odometerKm, engineHoursH } = fix;
  return [
    ...[time, latitude, longitude, speedKmh, courseDeg, satellites, Number(engineOn ?? 2)],
    ...[fuelLevelL, fuelLevelPercent, odometerKm, engineHoursH, Number(fix.isPrivate)],
  ];
}

function precedes(a: readonly (number | undefined)[], b: readonly (number | undefined)[]): boolean {
  for (const [i, value] of a.entries()) {
    const difference = (value ?? -Infinity) - (b[i] ?? -Infinity);
    if (difference < 0) return true;
    if (difference > 0) return false;
  }
  return false;
}

/**
 * True when `a` counts before `b` in the same device second: one with a position before one without, then
 * the smaller provider_time, then the greater content: latitude, longitude, the rest. It does not depend
 * on what was processed first.
 */
export function outranks(a: Fix, b: Fix): boolean {
  if (isLocated(a) !== isLocated(b)) return isLocated(a);
  const difference = providerTimeOf(a) - providerTimeOf(b);
  return difference < 0 || (difference === 0 && precedes(contentOf(b), contentOf(a)));
}

/** True when both are the same copy of the same fix. */
export function sameFix(a: Fix | undefined, b: Fix | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.time === b.time && a.latenessMs === b.latenessMs && isRepeat(a, b);
}
