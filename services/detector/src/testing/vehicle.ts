import type { Fixture } from './messages.ts';

/** 0.001 degree of latitude is 111 m: 6.7 km/h over a minute. */
const DEGREES_PER_MINUTE = 0.002;

/** Writes the fixes of one vehicle, one a minute, along a meridian. */
export interface Vehicle {
  /** Moves for so many minutes; the first fix comes a minute after the last one. */
  readonly drive: (minutes: number) => readonly Fixture[];
  readonly stay: (minutes: number) => readonly Fixture[];
  /** Lets time pass without a fix. */
  readonly silence: (minutes: number) => void;
  /** Time of the last fix, s. */
  readonly now: () => number;
}

/** A vehicle that starts with `wishes` at second `t`. */
export function vehicle(t: number, wishes: Partial<Fixture> = {}): Vehicle {
  let time = t;
  let lat = wishes.lat ?? 37.7;
  const lon = wishes.lon ?? -122.4;
  const fixes = (minutes: number, degrees: number): Fixture[] =>
    Array.from({ length: minutes }, () => {
      time += 60;
      lat = Math.round((lat + degrees) * 1e5) / 1e5;
      return { ...wishes, t: time, lat, lon };
    });
  return {
    drive: (minutes) => fixes(minutes, DEGREES_PER_MINUTE),
    stay: (minutes) => fixes(minutes, 0),
    silence: (minutes) => {
      time += minutes * 60;
    },
    now: () => time,
  };
}
