import { isLocated, sameFix, type Fix, type LocatedFix } from './fix.ts';
import type { Rules } from './rules.ts';
import { advanceRun, sameRun, type Run, type TripCut } from './trip-fold.ts';
import { advancePresences, samePresences, type Presence, type VisitCut } from './visit-fold.ts';

/** What all fixes up to some point leave behind: enough to go on without them. Never changed in place. */
export interface FoldState {
  /** Newest fix with a position. */
  readonly last: LocatedFix | undefined;
  readonly run: Run | undefined;
  readonly presences: readonly Presence[];
}

/** What ended while fixes were folded, in order. */
export interface Closed {
  readonly trips: TripCut[];
  readonly visits: VisitCut[];
}

/** Before the first fix. */
export const START: FoldState = Object.freeze({
  last: undefined,
  run: undefined,
  presences: Object.freeze([]),
});

/** One fix further; what it ends is added to `closed`. Fixes must come in order, one per second. */
export function advance(state: FoldState, fix: Fix, rules: Rules, closed: Closed): FoldState {
  // Neither rule says anything about where a unit without a position is.
  if (!isLocated(fix)) return state;
  const zoneIds = rules.zones.containing(fix, fix.time);
  return {
    last: fix,
    run: advanceRun(state.last, state.run, fix, rules.trip, closed.trips),
    presences: advancePresences(
      state.last,
      state.presences,
      fix,
      zoneIds,
      rules.visit,
      closed.visits,
    ),
  };
}

/** True when both states give the same results for whatever follows. */
export function sameState(a: FoldState, b: FoldState): boolean {
  return (
    a === b ||
    (sameFix(a.last, b.last) && sameRun(a.run, b.run) && samePresences(a.presences, b.presences))
  );
}
