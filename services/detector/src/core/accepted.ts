import type { Chunk } from './chunk.ts';
import { isRepeat, secondOf, type Fix } from './fix.ts';
import type { Unpacked } from './row-codec.ts';
import type { Mark } from './seen.ts';

/** True when a fix with this identity is among those that were accepted in a chunk. */
export function holds({ fixes, marks }: Unpacked, { startTime }: Chunk, fix: Fix): boolean {
  const second = secondOf(fix.time) - startTime / 1000;
  return (
    fixes.some((other) => isRepeat(other, fix)) ||
    marks.some((mark, i) => i % 2 === 0 && mark === second && marks[i + 1] === fix.idHigh)
  );
}

/** Device second since epoch and word of identity of all that were accepted in a chunk, by second. */
export function marksOf({ fixes, marks }: Unpacked, { startTime }: Chunk): Mark[] {
  const all = fixes.map((fix): Mark => [secondOf(fix.time), fix.idHigh]);
  for (let i = 0; i < marks.length; i += 2) {
    all.push([startTime / 1000 + (marks[i] ?? 0), marks[i + 1] ?? 0]);
  }
  return all.sort(([a], [b]) => a - b);
}
