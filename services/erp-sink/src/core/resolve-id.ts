import type { MappingInterval } from '@waybill/contracts';

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
