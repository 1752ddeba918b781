import { BUCKET_MS } from './beyond-grace.ts';
import type { Occasion } from './occasion.ts';
import type { Rules } from './rules.ts';
import { SEEN_MS } from './seen.ts';
import { releaseTrips, settleTrips, silentRun } from './settle-trips.ts';
import { isLost, releaseVisits, settleVisits } from './settle-visits.ts';
import type { Decision, Unit } from './unit.ts';
import { openVisits } from './visit-fold.ts';

/** What the changelog no longer needs, or needs anew, after a trim. */
export interface Trimmed {
  readonly chunks: readonly number[];
  readonly seenChanged: ReadonlySet<number>;
  readonly seenGone: readonly number[];
}

function settleDue(unit: Unit, rules: Rules, clock: number | undefined): [boolean, boolean] {
  const { timeline } = unit;
  const moved = timeline.cutsVersion !== unit.settledCuts;
  const silent = silentRun(unit, rules, clock);
  const presences = isLost(unit, rules, clock) ? undefined : timeline.head.presences;
  const due: [boolean, boolean] = [
    moved || silent !== unit.settledRun,
    moved || presences !== unit.settledPresences,
  ];
  unit.settledRun = silent;
  unit.settledPresences = presences;
  return due;
}

/** Folds what is outstanding and returns the difference to the published set. */
export function settle(unit: Unit, rules: Rules, occasion: Occasion): Decision[] {
  unit.timeline.fold(rules);
  const [tripsDue, visitsDue] = settleDue(unit, rules, occasion.clock);
  const decisions: Decision[] = [];
  if (!rules.publishesTrips && unit.trips.length > 0) {
    unit.trips = [];
    unit.unsaved = true;
  } else if (rules.publishesTrips && tripsDue) {
    decisions.push(...settleTrips(unit, rules, occasion));
  }
  if (!rules.publishesVisits && unit.visits.length > 0) {
    unit.visits = [];
    unit.unsaved = true;
  } else if (rules.publishesVisits && visitsDue) {
    decisions.push(...settleVisits(unit, rules, occasion));
  }
  unit.settledCuts = unit.timeline.cutsVersion;
  return decisions;
}

/** How long fixes are retained behind T, ms. */
export function retentionMs(rules: Rules): number {
  return rules.graceMs + rules.marginMs;
}

/**
 * Folds into the base what no fix within grace can reach any more. Call it after `settle`: all that the
 * dropped chunks closed must have been published.
 */
export function trim(unit: Unit, rules: Rules, clock: number): Trimmed {
  const { timeline, seen } = unit;
  const before = clock - retentionMs(rules);
  const dropped = timeline.trim(before);
  const seenChanged = seen.remember(dropped);
  const seenGone = seen.forget(before - SEEN_MS);
  if (dropped.length > 0) {
    releaseTrips(
      unit,
      dropped.flatMap((chunk) => chunk.closed.trips),
    );
    releaseVisits(
      unit,
      dropped.flatMap((chunk) => chunk.closed.visits),
    );
    unit.settledCuts = timeline.cutsVersion;
  }
  if (dropped.length > 0 || seenGone.length > 0) unit.unsaved = true;
  return {
    chunks: dropped.map((chunk) => chunk.index),
    seenChanged,
    seenGone,
  };
}

/** The next T at which the unit needs attention although no fix arrives, ms. */
export function nextDue(unit: Unit, rules: Rules, clock: number | undefined): number {
  const { timeline } = unit;
  const { last, run, presences } = timeline.head;
  const later = (time: number): number => (clock !== undefined && time <= clock ? Infinity : time);
  const retained = retentionMs(rules);
  let due = Math.min(timeline.trimDue(retained), unit.seen.oldestEnd + retained + SEEN_MS);
  for (const bucket of unit.buckets.values()) {
    due = Math.min(due, bucket.newestProviderTime + BUCKET_MS + 1);
  }
  if (last === undefined) return due;
  if (run !== undefined) due = Math.min(due, later(last.time + rules.trip.silenceMs));
  if (openVisits(presences).length > 0) {
    due = Math.min(due, later(last.time + rules.visit.silenceMs + 1));
  }
  return due;
}
