import type { PositionRecorded, RawAddress } from '@waybill/contracts';
import { wordOf } from './bytes.ts';

/**
 * A fix as the rules see it. Coordinates are kept to 1e-7 degree (1 cm) and speed to 0.001 km/h, so
 * that a fix that was saved and restored gives the same result to the last bit.
 */
export interface Fix {
  /** Device time, ms. */
  readonly time: number;
  readonly latitude: number;
  readonly longitude: number;
  /** provider_time - event_time, ms; negative for a device clock that is ahead. */
  readonly latenessMs: number;
  /** event_id, 32 hex digits. */
  readonly id: string;
  /** The first 16 digits of the id as two words. */
  readonly idHigh: number;
  readonly idLow: number;
  readonly speedKmh: number | undefined;
  readonly driver: string | undefined;
  readonly address: RawAddress;
}

/** What a trip's contract takes as a driver code; anything else counts as none. */
const DRIVER_CODE = /^[A-Za-z0-9_-]{1,32}$/;

function rounded(degrees: number): number {
  // Adding 0 makes 0 of -0, which an integer cannot hold.
  return Math.round(degrees * 1e7) / 1e7 + 0;
}

/** The fix of a position record. */
export function fixOf(position: PositionRecorded): Fix {
  const { speed_kmh: speed, driver_code: driver } = position;
  return {
    time: position.event_time,
    latitude: rounded(position.latitude),
    longitude: rounded(position.longitude),
    latenessMs: position.provider_time - position.event_time,
    id: position.event_id,
    idHigh: wordOf(position.event_id, 0),
    idLow: wordOf(position.event_id, 8),
    speedKmh: speed === null ? undefined : Math.round(speed * 1000) / 1000,
    driver: driver !== null && DRIVER_CODE.test(driver) ? driver : undefined,
    address: position.trace,
  };
}

/** Device second: of several fixes in one, only one counts. */
export function secondOf(time: number): number {
  return Math.floor(time / 1000);
}

/** When the provider registered the fix, ms. */
export function providerTimeOf(fix: Fix): number {
  return fix.time + fix.latenessMs;
}

/** True when `a` counts before `b` in the same device second: smaller (provider_time, event_id). */
export function outranks(a: Fix, b: Fix): boolean {
  const difference = providerTimeOf(a) - providerTimeOf(b);
  return difference < 0 || (difference === 0 && a.id < b.id);
}

/** True when both are the same copy of the same fix. */
export function sameFix(a: Fix | undefined, b: Fix | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.time === b.time && a.latenessMs === b.latenessMs && a.id === b.id;
}
