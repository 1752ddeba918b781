import { topics, type TripCompleted } from '@waybill/contracts';
import { round } from '@waybill/domain';
import { sameFix } from '../fix.ts';
import { advanceRunEvenly } from '../evenly.ts';
import type { Interval } from '../inherit.ts';
import type { Change } from '../occasion.ts';
import { activitiesOf } from '../driver-activity.ts';
import { mainDriver, sameDrivers } from '../drivers.ts';
import { odometerM, sameMeter } from '../meter.ts';
import { envelopeOf, secondsBetween, type Version } from '../publication.ts';
import { tripRuleAt, type Rules, type TripRule } from '../rules.ts';
import { SIGNAL, type Refusal, type Rule, type Scene } from '../rule.ts';
import { readRun, readTripCut, writeRun, writeTripCut } from '../trip-codec.ts';
import { shiftOfRun } from '../trip-shift.ts';
import {
  advanceRun,
  cutBySilence,
  inputsHash,
  lengthM,
  sameRun,
  type Run,
  type TripCut,
} from '../trip-fold.ts';

type State = Run | undefined;

/** Greatest distance that the contract takes; beyond it positions are nonsense. */
const MAX_DISTANCE_KM = 10_000;

function kilometres(metres: number): number {
  return round(metres / 1000, 2);
}

function ruleOf(cut: TripCut, rules: Rules): TripRule {
  return tripRuleAt(rules, cut.start.time);
}

function intervalOf({ start, end }: Pick<TripCut, 'start' | 'end'>): Interval {
  return { from: start.time, to: end.time };
}

/** The run that T has closed, when it has. */
function silentRun({ state, located, clock, rules }: Scene<State>): Run | undefined {
  if (state === undefined || located === undefined || clock === undefined) return undefined;
  return clock >= located.time + rules.trip.silenceMs ? state : undefined;
}

/** False for what is too short to be a trip. */
function isTrip({ start, end, tally }: TripCut, rule: TripRule): boolean {
  return (
    tally.fixCount >= 2 &&
    lengthM(tally, rule) >= rule.minDistanceM &&
    end.time - start.time >= rule.minDurationMs
  );
}

function refusalOf(cut: TripCut): Refusal | undefined {
  const km = kilometres(Math.max(cut.tally.distanceM, cut.tally.meter.risenM));
  if (km <= MAX_DISTANCE_KM) return undefined;
  const message = `expected a trip of at most ${MAX_DISTANCE_KM} km, found ${km} km from ${cut.tally.fixCount} fixes; check the tracker's positions`;
  return { code: 'TRIP_IMPLAUSIBLE', path: 'distance_km', message };
}

function isSame(a: TripCut, b: TripCut): boolean {
  return (
    sameFix(a.start, b.start) &&
    sameFix(a.end, b.end) &&
    a.start.latitude === b.start.latitude &&
    a.start.longitude === b.start.longitude &&
    a.end.latitude === b.end.latitude &&
    a.end.longitude === b.end.longitude &&
    a.tally.fixCount === b.tally.fixCount &&
    sameDrivers(a.tally.drivers, b.tally.drivers) &&
    sameMeter(a.tally.meter, b.tally.meter) &&
    kilometres(a.tally.distanceM) === kilometres(b.tally.distanceM) &&
    inputsHash(a.tally) === inputsHash(b.tally)
  );
}

/** Where it started and ended; of a private trip nothing is said, which version 1 can only write as 0. */
function placesOf({
  start,
  end,
  tally,
}: TripCut): Pick<
  TripCompleted,
  'start_latitude' | 'start_longitude' | 'end_latitude' | 'end_longitude'
> {
  if (tally.meter.isPrivate) {
    return { start_latitude: 0, start_longitude: 0, end_latitude: 0, end_longitude: 0 };
  }
  return {
    start_latitude: start.latitude,
    start_longitude: start.longitude,
    end_latitude: end.latitude,
    end_longitude: end.longitude,
  };
}

