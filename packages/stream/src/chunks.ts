/** Records of one transaction: the first one, and the least. */
const SIZE = { first: 2_000, least: 500 } as const;
const QUICK_MS = 250;
const SLOW_MS = 1_000;

/**
 * How many records the next transaction takes, at most `most`. It doubles while full ones are quick: what
 * a transaction costs is shared, and rows of one key collapse. It halves when one is slow, because the
 * membership of the group is confirmed between transactions only.
 */
export function createChunkSize(most: number): {
  readonly records: () => number;
  readonly took: (records: number, ms: number) => void;
} {
  let size: number = SIZE.first;
  return {
    records: () => size,
    took: (records, ms) => {
      if (ms > SLOW_MS) size = Math.max(SIZE.least, Math.floor(size / 2));
      else if (ms < QUICK_MS && records >= size) size = Math.min(most, size * 2);
    },
  };
}
