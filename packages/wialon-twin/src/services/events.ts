import { tripDetectorOf } from '../equipment/settings.ts';
import { visibleItem } from '../core-services.ts';
import { ApiError, errorCode, integer, object, text } from '../params.ts';
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

function watch(call: Call): string {
  const { session, params } = call;
  const mode = text(params, 'mode');
  const units: readonly unknown[] = Array.isArray(params['units']) ? params['units'] : [];
  const ids = units.map((unit) => visibleItem({ ...call, params: object(unit) }, 'id').id);
  if (mode === 'clear') session.watched.clear();
  else if (mode === 'remove') for (const id of ids) session.watched.delete(id);
  else if (mode === 'add') {
    for (const id of ids) session.watched.set(id, session.store.registered(call.now));
  } else throw new ApiError(errorCode.invalidInput);
  return JSON.stringify({ units: session.watched.size });
}

/** State of each watched unit whose messages came since the last check. */
function check(call: Call): string {
  const { session, now, account } = call;
  const limit = session.store.registered(now);
  const answer: Record<string, unknown> = {};
  for (const [id, since] of session.watched) {
    session.watched.set(id, limit);
    const numbers = session.store.interval(id, 0, now, now).filter((g) => g >= since);
    const tracks = tracksOf(session.store, numbers);
    const [from, to] = [tracks[0], tracks.at(-1)];
    if (from === undefined || to === undefined) continue;
    const maxSpeed = Math.max(...tracks.map(({ speed }) => speed));
    const metres = Math.round(lengthOf(tracks));
    const isMoving = to.speed > tripDetectorOf(id).minMovingSpeed;
    const odometer = to.parameters['odometer'];
    const mileage =
      typeof odometer === 'number' ? odometer - account.equipment.counterStart(id) : 0;
    answer[id] = [
      { trips: tripEvent({ from, to, metres, maxSpeed }, isMoving ? 1 : 0) },
      { counters: { from: { t: from.t }, to: { t: to.t }, engine_hours: 0, mileage, bytes: 0 } },
    ];
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