function eventOf(version: Version<TripCut>, scene: Scene<State>): TripCompleted {
  const { entry } = version;
  const { start, end, tally } = entry.cut;
  const main = mainDriver(tally.drivers);
  const rule = ruleOf(entry.cut, scene.rules);
  const byOdometer = odometerM(tally.meter);
  const isByOdometer = rule.distanceSource === 'odometer' && byOdometer !== undefined;
  return {
    ...envelopeOf(trip, version, scene, { time: end.time, settledTime: end.time }),
    trip_id: entry.id,
    start_time: start.time,
    end_time: end.time,
    duration_s: secondsBetween(start, end),
    distance_km: kilometres(lengthM(tally, rule)),
    ...placesOf(entry.cut),
    fix_count: tally.fixCount,
    driver_code: main?.driver ?? null,
    driver_source: main?.source.toLowerCase() ?? null,
    driver_changes: main === undefined ? null : tally.drivers.changes,
    first_fix: start.address,
    last_fix: end.address,
    inputs_hash: inputsHash(tally),
    distance_source: isByOdometer ? 'odometer' : 'great_circle',
    great_circle_km: kilometres(tally.distanceM),
    odometer_km: byOdometer === undefined ? null : kilometres(byOdometer),
    left_out_count: tally.meter.leftOut,
    is_private: tally.meter.isPrivate,
    settings_source: rule.settingsSource,
  };
}

function changeOf(
  cut: TripCut,
  old: TripCut | undefined,
  { rules, located }: Scene<State>,
): Change {
  const { stayMs, silenceMs } = ruleOf(cut, rules);
  const newest = located?.time ?? cut.end.time;
  const oldEnd = old === undefined ? -Infinity : old.end.time + stayMs;
  return {
    from: Math.min(cut.start.time, old?.start.time ?? Infinity) - stayMs,
    to: Math.max(cut.closing?.time ?? newest, oldEnd),
    isRecut: old !== undefined,
    silentSince: cut.closing === undefined ? newest + silenceMs : undefined,
    fix: cut.end,
  };
}

function withdrawalOf(cut: TripCut, { rules }: Scene<State>): Change {
  const { stayMs } = ruleOf(cut, rules);
  return {
    from: cut.start.time - stayMs,
    to: cut.end.time + stayMs,
    isRecut: true,
    silentSince: undefined,
    fix: cut.end,
  };
}

/**
 * Trips: runs of moving fixes, published when a fix or T closed them. A published trip that lies in a run
 * which a later fix opened again stays as it is until that run is closed: only then are its new borders
 * known.
 */
export const trip: Rule<State, TripCut> = {
  name: 'trip',
  version: 1,
  reads: SIGNAL.position,
  isWanted: (rules) => rules.publishesTrips,
  start: undefined,
  advance: (run, { located, place, wayM, leftOut }, rules, closed) => {
    if (place === undefined) return run;
    const { assignments } = rules.unit;
    const step = { last: located, fix: place, wayM, leftOut, assignments };
    return advanceRun(step, run, tripRuleAt(rules, place.time), closed);
  },
  advanceEvenly: advanceRunEvenly,
  sameState: sameRun,
  shiftOf: shiftOfRun,
  writeState: writeRun,
  readState: readRun,
  writeCut: writeTripCut,
  readCut: readTripCut,
  publication: {
    pending: silentRun,
    dueTime: ({ state, located, rules }) =>
      state === undefined || located === undefined ? Infinity : located.time + rules.trip.silenceMs,
    standing: (closed, scene) => {
      const { state, rules } = scene;
      const silent = silentRun(scene);
      const all = silent === undefined ? closed : [...closed, cutBySilence(silent)];
      return {
        cuts: all.filter((cut) => isTrip(cut, ruleOf(cut, rules))),
        open: state === undefined || silent !== undefined ? undefined : intervalOf(state),
      };
    },
    intervalOf,
    groupOf: () => '',
    isSame,
    changeOf,
    withdrawalOf,
    refusalOf,
    announce: (version, scene) => [
      {
        topic: topics.trip,
        message: { type: 'TripCompleted', value: eventOf(version, scene) },
      },
      ...(scene.rules.publishes.shift ? activitiesOf(version, scene) : []),
    ],
  },
};
