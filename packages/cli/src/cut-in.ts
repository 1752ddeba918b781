/** An interval of the id map as the console shows it: ISO instants, null = unbounded. */
export interface ShownInterval {
  readonly erp_id: string;
  readonly valid_from: string | null;
  readonly valid_to: string | null;
}

const start = ({ valid_from: from }: ShownInterval): number =>
  from === null ? -Infinity : Date.parse(from);
const end = ({ valid_to: to }: ShownInterval): number => (to === null ? Infinity : Date.parse(to));

/**
 * The intervals with `added` cut in: where they overlap the new one wins, so that moving a tracker at
 * an instant keeps the truck that had it before.
 */
export function cutIn(
  intervals: readonly ShownInterval[],
  added: ShownInterval,
): readonly ShownInterval[] {
  const rest = intervals.flatMap((interval) => {
    const before: ShownInterval = { ...interval, valid_to: added.valid_from };
    const after: ShownInterval = { ...interval, valid_from: added.valid_to };
    if (end(interval) <= start(added) || start(interval) >= end(added)) return [interval];
    return [
      ...(start(interval) < start(added) ? [before] : []),
      ...(end(interval) > end(added) ? [after] : []),
    ];
  });
  return [...rest, added].sort((a, b) => (start(a) < start(b) ? -1 : 1));
}
