import { idHighOf, idLowOf } from './identity.ts';
import { distanceM } from '@waybill/domain';
import { isLocated, type Fix, type LocatedFix } from './fix.ts';

/** Metres of a degree of latitude: no degree of longitude is longer. */
const DEGREE_M = 111_200;

/** True when nothing on wheels gets from one to the other in time. */
export function isTooFast(from: LocatedFix, to: LocatedFix, limitKmh: number): boolean {
  const reachM = (limitKmh * (to.time - from.time)) / 3600;
  const atMostM =
    (Math.abs(to.latitude - from.latitude) + Math.abs(to.longitude - from.longitude)) * DEGREE_M;
  // Nearly every step is settled here, without a sine.
  return atMostM > reachM && distanceM(from, to) > reachM;
}

/** The fix without its position: what else the device measured stays true. */
export function withoutPosition(fix: Fix): Fix {
  const { time, latenessMs, engineOn, fuelLevelL, fuelLevelPercent } = fix;
  const idHigh = idHighOf(time, undefined, undefined);
  const idLow = idLowOf(time, undefined, undefined);
  const { odometerKm, engineHoursH, driver, isPrivate, address } = fix;
  return {
    ...{ time, latenessMs, idHigh, idLow, engineOn, fuelLevelL, fuelLevelPercent },
    ...{ odometerKm, engineHoursH, driver, isPrivate, address },
    latitude: undefined,
    longitude: undefined,
    speedKmh: undefined,
    courseDeg: undefined,
    satellites: undefined,
  };
}

/**
 * What becomes of held fixes when the next one comes: the first of them is in doubt, because it is too far
 * from the position before. `wait`: the newcomer says nothing about places and comes soon. `leave out`:
 * the newcomer contradicts the doubtful fix and agrees with the one before. `keep`: everything else, also
 * that nobody came in time.
 */
export function judge(
  before: LocatedFix,
  held: readonly Fix[],
  next: Fix,
  { limitKmh, waitMs }: { readonly limitKmh: number; readonly waitMs: number },
): 'wait' | 'leave out' | 'keep' {
  const [suspect] = held;
  if (suspect === undefined || !isLocated(suspect)) return 'keep';
  if (next.time - suspect.time >= waitMs) return 'keep';
  if (!isLocated(next)) return 'wait';
  const contradicts = isTooFast(suspect, next, limitKmh) && !isTooFast(before, next, limitKmh);
  return contradicts ? 'leave out' : 'keep';
}
