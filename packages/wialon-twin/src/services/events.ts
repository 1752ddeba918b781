import { tripDetectorOf } from '../equipment/settings.ts';
import { engineSeconds } from '../equipment/telemetry.ts';
import { visibleItem } from '../core-services.ts';
import { ApiError, errorCode, integer, object, text, type Params } from '../params.ts';
import type { Call, Services } from '../service.ts';
import { lengthOf, tracksOf, tripsOf, type Track, type Trip } from '../trips.ts';

/** Events of a unit that a session loaded. */
export interface LoadedEvents {
  readonly trips: readonly Trip[];
  readonly ignition: readonly { readonly from: Track; readonly to: Track }[];
}

const place = ({ t, lat, lon }: Track): unknown => ({ t, y: lat, x: lon });

function tripEvent({ from, to, metres, maxSpeed }: Trip, state: number): unknown {
  const seconds = Math.max(1, to.t - from.t);
  return {
    from: place(from),
    to: place(to),
    m: metres,
    f: 0,
    state,
    max_speed: maxSpeed,
    curr_speed: to.speed,
    avg_speed: Math.round((metres / seconds) * 3.6),
    distance: metres,
    odometer: metres,
    course: 0,
    altitude: 0,
  };
}

function ignitionRuns(tracks: readonly Track[]): LoadedEvents['ignition'] {
  const runs: { from: Track; to: Track }[] = [];
  let isOn = false;
  for (const track of tracks) {
    const on = track.parameters['ignition'] === 1;
    const last = runs.at(-1);
    if (on && isOn && last !== undefined) last.to = track;
    else if (on) runs.push({ from: track, to: track });
    isOn = on;
  }
  return runs;
}

const ignitionEvent = ({ from, to }: { from: Track; to: Track }): unknown => ({
  from: place(from),
  to: place(to),
  state: 1,
  type: 1,
  hours: to.t - from.t,
  switches: 1,
  value: 1,
});

function load(call: Call): string {
  const { session, params, now } = call;
  if (session.events !== undefined) throw new ApiError(errorCode.limit, 'LOCKER_ERROR');
  const unit = visibleItem(call, 'itemId');
  const ivalType = integer(params, 'ivalType');
  if (ivalType !== 1) throw new ApiError(errorCode.invalidInput);
  const [from, to] = [integer(params, 'timeFrom'), integer(params, 'timeTo')];
  const tracks = tracksOf(session.store, session.store.interval(unit.id, from, to, now));
  const trips = tripsOf(tracks, tripDetectorOf(unit.id));
  session.events = { trips, ignition: ignitionRuns(tracks) };
  const counts = { trips: { 0: trips.length }, ignition: { 1: session.events.ignition.length } };
  const selector = selected(session.events, params['selector']);
  return JSON.stringify({ events: counts, selector });
}

function selected({ trips, ignition }: LoadedEvents, value: unknown): unknown {
  if (value === undefined) return {};
  const selector = object(value);
  const type = text(selector, 'type');
  if (type === 'trips') return { trips: { 0: trips.map((trip) => tripEvent(trip, 0)) } };
  if (type === 'ignition') return { ignition: { 1: ignition.map(ignitionEvent) } };
  throw new ApiError(errorCode.invalidInput);
}

function get({ session, params }: Call): string {
  if (session.events === undefined) throw new ApiError(errorCode.invalidInput);
  return JSON.stringify(selected(session.events, params['selector']));
}

function unload({ session }: Call): string {
  session.events = undefined;
  return '{}';
}

const DETECTORS = ['trips', 'ignition', 'counters'] as const;
type Detector = (typeof DETECTORS)[number];

/** A unit whose state a session asks for. */
export interface Watched {
  /** Number of the first message that counts. */
  readonly since: number;
  readonly detectors: ReadonlySet<Detector>;
}

/** `{"trips": 0}`, `{"ignition,counters": 0}` or `{"*": 0}`; those that the twin does not have are left out. */
function detectorsOf(unit: Params): ReadonlySet<Detector> {
  const names = Object.keys(object(unit['detect'])).flatMap((key) => key.split(','));
  const isAll = names.length === 0 || names.includes('*');
  return new Set(DETECTORS.filter((detector) => isAll || names.includes(detector)));
}

function watch(call: Call): string {
  const { session, params } = call;
  const mode = text(params, 'mode');
  const list: readonly unknown[] = Array.isArray(params['units']) ? params['units'] : [];
  const units = list.map((unit) => object(unit));
  const ids = units.map((unit) => visibleItem({ ...call, params: unit }, 'id').id);
  if (mode === 'clear') session.watched.clear();
  else if (mode === 'remove') for (const id of ids) session.watched.delete(id);
  else if (mode === 'add') {
    const since = session.store.registered(call.now);
    for (const [index, id] of ids.entries()) {
      session.watched.set(id, { since, detectors: detectorsOf(units[index] ?? {}) });
    }
  } else throw new ApiError(errorCode.invalidInput);
  return JSON.stringify({ units: session.watched.size });
}

/** As the counters of the item: metres since the last reset, and the hours that this distance stands for. */
function countersEvent(from: Track, to: Track, start: number): unknown {
  const { odometer } = to.parameters;
  const mileage = typeof odometer === 'number' ? Math.max(0, odometer - start) : 0;
  const engine_hours = Math.round(engineSeconds(mileage));
  return { from: { t: from.t }, to: { t: to.t }, engine_hours, mileage, bytes: 0 };
}

function currentIgnition(tracks: readonly Track[]): unknown {
  const runs = ignitionRuns(tracks);
  const state = tracks.at(-1)?.parameters['ignition'] === 1 ? 1 : 0;
  const hours = runs.reduce((sum, { from, to }) => sum + to.t - from.t, 0);
  return { 1: { state, type: 1, hours, switches: runs.length, value: state } };
}

/** State of each watched unit whose messages came since the last check. */
function check(call: Call): string {
  const { session, now, account } = call;
  const limit = session.store.registered(now);
  const answer: Record<string, unknown> = {};
  for (const [id, { since, detectors }] of session.watched) {
    session.watched.set(id, { since: limit, detectors });
    const numbers = session.store.interval(id, 0, now, now).filter((g) => g >= since);
    const tracks = tracksOf(session.store, numbers);
    const [from, to] = [tracks[0], tracks.at(-1)];
    if (from === undefined || to === undefined) continue;
    const maxSpeed = Math.max(...tracks.map(({ speed }) => speed));
    const metres = Math.round(lengthOf(tracks));
    const isMoving = to.speed > tripDetectorOf(id).minMovingSpeed;
    const states: Readonly<Record<Detector, unknown>> = {
      trips: tripEvent({ from, to, metres, maxSpeed }, isMoving ? 1 : 0),
      ignition: currentIgnition(tracks),
      counters: countersEvent(from, to, account.equipment.counterStart(id)),
    };
    answer[id] = [...detectors].map((detector) => ({ [detector]: states[detector] }));
  }
  return JSON.stringify(answer);
}

/** events/*: one loader per session, and the watch list for live states. */
export const eventServices: Services = {
  'events/load': { heavy: true, run: load },
  'events/get': { run: get },
  'events/unload': { run: unload },
  'events/update_units': { run: watch },
  'events/check_updates': { run: check },
};
