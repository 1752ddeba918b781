/** What a pushed JSON text may hold at most; all far above what the contracts and vendors need. */
export const limits = {
  /** Objects and arrays inside each other. */
  depth: 32,
  /** Members and elements, all levels together. */
  values: 50_000,
  /** UTF-16 units of one text or member name. */
  textLength: 65_536,
  /** Violations that are listed. */
  violations: 1000,
} as const;

/** Significant digits that a double keeps; what printers of doubles write at most. */
export const DIGITS_KEPT = 17;
