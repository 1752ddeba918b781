import { isLocated, type Fix } from '../core/fix.ts';
import { inherit } from '../core/inherit.ts';
import type { TripRule } from '../core/rules.ts';

/** A trip of either side. */
export interface ParityTrip {
  /** ms */
  readonly start: number;
  readonly end: number;
  readonly distanceKm: number;
}

/** What is known beside the trips; reasons come from it. */
export interface ParityFacts {
  readonly from: number;
  readonly to: number;
  readonly ours: TripRule;
  /** The provider's settings of the unit, when they are known. */
  readonly theirs: TripRule | undefined;
  /** Positions that counted, ascending. */
  readonly fixes: readonly Fix[];
  /** Event times of positions that were left out as impossible. */
  readonly leftOut: readonly number[];
  /** Event times of positions that came beyond the grace and are not applied. */
  readonly notApplied: readonly number[];
}

/** Why two sides differ; a closed set, so that differences can be counted by it. */
export type ParityReason =
  | 'window_border'
  | 'no_positions'
  | 'not_applied'
  | 'left_out'
  | 'joined_by_us'
  | 'split_by_us'
  | 'too_short_for_us'
  | 'too_short_for_provider'
  | 'movement_source'
  | 'min_speed'
  | 'stay_time'
  | 'message_distance'
  | 'satellites'
  | 'opening_step'
  | 'distance_source'
  | 'unexplained';

/** One trip of ours, of theirs, or a pair. */
export interface ParityRow {
  readonly ours: ParityTrip | undefined;
  readonly theirs: ParityTrip | undefined;
  readonly isEqual: boolean;
  /** Ours minus theirs, s; undefined without a pair. */
  readonly startS: number | undefined;
  readonly endS: number | undefined;
  /** Ours minus theirs, share of theirs in percent. */
  readonly distancePercent: number | undefined;
  /** Empty for equal rows only. */
  readonly reasons: readonly ParityReason[];
}

const TOLERANCE_MS = 60_000;
const TOLERANCE_PERCENT = 1;

function between(times: readonly number[], from: number, to: number): boolean {
  return times.some((time) => time >= from && time <= to);
}

function overlaps(a: ParityTrip, b: ParityTrip): boolean {
  return a.start <= b.end && b.start <= a.end;
}

/** Settings in which the two sides differ, those that bear on where trips begin and end. */
function settingReasons({ ours, theirs }: ParityFacts): ParityReason[] {
  if (theirs === undefined) return [];
  const reasons: ParityReason[] = [];
  if (ours.movementSource !== theirs.movementSource) reasons.push('movement_source');
  if (ours.minSpeedKmh !== theirs.minSpeedKmh) reasons.push('min_speed');
  const sameStay = ours.stayMs === theirs.stayMs;
  if (!sameStay || ours.staysFromStanding !== theirs.staysFromStanding) reasons.push('stay_time');
  if (ours.maxStepM !== theirs.maxStepM) reasons.push('message_distance');
  if (ours.minSatellites !== theirs.minSatellites) reasons.push('satellites');
  return reasons;
}

/** Reasons that lie in the positions of a range. */
function positionReasons(from: number, to: number, facts: ParityFacts): ParityReason[] {
  const reasons: ParityReason[] = [];
  if (from <= facts.from + TOLERANCE_MS || to >= facts.to - TOLERANCE_MS) {
    reasons.push('window_border');
  }
  if (!facts.fixes.some((fix) => isLocated(fix) && fix.time >= from && fix.time <= to)) {
    reasons.push('no_positions');
  }
  if (between(facts.notApplied, from, to)) reasons.push('not_applied');
  if (between(facts.leftOut, from, to)) reasons.push('left_out');
  return reasons;
}

function explained(reasons: readonly ParityReason[]): readonly ParityReason[] {
  return reasons.length === 0 ? ['unexplained'] : [...new Set(reasons)];
}

/** True when ours begins one position before theirs: at the standing one before the first that moves. */
function hasOpeningStep(ours: ParityTrip, theirs: ParityTrip, { fixes }: ParityFacts): boolean {
  if (ours.start >= theirs.start) return false;
  return !fixes.some((fix) => fix.time > ours.start && fix.time < theirs.start);
}

