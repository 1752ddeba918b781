import type { LocatedFix } from './fix.ts';
import type { TripRule } from './rules.ts';

/** The step that leads to a fix. */
export interface MovementStep {
  /** The fix before; undefined when it is too far away to tell anything. */
  readonly before: LocatedFix | undefined;
  readonly gapMs: number;
  readonly stepM: number;
}

/** Recorded speed, or that of the step, km/h; undefined when neither is known. */
function speedOf(fix: LocatedFix, step: MovementStep): number | undefined {
  return fix.speedKmh ?? stepSpeed(step);
}

function stepSpeed({ before, gapMs, stepM }: MovementStep): number | undefined {
  return before === undefined ? undefined : (stepM / gapMs) * 3600;
}

function isFast(speedKmh: number | undefined, rule: TripRule): boolean {
  if (speedKmh === undefined) return false;
  // Standing is never movement, not even where the least speed is 0.
  if (rule.isMinSpeedMoving) return speedKmh > 0 && speedKmh >= rule.minSpeedKmh;
  return speedKmh > rule.minSpeedKmh;
}

/** What the engine or the odometer says; undefined where the fix, or the one before, says nothing. */
function signalled(fix: LocatedFix, { before }: MovementStep, rule: TripRule): boolean | undefined {
  if (rule.movementSource === 'ignition') return fix.engineOn;
  if (before?.odometerKm === undefined || fix.odometerKm === undefined) return undefined;
  return fix.odometerKm > before.odometerKm;
}

/** True when a unit moves at this fix, by the source that the rule names. */
export function isMoving(fix: LocatedFix, step: MovementStep, rule: TripRule): boolean {
  switch (rule.movementSource) {
    case 'position':
      return isFast(stepSpeed(step), rule);
    case 'speed':
      return isFast(speedOf(fix, step), rule);
    case 'ignition':
    case 'odometer': {
      const moves = signalled(fix, step, rule);
      if (moves === undefined) return isFast(speedOf(fix, step), rule);
      return moves && (!rule.checksSpeed || isFast(speedOf(fix, step), rule));
    }
  }
}
