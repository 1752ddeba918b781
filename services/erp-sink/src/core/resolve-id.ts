import type { MappingInterval } from '@waybill/contracts';
import type { ResolvedIds } from './fact.ts';
import { DRIVER, SITE, VEHICLE } from './shapes.ts';

/** Validity intervals by ref, of one tenant. */
export type Intervals = ReadonlyMap<string, readonly MappingInterval[]>;

/** A span of event time, ms since epoch; null = unbounded, `to` exclusive. */
export interface Span {
  readonly from: number | null;
  readonly to: number | null;
}

/** The ERP id that is valid at an instant (ms); undefined when none is. Ends are exclusive. */
export function erpIdAt(intervals: readonly MappingInterval[], at: number): string | undefined {
  return intervals.find(
    ({ valid_from_time: from, valid_to_time: to }) =>
      (from === null || from <= at) && (to === null || at < to),
  )?.erp_id;
}

/** The spans in which two versions of a mapping give different ids, ascending, neighbours joined. */
export function changedSpans(
  before: readonly MappingInterval[],
  after: readonly MappingInterval[],
): readonly Span[] {
  const cuts = [...before, ...after].flatMap(({ valid_from_time: from, valid_to_time: to }) =>
    [from, to].filter((cut) => cut !== null),
  );
  const starts = [-Infinity, ...new Set(cuts.toSorted((a, b) => a - b))];
  const spans: { from: number; to: number }[] = [];
  for (const [index, from] of starts.entries()) {
    const to = starts[index + 1] ?? Infinity;
    // Borders are all cuts, so the first instant of a span stands for the whole of it.
    const at = from === -Infinity ? Math.min(to, 0) - 1 : from;
    if (erpIdAt(before, at) === erpIdAt(after, at)) continue;
    const last = spans.at(-1);
    if (last?.to === from) last.to = to;
    else spans.push({ from, to });
  }
  return spans.map(({ from, to }) => ({
    from: from === -Infinity ? null : from,
    to: to === Infinity ? null : to,
  }));
}

/** Field that an id goes to, by what its ref begins with. */
const fieldOf = [
  [VEHICLE, 'vehicle_id', 'vehicleId'],
  [SITE, 'site_id', 'siteId'],
  [DRIVER, 'driver_id', 'driverId'],
] as const;

/**
 * The ids as of the event's time, or the first ref that has none then. An id that no column takes
 * (`named`) is looked up and not waited for.
 */
export function resolveIds(
  row: { readonly refs: readonly string[]; readonly eventTime: number },
  intervals: Intervals,
  named: ReadonlySet<string>,
): ResolvedIds | string {
  const ids: { -readonly [I in keyof ResolvedIds]: string | null } = {
    vehicleId: null,
    siteId: null,
    driverId: null,
  };
  for (const ref of row.refs) {
    const id = erpIdAt(intervals.get(ref) ?? [], row.eventTime);
    const [, field, name] = fieldOf.find(([start]) => ref.startsWith(start)) ?? [];
    if (field === undefined || name === undefined) continue;
    if (id === undefined && named.has(field)) return ref;
    ids[name] = id ?? null;
  }
  return ids;
}
