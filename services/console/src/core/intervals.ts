import type { IdMapped, MappingInterval } from '@waybill/contracts';

/** The intervals, ascending; or a sentence that says why they cannot stand. */
export function checkIntervals(
  intervals: readonly MappingInterval[],
): { readonly intervals: readonly MappingInterval[] } | { readonly problem: string } {
  const start = (i: MappingInterval): number => i.valid_from_time ?? -Infinity;
  const end = (i: MappingInterval): number => i.valid_to_time ?? Infinity;
  const sorted = intervals.toSorted((a, b) =>
    start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : 0,
  );
  for (const [index, interval] of sorted.entries()) {
    if (start(interval) >= end(interval)) {
      return { problem: `the interval of ${interval.erp_id} ends before it starts` };
    }
    const next = sorted[index + 1];
    if (next && end(interval) > start(next)) {
      return { problem: `${interval.erp_id} and ${next.erp_id} hold the id at the same time` };
    }
  }
  return { intervals: sorted };
}

/** True when both lists say the same. */
export function sameIntervals(
  a: readonly MappingInterval[],
  b: readonly MappingInterval[],
): boolean {
  return (
    a.length === b.length &&
    a.every((interval, index) => {
      const other = b[index];
      return (
        other !== undefined &&
        interval.erp_id === other.erp_id &&
        interval.valid_from_time === other.valid_from_time &&
        interval.valid_to_time === other.valid_to_time
      );
    })
  );
}

/** The ERP id that is valid at an instant (ms since epoch); starts inclusive, ends exclusive. */
export function erpIdAt(mapping: IdMapped | undefined, at: number): string | null {
  if (mapping === undefined || mapping.deleted) return null;
  const interval = mapping.intervals.find(
    ({ valid_from_time: from, valid_to_time: to }) =>
      (from === null || from <= at) && (to === null || at < to),
  );
  return interval?.erp_id ?? null;
}
