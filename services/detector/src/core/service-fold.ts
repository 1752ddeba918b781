import type { ServiceInterval } from '@waybill/contracts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { sameFix, type Fix } from './fix.ts';
import { readFix, writeFix } from './fix-codec.ts';
import { at, type UnitSettings } from './unit-settings.ts';

/** How long before its end an interval is announced. */
export interface ServiceRule {
  readonly leadKm: number;
  readonly leadHoursH: number;
  readonly leadMs: number;
}

const reasons = ['DISTANCE', 'ENGINE_HOURS', 'DATE'] as const;

/** A service interval that came within the lead of its end. */
export interface ServiceCut {
  readonly interval: ServiceInterval;
  readonly dueBy: (typeof reasons)[number];
  /** When it came within the lead, ms. */
  readonly time: number;
  /** The fix that said so; for a date the newest one before. */
  readonly fix: Fix;
}

/** Intervals and cycles that were announced: `<interval id>/<cycle>`. */
export type ServiceState = readonly string[];

const DAY_MS = 86_400_000;

/** What tells one announcement from another. */
export function serviceKey({ interval_id: id, times_done: cycle }: ServiceInterval): string {
  return `${id}/${cycle}`;
}

/** When an interval ends by its date, ms; undefined where it does not. */
export function dueDate({
  interval_days: days,
  last_time: last,
}: ServiceInterval): number | undefined {
  return days > 0 && last !== null ? last + days * DAY_MS : undefined;
}

/** Odometer at which it ends, km. */
export function dueKm({ interval_km: km, last_km: last }: ServiceInterval): number | undefined {
  return km > 0 ? last + km : undefined;
}

/** Engine hours at which it ends. */
export function dueHours(interval: ServiceInterval): number | undefined {
  const { interval_engine_hours_h: hours, last_engine_hours_h: last } = interval;
  return hours > 0 ? last + hours : undefined;
}

/** The intervals that hold at a time and were not announced. */
function pendingAt(
  state: ServiceState,
  unit: UnitSettings,
  time: number,
): readonly ServiceInterval[] {
  const intervals = at(unit.provider, time)?.service_intervals;
  if (intervals === undefined || intervals.length === 0) return [];
  return intervals.filter((interval) => !state.includes(serviceKey(interval)));
}

/** Announcements that are due by a date when the clock reads `time`, ms; `last` is the newest fix. */
export function dueByDate(
  state: ServiceState,
  unit: UnitSettings,
  time: number,
  last: Fix,
  rule: ServiceRule,
): ServiceCut[] {
  return pendingAt(state, unit, time).flatMap((interval): ServiceCut[] => {
    const due = dueDate(interval);
    if (due === undefined || time < due - rule.leadMs) return [];
    return [{ interval, dueBy: 'DATE', time: due - rule.leadMs, fix: last }];
  });
}

/** When the next date comes within the lead, ms; Infinity = none. */
export function nextDate(
  state: ServiceState,
  unit: UnitSettings,
  time: number,
  rule: ServiceRule,
): number {
  const dates = pendingAt(state, unit, time).map((interval) => dueDate(interval) ?? Infinity);
  return Math.min(Infinity, ...dates) - rule.leadMs;
}

function dueByMeter(
  interval: ServiceInterval,
  fix: Fix,
  rule: ServiceRule,
): ServiceCut | undefined {
  const [km, hours] = [dueKm(interval), dueHours(interval)];
  const { time, odometerKm, engineHoursH } = fix;
  if (km !== undefined && odometerKm !== undefined && odometerKm >= km - rule.leadKm) {
    return { interval, dueBy: 'DISTANCE', time, fix };
  }
  if (
    hours !== undefined &&
    engineHoursH !== undefined &&
    engineHoursH >= hours - rule.leadHoursH
  ) {
    return { interval, dueBy: 'ENGINE_HOURS', time, fix };
  }
  return undefined;
}

/**
 * The service rule: one fix further. Each interval is announced once per cycle, by what comes near first. A
 * date that passed before the fix is announced as of that date.
 */
export function advanceService(
  state: ServiceState,
  last: Fix | undefined,
  fix: Fix,
  unit: UnitSettings,
  rule: ServiceRule,
  closed: ServiceCut[],
): ServiceState {
  const pending = pendingAt(state, unit, fix.time);
  if (pending.length === 0) return state;
  const found = [...dueByDate(state, unit, fix.time, last ?? fix, rule)];
  for (const interval of pending) {
    if (found.some((cut) => cut.interval === interval)) continue;
    const cut = dueByMeter(interval, fix, rule);
    if (cut !== undefined) found.push(cut);
  }
  if (found.length === 0) return state;
  closed.push(...found);
  const current = new Set(pending.map((interval) => `${interval.interval_id}/`));
  // A cycle that is over is never asked for again.
  const kept = state.filter((key) => !current.has(key.slice(0, key.indexOf('/') + 1)));
  return [...kept, ...found.map((cut) => serviceKey(cut.interval))];
}

export function sameService(a: ServiceCut, b: ServiceCut): boolean {
  return (
    a.dueBy === b.dueBy &&
    a.time === b.time &&
    sameFix(a.fix, b.fix) &&
    JSON.stringify(a.interval) === JSON.stringify(b.interval)
  );
}

export function writeService(writer: ByteWriter, cut: ServiceCut): void {
  writer.text(JSON.stringify(cut.interval));
  writer.u8(reasons.indexOf(cut.dueBy));
  writer.f64(cut.time);
  writeFix(writer, cut.fix);
}

export function readService(reader: ByteReader): ServiceCut {
  return {
    // Written by writeService and by nobody else.
    interval: JSON.parse(reader.text()) as ServiceInterval,
    dueBy: reasons[reader.u8()] ?? 'DATE',
    time: reader.f64(),
    fix: readFix(reader),
  };
}
