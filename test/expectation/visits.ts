import type { Fix } from './fixes.ts';
import { isInside, type Place } from './geometry.ts';

/** A geofence by its outer ring. */
export interface Zone {
  readonly id: string;
  readonly ring: readonly Place[];
}

/** A change of state, at the first fix in the new state. Times are epoch seconds. */
export interface Crossing {
  readonly inside: boolean;
  readonly t: number;
  /** The state was lost by silence: t is the last fix before it. Only for the end of a stay inside. */
  readonly lost: boolean;
}

export interface Visit {
  readonly unit: string;
  readonly zone: string;
  readonly entered: number;
  /** Null while inside. */
  readonly left: number | null;
}

const FORGET_S = 5 * 86_400;

/**
 * Changes between inside and outside along a timeline, each confirmed by `confirm` fixes in a row. The
 * first fix, and the first after a silence of over 5 days, only sets the state. `clock` (epoch
 * seconds) is how far the timeline is known to be complete.
 */
export function crossings(
  line: readonly Fix[],
  zone: Zone,
  confirm: number,
  clock: number,
): Crossing[] {
  const found: Crossing[] = [];
  let state: boolean | undefined;
  let pending: number[] = [];
  let before: Fix | undefined;
  const forget = (t: number): void => {
    if (state === true) found.push({ inside: false, t, lost: true });
    state = undefined;
    pending = [];
  };
  for (const fix of line) {
    if (before !== undefined && fix.t - before.t > FORGET_S) forget(before.t);
    const inside = isInside(fix, zone.ring);
    before = fix;
    if (state === undefined || inside === state) {
      state = inside;
      pending = [];
      continue;
    }
    pending.push(fix.t);
    const [first = fix.t] = pending;
    if (pending.length < confirm) continue;
    found.push({ inside, t: first, lost: false });
    state = inside;
    pending = [];
  }
  if (before !== undefined && clock - before.t > FORGET_S) forget(before.t);
  return found;
}

const CONFIRM_FIXES = 2;

/** Visits of one unit to one zone, open ones included. A unit first seen inside has none until it returns. */
export function visitsOf(line: readonly Fix[], zone: Zone, clock: number): Visit[] {
  const visits: Visit[] = [];
  let entered: number | undefined;
  const add = (left: number | null): void => {
    const unit = line[0]?.unit;
    if (entered !== undefined && unit !== undefined) {
      visits.push({ unit, zone: zone.id, entered, left });
    }
    entered = undefined;
  };
  for (const { inside, t } of crossings(line, zone, CONFIRM_FIXES, clock)) {
    if (inside) entered = t;
    else add(t);
  }
  add(null);
  return visits;
}
