import { topics, type TripCompleted } from '@waybill/contracts';
import { round } from '@waybill/domain';
import type { Interval } from '../inherit.ts';
import type { Change } from '../occasion.ts';
import { mainDriver, sameDrivers } from '../drivers.ts';
import { envelopeOf, secondsBetween, type Version } from '../publication.ts';
import { SIGNAL, type Refusal, type Rule, type Scene } from '../rule.ts';
import { readRun, readTripCut, writeRun, writeTripCut } from '../trip-codec.ts';
import {
  advanceRun,
  cutBySilence,
  inputsHash,
  sameRun,
  type Run,
  type TripCut,
} from '../trip-fold.ts';

type State = Run | undefined;

/** Greatest distance that the contract takes; beyond it positions are nonsense. */
const MAX_DISTANCE_KM = 10_000;

function distanceKm(cut: TripCut): number {
  return round(cut.tally.distanceM / 1000, 2);
}

function intervalOf({ start, end }: Pick<TripCut, 'start' | 'end'>): Interval {
  return { from: start.time, to: end.time };
}

/** The run that T has closed, when it has. */
function silentRun({ state, located, clock, rules }: Scene<State>): Run | undefined {
  if (state === undefined || located === undefined || clock === undefined) return undefined;
  return clock >= located.time + rules.trip.silenceMs ? state : undefined;
}

function refusalOf(cut: TripCut): Refusal | undefined {
  const km = distanceKm(cut);
  if (km <= MAX_DISTANCE_KM) return undefined;
  const message = `expected a trip of at most ${MAX_DISTANCE_KM} km, found ${km} km from ${cut.tally.fixCount} fixes; check the tracker's positions`;
  return { code: 'TRIP_IMPLAUSIBLE', path: 'distance_km', message };
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
    sameDrivers(a.tally.drivers, b.tally.drivers) &&
    distanceKm(a) === distanceKm(b) &&
    inputsHash(a.tally) === inputsHash(b.tally)
  );
}

function eventOf(version: Version<TripCut>, scene: Scene<State>): TripCompleted {
  const { entry } = version;
  const { start, end, tally } = entry.cut;
  const main = mainDriver(tally.drivers);
  return {
    ...envelopeOf(trip, version, scene, { time: end.time, settledTime: end.time }),
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
    driver_code: main?.driver ?? null,
    driver_source: main?.source.toLowerCase() ?? null,
    driver_changes: main === undefined ? null : tally.drivers.changes,
    first_fix: start.address,
    last_fix: end.address,
    inputs_hash: inputsHash(tally),
    distance_source: 'great_circle',
    great_circle_km: distanceKm(entry.cut),
    odometer_km: null,
    left_out_count: null,
    is_private: null,
    settings_source: 'tenant',
  };
}

function changeOf(
  cut: TripCut,
  old: TripCut | undefined,
  { rules, located }: Scene<State>,
): Change {
  const { stayMs, silenceMs } = rules.trip;
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
  advance: (run, { located, place }, rules, closed) =>
    place === undefined
      ? run
      : advanceRun(located, run, place, rules.trip, closed, rules.unit.assignments),
  sameState: sameRun,
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
        cuts: all.filter(
          ({ tally }) => tally.distanceM >= rules.trip.minDistanceM && tally.fixCount >= 2,
        ),
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
    ],
  },
};
