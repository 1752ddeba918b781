import { businessDate, distanceM, fixId, round } from '@waybill/domain';
import type { Detection } from '@waybill/tenant';
import { insideRing } from '../core/zone-shape.ts';
import type { ZoneDescribed } from '@waybill/contracts';
import type { Fixture } from './messages.ts';

/**
 * The rules once more, written plainly over the whole list, to compare the detector with. Fixtures of
 * one unit; results as lines of text.
 */
interface Plain extends Fixture {
  readonly id: string;
  readonly rt: number;
}

function plain(fixture: Fixture, tenantId: string, unit: string): Plain {
  const { t, lat, lon } = fixture;
  const rt = fixture.rt ?? t + 1;
  return {
    ...fixture,
    rt,
    id: fixId({ tenantId, unit, eventTime: t * 1000, latitude: lat, longitude: lon }),
  };
}

/** Of each fix the copy that was registered first. */
function firstCopies(fixtures: readonly Plain[]): Plain[] {
  const byId = new Map<string, Plain>();
  for (const fix of fixtures) {
    const known = byId.get(fix.id);
    if (known === undefined || fix.rt < known.rt) byId.set(fix.id, fix);
  }
  return [...byId.values()];
}

/** Fixes that count: within grace, one per second, in order. */
function counting(copies: readonly Plain[], graceS: number): Plain[] {
  const bySecond = new Map<number, Plain>();
  for (const fix of copies.filter(({ rt, t }) => rt - t <= graceS)) {
    const known = bySecond.get(fix.t);
    const wins =
      known === undefined ||
      fix.rt < known.rt ||
      (fix.rt === known.rt && (known.lat - fix.lat || known.lon - fix.lon) < 0);
    if (wins) bySecond.set(fix.t, fix);
  }
  return [...bySecond.values()].sort((a, b) => a.t - b.t);
}

function stepM(from: Plain, to: Plain): number {
  return distanceM(
    { latitude: from.lat, longitude: from.lon },
    { latitude: to.lat, longitude: to.lon },
  );
}

function tripLines(fixes: readonly Plain[], rule: Detection, clockS: number): string[] {
  const isMoving = fixes.map((fix, i) => {
    const before = fixes[i - 1];
    if (before === undefined || fix.t - before.t >= rule.stay_time_s) return false;
    return (stepM(before, fix) / (fix.t - before.t)) * 3.6 > rule.min_speed_kmh;
  });
  const runs: [number, number][] = [];
  for (const [i, fix] of fixes.entries()) {
    if (!isMoving[i]) continue;
    const run = runs.at(-1);
    if (run !== undefined && fix.t - (fixes[run[1]]?.t ?? 0) < rule.stay_time_s) run[1] = i;
    else runs.push([i - 1, i]);
  }
  const newest = fixes.at(-1)?.t ?? 0;
  return runs.flatMap(([from, to]) => {
    const [start, end] = [fixes[from] as Plain, fixes[to] as Plain];
    let distance = 0;
    for (let i = from + 1; i <= to; i += 1) {
      distance += stepM(fixes[i - 1] as Plain, fixes[i] as Plain);
    }
    const isClosed =
      fixes.some((fix) => fix.t >= end.t + rule.stay_time_s) || clockS >= newest + rule.silence_s;
    if (distance < rule.min_trip_distance_m || !isClosed) return [];
    return `${start.t}-${end.t} ${round(distance / 1000, 2)} km, ${to - from + 1} fixes`;
  });
}

function visitLines(
  fixes: readonly Plain[],
  zone: ZoneDescribed,
  rule: Detection,
  clockS: number,
): string[] {
  const ring = zone.intervals[0]?.points ?? [];
  const silenceS = rule.visit_silence_h * 3600;
  const lines: string[] = [];
  let isInside = false;
  let entered: Plain | undefined;
  let lastInside: Plain | undefined;
  let changing: Plain[] = [];
  const lose = (): void => {
    if (entered !== undefined) {
      lines.push(`${zone.geofence_id} ${entered.t}-${lastInside?.t} UNKNOWN_EXIT`);
    }
    entered = undefined;
  };
  for (const [i, fix] of fixes.entries()) {
    const here = insideRing(ring, { latitude: fix.lat, longitude: fix.lon });
    const before = fixes[i - 1];
    if (before === undefined || fix.t - before.t > silenceS) {
      lose();
      isInside = here;
      changing = [];
    } else if (here === isInside) {
      changing = [];
    } else {
      changing.push(fix);
    }
    if (here) lastInside = fix;
    if (changing.length < rule.visit_confirm_fixes) continue;
    const [first] = changing;
    if (here) entered = first;
    else if (entered !== undefined) {
      lines.push(`${zone.geofence_id} ${entered.t}-${first?.t} LEFT`);
      entered = undefined;
    }
    isInside = here;
    changing = [];
  }
  if (clockS > (fixes.at(-1)?.t ?? 0) + silenceS) lose();
  if (entered !== undefined) lines.push(`${zone.geofence_id} ${entered.t}- ENTERED`);
  return lines;
}

/** What must stand in the end. */
export interface Expected {
  readonly trips: readonly string[];
  readonly visits: readonly string[];
  /** Open tasks: business date and count. */
  readonly tasks: readonly string[];
}

/** The result for one unit when T has reached `clockS`. */
export function expectedOf(
  fixtures: readonly Fixture[],
  about: {
    readonly tenantId: string;
    readonly unit: string;
    readonly timeZone: string;
    readonly graceS: number;
    readonly clockS: number;
    readonly rule: Detection;
    readonly zones: readonly ZoneDescribed[];
  },
): Expected {
  const copies = firstCopies(fixtures.map((fix) => plain(fix, about.tenantId, about.unit)));
  const fixes = counting(copies, about.graceS);
  const days = new Map<string, number>();
  for (const { t } of copies.filter((fix) => fix.rt - fix.t > about.graceS)) {
    const date = businessDate(t * 1000, about.timeZone);
    days.set(date, (days.get(date) ?? 0) + 1);
  }
  return {
    trips: tripLines(fixes, about.rule, about.clockS),
    visits: about.zones
      .flatMap((zone) => visitLines(fixes, zone, about.rule, about.clockS))
      .toSorted(),
    tasks: [...days].map(([date, count]) => `${date}: ${count}`).toSorted(),
  };
}