interface Sides {
  readonly ours: readonly ParityTrip[];
  readonly theirs: readonly ParityTrip[];
}

function pairRow(our: ParityTrip, their: ParityTrip, sides: Sides, facts: ParityFacts): ParityRow {
  const startMs = our.start - their.start;
  const endMs = our.end - their.end;
  const km = their.distanceKm;
  const percent = km === 0 ? (our.distanceKm === 0 ? 0 : 100) : (our.distanceKm / km - 1) * 100;
  const sameTimes = Math.abs(startMs) <= TOLERANCE_MS && Math.abs(endMs) <= TOLERANCE_MS;
  const sameLength = Math.abs(percent) <= TOLERANCE_PERCENT;
  const row = {
    ours: our,
    theirs: their,
    startS: Math.round(startMs / 1000),
    endS: Math.round(endMs / 1000),
    distancePercent: Math.round(percent * 100) / 100,
  };
  if (sameTimes && sameLength) return { ...row, isEqual: true, reasons: [] };
  const reasons: ParityReason[] = [];
  if (sides.theirs.some((other) => other !== their && overlaps(other, our))) {
    reasons.push('joined_by_us');
  }
  if (sides.ours.some((other) => other !== our && overlaps(other, their))) {
    reasons.push('split_by_us');
  }
  const from = Math.min(our.start, their.start);
  const to = Math.max(our.end, their.end);
  reasons.push(...positionReasons(from, to, facts));
  if (hasOpeningStep(our, their, facts)) reasons.push('opening_step');
  if (!sameTimes) reasons.push(...settingReasons(facts));
  else if (facts.ours.distanceSource === 'odometer') reasons.push('distance_source');
  return { ...row, isEqual: false, reasons: explained(reasons) };
}

function isTooShort(trip: ParityTrip, rule: TripRule | undefined): boolean {
  if (rule === undefined) return false;
  return trip.distanceKm * 1000 < rule.minDistanceM || trip.end - trip.start < rule.minDurationMs;
}

function lonelyRow(
  side: 'ours' | 'theirs',
  trip: ParityTrip,
  sides: Sides,
  facts: ParityFacts,
): ParityRow {
  const isOurs = side === 'ours';
  const reasons: ParityReason[] = [];
  if (isTooShort(trip, isOurs ? facts.theirs : facts.ours)) {
    reasons.push(isOurs ? 'too_short_for_provider' : 'too_short_for_us');
  }
  if ((isOurs ? sides.theirs : sides.ours).some((other) => overlaps(other, trip))) {
    reasons.push(isOurs ? 'split_by_us' : 'joined_by_us');
  }
  reasons.push(...positionReasons(trip.start, trip.end, facts));
  if (reasons.length === 0) reasons.push(...settingReasons(facts));
  const nothing = { startS: undefined, endS: undefined, distancePercent: undefined };
  return {
    ours: isOurs ? trip : undefined,
    theirs: isOurs ? undefined : trip,
    isEqual: false,
    ...nothing,
    reasons: explained(reasons),
  };
}

/**
 * Our trips against the provider's of the same window: pairs by greatest overlap, equal when start and end
 * are at most 60 s and the distance at most 1 % apart; a reason for everything else.
 */
export function compareWithProvider(
  ours: readonly ParityTrip[],
  theirs: readonly ParityTrip[],
  facts: ParityFacts,
): readonly ParityRow[] {
  const intervals = (trips: readonly ParityTrip[]): { from: number; to: number }[] =>
    trips.map(({ start, end }) => ({ from: start, to: end }));
  const { heirs, ancestors } = inherit(intervals(theirs), intervals(ours));
  const sides = { ours, theirs };
  const rows: ParityRow[] = [];
  for (const [i, their] of theirs.entries()) {
    const our = ours[heirs[i] ?? -1];
    rows.push(
      our === undefined
        ? lonelyRow('theirs', their, sides, facts)
        : pairRow(our, their, sides, facts),
    );
  }
  for (const [i, our] of ours.entries()) {
    if (ancestors[i] === undefined) rows.push(lonelyRow('ours', our, sides, facts));
  }
  const startOf = (row: ParityRow): number => row.ours?.start ?? row.theirs?.start ?? 0;
  return rows.sort((a, b) => startOf(a) - startOf(b));
}
