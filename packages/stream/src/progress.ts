/** Work that takes longer says how far it is in this rhythm. */
const PROGRESS_MS = 3_000;

/** Counts records of something that may take long. */
export interface Progress {
  readonly add: (count: number) => void;
  /** All that were added. */
  readonly records: () => number;
}

/** `tell` hears of the records so far, at most every 3 s; `now` is a monotonic clock in ms. */
export function createProgress(
  tell: (records: number) => void,
  now: () => number = () => performance.now(),
): Progress {
  let records = 0;
  let toldAt = now();
  return {
    records: () => records,
    add: (count) => {
      records += count;
      if (now() - toldAt < PROGRESS_MS) return;
      toldAt = now();
      tell(records);
    },
  };
}
