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

function timeOf(buffers: KeyedBuffers, unit: string, index: number): number {
  return timeAt(buffers.read(unit, index * FIX_BYTES, (index + 1) * FIX_BYTES), 0);
}

/** Index of the first fix that is not earlier than `time`. */
function placeOf(buffers: KeyedBuffers, unit: string, time: number): number {
  let low = 0;
  let high = buffers.length(unit) / FIX_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(buffers, unit, middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many fixes at the front are not later than `time`; few, because it is asked at every fix. */
function outdatedBy(buffers: KeyedBuffers, unit: string, time: number): number {
  let count = 0;
  while (timeOf(buffers, unit, count) <= time) count += 1;
  return count;
}

/**
 * Adds a fix to its unit, in its place, and drops what is older than `windowMs` before the newest. False
 * when it was there already.
 */
export function addFix(buffers: KeyedBuffers, sampled: VehicleSampled, windowMs: number): boolean {
  const { vehicle_id: unit } = sampled;
  const time = sampled.event_time - FIRST_TIME;
  const count = buffers.length(unit) / FIX_BYTES;
  const newest = count === 0 ? -Infinity : timeOf(buffers, unit, count - 1);
  if (time > newest) {
    buffers.append(unit, pack(sampled));
    const outdated = outdatedBy(buffers, unit, time - windowMs);
    if (outdated > 0) buffers.dropFront(unit, outdated * FIX_BYTES);
    return true;
  }
  if (time <= newest - windowMs) return false;
  const index = placeOf(buffers, unit, time);
  if (index < count && timeOf(buffers, unit, index) === time) return false;
  buffers.insert(unit, index * FIX_BYTES, pack(sampled));
  return true;
}
