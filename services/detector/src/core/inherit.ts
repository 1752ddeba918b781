/** Closed interval of event time, ms; an open end is Infinity. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Who goes on as whom, by position in the two lists; undefined = nobody. */
export interface Heritage {
  /** For each old interval the cut that takes over its id. */
  readonly heirs: readonly (number | undefined)[];
  /** For each cut the old interval whose id it takes over. */
  readonly ancestors: readonly (number | undefined)[];
  /** For each old interval the cut that overlaps it most, heir or not. */
  readonly closest: readonly (number | undefined)[];
}

interface Pair {
  readonly old: number;
  readonly cut: number;
  readonly overlap: number;
}

/** ms that both share, counting the ends, so that intervals that touch share one. */
function overlapOf(a: Interval, b: Interval): number {
  return Math.min(a.to, b.to) - Math.max(a.from, b.from) + 1;
}

/** Most intervals did not move: they keep their id without a comparison of all with all. */
function unmoved(olds: readonly Interval[], cuts: readonly Interval[]): Map<number, number> {
  const byStart = new Map(cuts.map((cut, index) => [cut.from, index]));
  const pairs = new Map<number, number>();
  for (const [old, before] of olds.entries()) {
    const cut = byStart.get(before.from);
    if (cut === undefined || cuts[cut]?.to !== before.to) continue;
    pairs.set(old, cut);
    byStart.delete(before.from);
  }
  return pairs;
}

/** True when nothing moved at all, as when only sums did. */
function areUnmoved(olds: readonly Interval[], cuts: readonly Interval[]): boolean {
  return (
    olds.length === cuts.length &&
    olds.every(({ from, to }, i) => {
      const cut = cuts[i];
      // Of two that start together it would not be clear which is which.
      return cut?.from === from && cut.to === to && (i === 0 || from > (olds[i - 1]?.from ?? from));
    })
  );
}

/**
 * Re-cut intervals inherit published ids by greatest overlap, ties by earlier start. Each id goes to
 * one cut at most, each cut takes one id at most.
 */
export function inherit(olds: readonly Interval[], cuts: readonly Interval[]): Heritage {
  if (areUnmoved(olds, cuts)) {
    const each = olds.map((_, old) => old);
    return { heirs: each, ancestors: each, closest: each };
  }
  const same = unmoved(olds, cuts);
  const taken = new Set(same.values());
  const heirs = olds.map((_, old) => same.get(old));
  const closest = [...heirs];
  const ancestors = cuts.map((): number | undefined => undefined);
  for (const [old, cut] of same) ancestors[cut] = old;
  const pairs: Pair[] = [];
  for (const [old, before] of olds.entries()) {
    if (same.has(old)) continue;
    let most = 0;
    // A taken cut cannot become heir, but may still be what replaced the old one.
    for (const [cut, now] of cuts.entries()) {
      const overlap = overlapOf(before, now);
      if (!(overlap > 0)) continue;
      if (!taken.has(cut)) pairs.push({ old, cut, overlap });
      if (overlap > most) {
        most = overlap;
        closest[old] = cut;
      }
    }
  }
  const startOf = (list: readonly Interval[], at: number): number => list[at]?.from ?? 0;
  pairs.sort(
    (a, b) =>
      (a.overlap === b.overlap ? 0 : b.overlap - a.overlap) ||
      startOf(cuts, a.cut) - startOf(cuts, b.cut) ||
      startOf(olds, a.old) - startOf(olds, b.old),
  );
  for (const { old, cut } of pairs) {
    if (heirs[old] !== undefined || ancestors[cut] !== undefined) continue;
    heirs[old] = cut;
    ancestors[cut] = old;
  }
  return { heirs, ancestors, closest };
}
