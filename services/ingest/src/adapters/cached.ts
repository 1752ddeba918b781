/**
 * What `load` gave, until it is older than `maxAgeMs`. Calls at the same time share one load. A failure is
 * kept as long: a missing file must not become a load of its own.
 */
export function cached<T>(
  load: () => Promise<T>,
  { maxAgeMs, now }: { readonly maxAgeMs: number; readonly now: () => number },
): () => Promise<T> {
  let entry: { readonly loadTime: number; readonly value: Promise<T> } | undefined;
  return () => {
    const time = now();
    // A clock that was set back makes an entry old, not everlasting.
    const isFresh = entry && time >= entry.loadTime && time - entry.loadTime < maxAgeMs;
    if (entry === undefined || isFresh !== true) entry = { loadTime: time, value: load() };
    return entry.value;
  };
}
