import { distanceM } from '@waybill/domain';
import { isLocated, type Fix, type LocatedFix } from './fix.ts';
import type { TripRule } from './rules.ts';

/** Steps of at least this length say nothing about the speed between their ends, ms. */
const BLIND_MS = 300_000;

/** A unit that is found further than this from where it fell silent has been moved, m. */
const MOVED_M = 200;

/** What a fix says about movement; `unknown` where it has neither speed nor a usable step. */
export type Motion = 'moving' | 'standing' | 'unknown';

function motionBySteps(
  last: LocatedFix | undefined,
  fix: Fix,
  stepM: number | undefined,
  minSpeedKmh: number,
): Motion | undefined {
  if (last === undefined || stepM === undefined || fix.time <= last.time) return undefined;
  const gapMs = fix.time - last.time;
  // After a silence only the distance tells whether it was moved meanwhile.
  if (gapMs >= BLIND_MS) return stepM > MOVED_M ? 'moving' : 'standing';
  return (stepM / gapMs) * 3600 > minSpeedKmh ? 'moving' : 'standing';
}

/**
 * Whether the unit moves at `fix`, by recorded speed or by the step from the last fix with a position (its
 * length in m; undefined where either has none): what the tenant trusts first, the other where that says
 * nothing.
 */
export function motionOf(
  last: LocatedFix | undefined,
  fix: Fix,
  stepM: number | undefined,
  { movementSource, minSpeedKmh }: Pick<TripRule, 'movementSource' | 'minSpeedKmh'>,
): Motion {
  const speed = fix.speedKmh;
  const bySpeed =
    speed === undefined ? undefined : speed > minSpeedKmh ? ('moving' as const) : 'standing';
  if (bySpeed !== undefined && movementSource !== 'position') return bySpeed;
  return motionBySteps(last, fix, stepM, minSpeedKmh) ?? bySpeed ?? 'unknown';
}

/** Whether the unit was elsewhere after a silence; undefined without positions on both sides. */
export function wasMoved(before: LocatedFix | undefined, after: Fix): boolean | undefined {
  if (before === undefined || !isLocated(after)) return undefined;
  return distanceM(before, after) > MOVED_M;
}
