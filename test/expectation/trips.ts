import type { Fix } from './fixes.ts';
import { metresBetween } from './geometry.ts';

/** A trip by the simple rule. Times are epoch seconds. */
export interface Trip {
  readonly unit: string;
  readonly start: number;
  readonly end: number;
  readonly metres: number;
  readonly fixes: number;
}

const STAY_S = 300;
const MOVING_KMH = 5;
const SHORTEST_M = 500;
const SILENCE_S = 600;

/**
 * Trips of one unit's timeline that are closed when everything up to `clock` (epoch seconds) is known:
 * by a fix STAY_S after the end, or by silence of the unit.
 */
export function tripsOf(line: readonly Fix[], clock: number): Trip[] {
  const steps = line.map((fix, i) => stepTo(line[i - 1], fix));
  const newest = line.at(-1)?.t ?? 0;
  return runs(line, steps)
    .map(({ first, last }) => {
      const [from, to] = [line[first], line[last]];
      if (from === undefined || to === undefined) throw new RangeError('run outside its timeline');
      const metres = steps.slice(first + 1, last + 1).reduce((sum, step) => sum + step.metres, 0);
      return { unit: to.unit, start: from.t, end: to.t, metres, fixes: last - first + 1 };
    })
    .filter(({ end }) => newest >= end + STAY_S || clock >= newest + SILENCE_S)
    .filter(({ metres }) => metres >= SHORTEST_M);
}

interface Step {
  readonly metres: number;
  readonly moving: boolean;
}

function stepTo(before: Fix | undefined, fix: Fix): Step {
  if (before === undefined) return { metres: 0, moving: false };
  const metres = metresBetween(before, fix);
  const seconds = fix.t - before.t;
  return { metres, moving: seconds < STAY_S && (metres / seconds) * 3.6 > MOVING_KMH };
}

/** First and last index of each trip: the fix before the first moving one, and the last moving one. */
function runs(line: readonly Fix[], steps: readonly Step[]): { first: number; last: number }[] {
  const found: { first: number; last: number }[] = [];
  for (const [i, { moving }] of steps.entries()) {
    if (!moving) continue;
    const open = found.at(-1);
    const silence = (line[i]?.t ?? 0) - (line[open?.last ?? 0]?.t ?? 0);
    // A step that moves is shorter than STAY_S, so the fix before it always belongs to the trip.
    if (open === undefined || silence >= STAY_S) found.push({ first: i - 1, last: i });
    else open.last = i;
  }
  return found;
}
