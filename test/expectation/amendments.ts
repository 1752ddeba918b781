import type { Fact } from './erp-rows.ts';

/** A row of a closed business day that differs from what stood in the ERP when the day was closed. */
export interface Amended<Row> {
  readonly kind: 'addition' | 'correction' | 'reversal';
  /** Undefined for an addition. */
  readonly before: Row | undefined;
  /** Undefined for a reversal. */
  readonly after: Row | undefined;
}

interface Pair<Row> {
  readonly before: Fact<Row>;
  readonly after: Fact<Row>;
  readonly overlap: number;
}

/** Which fact is the continuation of which: greatest overlap in the same lane first, ties to the earlier. */
function pairsOf<Row>(
  before: readonly Fact<Row>[],
  after: readonly Fact<Row>[],
): Map<Fact<Row>, Fact<Row>> {
  const candidates: Pair<Row>[] = [];
  for (const b of before) {
    for (const a of after) {
      if (a.lane !== b.lane) continue;
      // Closed intervals: one that shrank to a point of the other is still its continuation.
      const overlap = Math.min(a.to, b.to) - Math.max(a.from, b.from);
      if (overlap >= 0) candidates.push({ before: b, after: a, overlap });
    }
  }
  // Two visits that both still last overlap for ever: equal, not NaN.
  const order = candidates.toSorted((x, y) =>
    x.overlap === y.overlap ? x.after.from - y.after.from : y.overlap - x.overlap,
  );
  const pairs = new Map<Fact<Row>, Fact<Row>>();
  const taken = new Set<Fact<Row>>();
  for (const { before: b, after: a } of order) {
    if (pairs.has(b) || taken.has(a)) continue;
    pairs.set(b, a);
    taken.add(a);
  }
  return pairs;
}

/**
 * What must be amended of the business day `date`: `before` are the facts at the closing instant with the
 * ids known then, `after` those of the end. A fact without a row is not in the ERP.
 */
export function amendedOf<Row extends { readonly business_date: string }>(
  date: string,
  before: readonly Fact<Row>[],
  after: readonly Fact<Row>[],
): Amended<Row>[] {
  const pairs = pairsOf(before, after);
  const continued = new Set(pairs.values());
  const changes = [
    ...before.map((fact) => ({ before: fact.row, after: pairs.get(fact)?.row })),
    ...after
      .filter((fact) => !continued.has(fact))
      .map(({ row }) => ({ before: undefined, after: row })),
  ];
  return changes
    .filter((change) => (change.before ?? change.after)?.business_date === date)
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after))
    .map((change) => ({
      kind:
        change.before === undefined
          ? 'addition'
          : change.after === undefined
            ? 'reversal'
            : 'correction',
      ...change,
    }));
}
