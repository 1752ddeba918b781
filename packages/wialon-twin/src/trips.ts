import { distanceM } from '@waybill/domain';
import type { TripDetector } from './equipment/settings.ts';
import type { MessageStore } from './message-store.ts';
import { isWellFormed } from './well-formed.ts';

/** A position of a unit as trips, reports and events look at it. */
export interface Track {
  /** Index in the loaded set. */
  readonly i: number;
  readonly t: number;
  readonly lat: number;
  readonly lon: number;
  /** km/h. */
  readonly speed: number;
  /** Degrees. */
  readonly course: number;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A trip between two positions. */
export interface Trip {
  readonly from: Track;
  readonly to: Track;
  readonly metres: number;
  /** km/h. */
  readonly maxSpeed: number;
}

/** The well-formed positions among messages of a store, in their order. */
export function tracksOf(store: MessageStore, numbers: readonly number[]): Track[] {
  return numbers.flatMap((g, i): Track[] => {
    const { json, position } = store.message(g);
    if (position === undefined) return [];
    const message: unknown = JSON.parse(json);
    if (!isWellFormed(message) || message.pos === undefined || message.pos === null) return [];
    const { s, c } = message.pos as { readonly s?: unknown; readonly c?: unknown };
    const { p } = message as { readonly p?: Readonly<Record<string, unknown>> };
    const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
    const [speed, course] = [number(s), number(c)];
    const { y: lat, x: lon } = message.pos;
    return [{ i, t: message.t, lat, lon, speed, course, parameters: p ?? {} }];
  });
}

function isMoving(track: Track, detector: TripDetector): boolean {
  if (detector.type === 3) return track.parameters['ignition'] === 1;
  return track.speed > detector.minMovingSpeed;
}

export function metresBetween(a: Track, b: Track): number {
  return distanceM({ latitude: a.lat, longitude: a.lon }, { latitude: b.lat, longitude: b.lon });
}

/** Length of a run of positions, metres. */
export function lengthOf(tracks: readonly Track[]): number {
  return tracks.reduce((sum, track, index) => {
    const before = tracks[index - 1];
    return before === undefined ? 0 : sum + metresBetween(before, track);
  }, 0);
}

/**
 * Trips by the unit's detector: runs of moving positions with less than minStayTime between two of them;
 * short and brief ones are dropped. The provider's own rule is not published; this is a plain one.
 */
export function tripsOf(tracks: readonly Track[], detector: TripDetector): Trip[] {
  const trips: Trip[] = [];
  let run: { first: number; last: number } | undefined;
  const close = (): void => {
    if (run === undefined) return;
    const part = tracks.slice(run.first, run.last + 1);
    run = undefined;
    const [from, to] = [part[0], part.at(-1)];
    if (from === undefined || to === undefined) return;
    const metres = Math.round(lengthOf(part));
    if (metres < detector.minTripDistance || to.t - from.t < detector.minTripTime) return;
    trips.push({ from, to, metres, maxSpeed: Math.max(...part.map(({ speed }) => speed)) });
  };
  for (const [index, track] of tracks.entries()) {
    if (!isMoving(track, detector)) continue;
    const last = run === undefined ? undefined : tracks[run.last];
    if (last !== undefined && track.t - last.t >= detector.minStayTime) close();
    if (run === undefined) run = { first: index, last: index };
    else run.last = index;
  }
  close();
  return trips;
}
