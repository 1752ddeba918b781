/**
 * How far around what is asked about a range of positions is read again, ms: what a detection says about
 * an instant depends on what happened before and after it.
 */
export const REREAD_MARGIN_MS = 43_200_000;
