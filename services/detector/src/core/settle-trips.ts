import type { TripCompleted } from '@waybill/contracts';
import { round } from '@waybill/domain';
import type { Interval } from './inherit.ts';
import type { Change, Occasion } from './occasion.ts';
import { compare, entityId, secondsBetween, type Version } from './publication.ts';
import type { Rules } from './rules.ts';
import { cutBySilence, inputsHash, type Run, type TripCut } from './trip-fold.ts';
import type { Decision, Unit } from './unit.ts';

/** Name and version of the rule's code, for events. */
const TRIP_RULE = 'trip/1';

/** Greatest distance that the contract takes; beyond it positions are nonsense. */
const MAX_DISTANCE_KM = 10_000;

function distanceKm(cut: TripCut): number {
  return round(cut.tally.distanceM / 1000, 2);
}

function intervalOf({ start, end }: Pick<TripCut, 'start' | 'end'>): Interval {
  return { from: start.time, to: end.time };
}

/** The run that T has closed, when it has. */
export function silentRun(unit: Unit, rules: Rules, clock: number | undefined): Run | undefined {
  const { last, run } = unit.timeline.head;
  if (run === undefined || last === undefined || clock === undefined) return undefined;
  return clock >= last.time + rules.trip.silenceMs ? run : undefined;
}

/** Reports, once each, the cuts that no contract can hold, and returns the others. */
function plausible(unit: Unit, cuts: readonly TripCut[], decisions: Decision[]): TripCut[] {
  return cuts.filter((cut) => {
    const km = distanceKm(cut);
    if (km <= MAX_DISTANCE_KM) return true;
    const start = cut.start.time;
    if (!unit.implausible.includes(start)) {
      unit.implausible = [...unit.implausible, start];
      unit.unsaved = true;
      const message = `expected a trip of at most ${MAX_DISTANCE_KM} km, found ${km} km from ${cut.tally.fixCount} fixes; check the tracker's positions`;
      decisions.push({ kind: 'implausible', eventTime: cut.end.time, message });
    }
    return false;
  });
}

function isSame(a: TripCut, b: TripCut): boolean {
  return (
    a.start.time === b.start.time &&
    a.end.time === b.end.time &&
    a.start.latitude === b.start.latitude &&
    a.start.longitude === b.start.longitude &&
    a.end.latitude === b.end.latitude &&
    a.end.longitude === b.end.longitude &&
    a.tally.fixCount === b.tally.fixCount &&
    a.tally.driver === b.tally.driver &&
    distanceKm(a) === distanceKm(b) &&
    inputsHash(a.tally) === inputsHash(b.tally)
  );
}

function eventOf(
  unit: Unit,
  rules: Rules,
  clock: number | undefined,
  { entry, causation, replacedBy }: Version<TripCut>,
): TripCompleted {
  const { start, end, tally } = entry.cut;
  const settledBy = end.time + rules.graceMs + rules.marginMs;
  return {
    tenant_id: unit.tenantId,
    unit: unit.name,
    event_id: entityId(unit.tenantId, 'trip', entry.id),
    event_time: end.time,
    provider_time: causation.providerTime,
    received_time: causation.receivedTime,
    revision: entry.revision,
    retracted: entry.retracted,
    cause: causation.cause,
    trace: causation.trace,
    trip_id: entry.id,
    start_time: start.time,
    end_time: end.time,
    duration_s: secondsBetween(start, end),
    distance_km: distanceKm(entry.cut),
    start_latitude: start.latitude,
    start_longitude: start.longitude,
    end_latitude: end.latitude,
    end_longitude: end.longitude,
    fix_count: tally.fixCount,
    driver_code: tally.driver ?? null,
    finality: clock !== undefined && clock > settledBy ? 'final' : 'provisional',
    late_by_s: causation.lateByS,
    replaced_by: replacedBy,
    rule_version: rules.version,
    first_fix: start.address,
    last_fix: end.address,
    inputs_hash: inputsHash(tally),
    rule: TRIP_RULE,
  };
}

function changeOf(unit: Unit, rules: Rules, cut: TripCut, old: TripCut | undefined): Change {
  const { stayMs, silenceMs } = rules.trip;
  const newest = unit.timeline.newestTime;
  const oldEnd = old === undefined ? -Infinity : old.end.time + stayMs;
  return {
    from: Math.min(cut.start.time, old?.start.time ?? Infinity) - stayMs,
    to: Math.max(cut.closing?.time ?? newest, oldEnd),
    isRecut: old !== undefined,
    silentSince: cut.closing === undefined ? newest + silenceMs : undefined,
    fix: cut.end,
  };
}

function withdrawalOf(rules: Rules, cut: TripCut): Change {
  const { stayMs } = rules.trip;
  return {
    from: cut.start.time - stayMs,
    to: cut.end.time + stayMs,
    isRecut: true,
    silentSince: undefined,
    fix: cut.end,
  };
}

/**
 * Compares the trips that the fixes give now with the published ones and returns the difference. A
 * published trip that lies in a run which a later fix opened again stays as it is until that run is
 * closed: only then are its new borders known.
 */
export function settleTrips(unit: Unit, rules: Rules, occasion: Occasion): Decision[] {
  const { clock } = occasion;
  const silent = silentRun(unit, rules, clock);
  const closed = unit.timeline.chunks.flatMap((chunk) => chunk.closed.trips);
  if (silent !== undefined) closed.push(cutBySilence(silent));
  const long = closed.filter(
    ({ tally }) => tally.distanceM >= rules.trip.minDistanceM && tally.fixCount >= 2,
  );
  const decisions: Decision[] = [];
  const { run } = unit.timeline.head;
  const { published, versions } = compare({
    kind: 'trip',
    parts: [unit.tenantId, unit.name],
    published: unit.trips,
    cuts: plausible(unit, long, decisions),
    open: run === undefined || silent !== undefined ? undefined : intervalOf(run),
    intervalOf,
    isSame,
    changeOf: (cut, old) => changeOf(unit, rules, cut, old),
    withdrawalOf: (cut) => withdrawalOf(rules, cut),
    occasion,
  });
  unit.trips = published;
  if (versions.length > 0) unit.unsaved = true;
  for (const version of versions) {
    const event = eventOf(unit, rules, clock, version);
    decisions.push({ kind: 'trip', change: version.change, event });
  }
  return decisions;
}

/** Lets go of trips that no fix can change any more: those that the dropped chunks closed. */
export function releaseTrips(unit: Unit, dropped: readonly TripCut[]): void {
  const ends = new Map(dropped.map((cut) => [cut.start.time, cut.end.time]));
  const { trimmedTo } = unit.timeline;
  unit.trips = unit.trips.filter((entry) =>
    entry.retracted
      ? Math.max(entry.firstStart, entry.cut.end.time) >= trimmedTo
      : ends.get(entry.cut.start.time) !== entry.cut.end.time,
  );
  unit.implausible = unit.implausible.filter((start) => !ends.has(start));
}
