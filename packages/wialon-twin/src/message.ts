import { distanceM } from '@waybill/domain';
import type { Registration } from './recording.ts';

/** Speed and course as a receiver would have reported them. */
export interface Motion {
  /** km/h, whole. */
  readonly speed: number;
  /** Degrees 0..359, whole. */
  readonly course: number;
}

const RADIANS = Math.PI / 180;
/** Steps of this length and more say nothing about the speed at their end. */
const MAX_STEP_S = 300;
/** A receiver's speed does not jump with a position glitch, so derived speeds stop here. */
const MAX_SPEED_KMH = 250;

interface Place {
  readonly t: number;
  readonly lat: number;
  readonly lon: number;
}

function courseDeg(from: Place, to: Place): number {
  const dLon = (to.lon - from.lon) * RADIANS;
  const y = Math.sin(dLon) * Math.cos(to.lat * RADIANS);
  const x =
    Math.cos(from.lat * RADIANS) * Math.sin(to.lat * RADIANS) -
    Math.sin(from.lat * RADIANS) * Math.cos(to.lat * RADIANS) * Math.cos(dLon);
  return Math.round((Math.atan2(y, x) / RADIANS + 360) % 360) % 360;
}

/** Motion at `to`, derived from the step that leads there; the recordings carry neither speed nor course. */
export function motionBetween(from: Place | undefined, to: Place): Motion {
  if (from === undefined || (from.lat === to.lat && from.lon === to.lon)) {
    return { speed: 0, course: 0 };
  }
  const course = courseDeg(from, to);
  const seconds = to.t - from.t;
  if (seconds <= 0 || seconds >= MAX_STEP_S) return { speed: 0, course };
  const metres = distanceM(
    { latitude: from.lat, longitude: from.lon },
    { latitude: to.lat, longitude: to.lon },
  );
  return { speed: Math.min(MAX_SPEED_KMH, Math.round((metres / seconds) * 3.6)), course };
}

/** Motion per row, each unit's fixes taken in device time, rows of one second in file order. */
export function motions(fixes: readonly Registration[]): Map<number, Motion> {
  const previous = new Map<number, Registration>();
  const result = new Map<number, Motion>();
  for (const fix of [...fixes].sort((a, b) => a.t - b.t || a.row - b.row)) {
    const derived = motionBetween(previous.get(fix.unitId), fix);
    const { speed = derived.speed, course = derived.course } = fix;
    result.set(fix.row, { speed, course });
    previous.set(fix.unitId, fix);
  }
  return result;
}

/**
 * `pos` of a data message: y latitude, x longitude, z altitude m, s km/h, c course, sc 255 = unknown.
 * Serialised once per fix; only the times around it differ between repeats and loops.
 */
export function positionJson({ lat, lon }: Place, { speed, course }: Motion): string {
  return JSON.stringify({ y: lat, x: lon, z: 0, s: speed, c: course, sc: 255 });
}

/** A `ud` message with position as the server writes it. */
export function messageJson(t: number, position: string, rt: number): string {
  return `{"t":${t},"f":1,"tp":"ud","pos":${position},"i":0,"o":0,"lc":0,"rt":${rt},"p":{}}`;
}

/** `f` of a message of full equipment: position, inputs and outputs. */
export const FULL_FLAGS = 7;

/** A message of a tracker with full equipment; input 1 is the ignition. */
export function fullMessageJson(message: {
  readonly t: number;
  readonly rt: number;
  /** `pos` as JSON. */
  readonly position: string;
  readonly ignition: boolean;
  /** `p` as JSON. */
  readonly parameters: string;
}): string {
  const { t, rt, position, ignition, parameters } = message;
  return `{"t":${t},"f":${FULL_FLAGS},"tp":"ud","pos":${position},"i":${ignition ? 1 : 0},"o":0,"lc":0,"rt":${rt},"p":${parameters}}`;
}
