interface Entry<T> {
  readonly loadTime: number;
  readonly coming: Promise<T>;
  value?: { readonly is: T };
}

/**
 * What `load` gave, until it is older than `maxAgeMs`; a value that is there comes without a promise. From half
 * of its age on the first call loads the next one, which takes its place when it is there, so that under load
 * nobody waits. Calls at the same time share one load. A failure is kept as long: a missing file must not
 * become a load of its own.
 */
export function cached<T>(
  load: () => Promise<T>,
  { maxAgeMs, now }: { readonly maxAgeMs: number; readonly now: () => number },
): () => T | Promise<T> {
  let entry: Entry<T> | undefined;
  let next: Entry<T> | undefined;

  const begin = (loadTime: number): Entry<T> => {
    const loading: Entry<T> = { loadTime, coming: load() };
    loading.coming.then(
      (is) => (loading.value = { is }),
      () => undefined,
    );
    return loading;
  };
  // A clock that was set back makes an entry old, not everlasting.
  const isYounger = ({ loadTime }: Entry<T>, ageMs: number, time: number): boolean =>
    time >= loadTime && time - loadTime < ageMs;

  const renew = (time: number): void => {
    const coming = begin(time);
    next = coming;
    const replace = (): void => {
      if (next !== coming) return;
      entry = coming;
      next = undefined;
    };
    coming.coming.then(replace, replace);
  };

  return () => {
    const time = now();
    if (entry === undefined || !isYounger(entry, maxAgeMs, time)) {
      entry = next !== undefined && isYounger(next, maxAgeMs, time) ? next : begin(time);
      next = undefined;
    } else if (next === undefined && !isYounger(entry, maxAgeMs / 2, time)) renew(time);
    return entry.value === undefined ? entry.coming : entry.value.is;
  };
}
