import type { MinuteSampled } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { isLocated, type Fix } from './fix.ts';

/** What is sampled together, ms. */
export const MINUTE_MS = 60_000;

/** Start of the minute of an instant, ms. */
export function minuteOf(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}

/** H3 cell of a coordinate in degrees. */
export type CellOf = (latitude: number, longitude: number) => string;

/** One minute of a unit from the fixes that count; undefined when none has a position. */
export function sampleOf(
  identity: { readonly tenantId: string; readonly unit: string; readonly revision: number },
  minute: number,
  fixes: readonly Fix[],
  cellOf: CellOf,
): MinuteSampled | undefined {
  const inMinute = fixes.filter(({ time }) => minuteOf(time) === minute);
  const newest = inMinute.findLast(isLocated);
  if (newest === undefined) return undefined;
  const speeds = inMinute.flatMap(({ speedKmh }) => speedKmh ?? []);
  const { tenantId, unit, revision } = identity;
  const mean = speeds.reduce((sum, speed) => sum + speed, 0) / speeds.length;
  return {
    tenant_id: tenantId,
    unit,
    event_id: hashId('minute', tenantId, unit, minute),
    minute_time: minute,
    revision,
    cell: cellOf(newest.latitude, newest.longitude),
    fixes: inMinute.length,
    speed_kmh: speeds.length === 0 ? null : Math.round(mean * 10) / 10,
  };
}
