/**
 * What `load` gave, until it is older than `maxAgeMs`; a value that is there comes without a promise. Calls
 * at the same time share one load. A failure is kept as long: a missing file must not become a load of its
 * own.
 */
export function cached<T>(
  load: () => Promise<T>,
  { maxAgeMs, now }: { readonly maxAgeMs: number; readonly now: () => number },
): () => T | Promise<T> {
  let entry:
    | { readonly loadTime: number; readonly coming: Promise<T>; value?: { readonly is: T } }
    | undefined;
  return () => {
    const time = now();
    // A clock that was set back makes an entry old, not everlasting.
    const isFresh = entry && time >= entry.loadTime && time - entry.loadTime < maxAgeMs;
    if (entry === undefined || isFresh !== true) {
      const loading: NonNullable<typeof entry> = { loadTime: time, coming: load() };
      loading.coming.then(
        (is) => (loading.value = { is }),
        () => undefined,
      );
      entry = loading;
    }
    return entry.value === undefined ? entry.coming : entry.value.is;
  };
}
