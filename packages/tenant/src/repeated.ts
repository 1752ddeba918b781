/** Positions of items whose key stood before, with the position of the first. */
export function repeated<T>(items: readonly T[], keyOf: (item: T) => string): Map<number, number> {
  const first = new Map<string, number>();
  const repeats = new Map<number, number>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const before = first.get(key);
    if (before === undefined) first.set(key, index);
    else repeats.set(index, before);
  }
  return repeats;
}
