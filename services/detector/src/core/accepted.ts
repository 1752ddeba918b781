import type { Chunk } from './chunk.ts';
import { isRepeat, secondOf, type Fix } from './fix.ts';
import type { Unpacked } from './row-codec.ts';
import type { Marks } from './seen.ts';

/** True when a fix with this identity is among those that were accepted in a chunk. */
export function holds({ fixes, marks }: Unpacked, { startTime }: Chunk, fix: Fix): boolean {
  const second = secondOf(fix.time) - startTime / 1000;
  return (
    fixes.some((other) => isRepeat(other, fix)) ||
    marks.some((mark, i) => i % 2 === 0 && mark === second && marks[i + 1] === fix.idHigh)
  );
}

/** All that were accepted in a chunk. */
export function marksOf({ fixes, marks }: Unpacked, { startTime }: Chunk): Marks {
  const all = fixes.map((fix): [number, number] => [secondOf(fix.time), fix.idHigh]);
  for (let i = 0; i < marks.length; i += 2) {
    all.push([startTime / 1000 + (marks[i] ?? 0), marks[i + 1] ?? 0]);
  }
  all.sort(([a], [b]) => a - b);
  return { seconds: all.map(([second]) => second), words: all.map(([, word]) => word) };
}
