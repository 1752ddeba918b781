import type { KeyedBuffers } from '@waybill/stream';
import type { VehicleSampled } from './topics.ts';
import { FIRST_TIME } from './workload.ts';

/**
 * A packed fix, 20 bytes, little-endian: event time in ms since the workload's start (int32), latitude
 * and longitude in 1e-7 degrees (int32 each), speed in 1/8 km/h and heading in degrees (uint16 each,
 * 65,535 = none), odometer in 1/4 km (uint32). A unit's fixes stand in order of time.
 */
export const FIX_BYTES = 20;

const NONE = 65_535;
const scratch = Buffer.allocUnsafeSlow(FIX_BYTES);

function pack(sampled: VehicleSampled): Buffer {
  scratch.writeInt32LE(sampled.event_time - FIRST_TIME, 0);
  scratch.writeInt32LE(Math.round(sampled.latitude * 1e7), 4);
  scratch.writeInt32LE(Math.round(sampled.longitude * 1e7), 8);
  scratch.writeUInt16LE(sampled.speed_kmh === null ? NONE : sampled.speed_kmh * 8, 12);
  scratch.writeUInt16LE(sampled.heading_deg ?? NONE, 14);
  scratch.writeUInt32LE((sampled.odometer_km ?? 0) * 4, 16);
  return scratch;
}

/** Time of the fix at `index`, ms since the workload's start. */
export function timeAt(fixes: Uint8Array, index: number): number {
  const at = index * FIX_BYTES;
  return (
    (fixes[at] ?? 0) |
    ((fixes[at + 1] ?? 0) << 8) |
    ((fixes[at + 2] ?? 0) << 16) |
    ((fixes[at + 3] ?? 0) << 24)
  );
}

/** Index of the first fix that is not earlier than `time`. */
function placeOf(fixes: Uint8Array, time: number): number {
  let low = 0;
  let high = fixes.length / FIX_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeAt(fixes, middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function inserted(fixes: Uint8Array, index: number, fix: Uint8Array): Uint8Array {
  const at = index * FIX_BYTES;
  const longer = Buffer.allocUnsafe(fixes.length + FIX_BYTES);
  longer.set(fixes.subarray(0, at));
  longer.set(fix, at);
  longer.set(fixes.subarray(at), at + FIX_BYTES);
  return longer;
}

/**
 * Adds a fix to its unit, in its place, and drops what is older than `windowMs` before the newest. False
 * when it was there already.
 */
export function addFix(buffers: KeyedBuffers, sampled: VehicleSampled, windowMs: number): boolean {
  const { vehicle_id: unit } = sampled;
  const time = sampled.event_time - FIRST_TIME;
  const fixes = buffers.get(unit);
  const count = fixes.length / FIX_BYTES;
  const newest = count === 0 ? -Infinity : timeAt(fixes, count - 1);
  if (time > newest) {
    buffers.append(unit, pack(sampled));
    const outdated = placeOf(fixes, time - windowMs + 1);
    if (outdated > 0) buffers.dropFront(unit, outdated * FIX_BYTES);
    return true;
  }
  if (time <= newest - windowMs) return false;
  const index = placeOf(fixes, time);
  if (index < count && timeAt(fixes, index) === time) return false;
  buffers.set(unit, inserted(fixes, index, pack(sampled)));
  return true;
}
