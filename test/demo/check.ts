import { createHash } from 'node:crypto';
import type { CanonicalRow } from './canonical.ts';

/** Difference between expected and found rows, as multisets over all business columns. */
export interface Difference {
  /** Expected and not there. */
  readonly missing: readonly string[];
  /** There and not expected: wrong content, or once too often. */
  readonly unexpected: readonly string[];
}

function canonicalLine(row: CanonicalRow): string {
  return JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function countLines(rows: readonly CanonicalRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const line = canonicalLine(row);
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

/** Compares two sets of rows; a doubled row is unexpected, an edited one is both. */
export function compareRows(
  expected: readonly CanonicalRow[],
  found: readonly CanonicalRow[],
): Difference {
  const wanted = countLines(expected);
  const there = countLines(found);
  const missing: string[] = [];
  const unexpected: string[] = [];
  for (const line of new Set([...wanted.keys(), ...there.keys()])) {
    const surplus = (there.get(line) ?? 0) - (wanted.get(line) ?? 0);
    for (let i = 0; i < surplus; i += 1) unexpected.push(line);
    for (let i = 0; i < -surplus; i += 1) missing.push(line);
  }
  return { missing, unexpected };
}

/** SHA-256 over the rows in canonical order: equal for equal business content. */
export function hashRows(rows: readonly CanonicalRow[]): string {
  const lines = rows.map(canonicalLine).toSorted();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
