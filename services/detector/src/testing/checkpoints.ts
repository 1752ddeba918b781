import assert from 'node:assert/strict';
import { countsOf } from '../core/added.ts';
import { CHUNK_SLOTS, slotOf } from '../core/chunk.ts';
import { Checkpoints } from '../core/checkpoints.ts';
import type { Fix } from '../core/fix.ts';
import { Closed, START } from '../core/fold.ts';
import type { UnitPages } from '../core/pages.ts';
import { RULES } from '../core/rule-list.ts';
import type { Rules } from '../core/rules.ts';
import type { Timeline } from '../core/timeline.ts';
import { walked } from '../core/walk.ts';
import { plain } from './fixes.ts';

/**
 * Asserts that a timeline, folded in whatever rhythm, holds what folding all its fixes once gives: the head, what was
 * closed, and every state that folding may begin from next time: a sum that was not moved there would show only
 * when a run ends behind it.
 */
export function assertFolded(
  timeline: Timeline,
  { checkpoints: pages }: UnitPages,
  fixes: readonly Fix[],
  given: Rules,
): void {
  const inOrder = fixes.toSorted((a, b) => a.time - b.time);
  const closed = new Closed();
  assert.deepEqual(plain(timeline.head), plain(walked(START, inOrder, given, closed)));
  for (const rule of RULES.keys()) {
    const cuts = timeline.chunks.flatMap((chunk) => chunk.closed.of(rule));
    assert.deepEqual(plain(cuts), plain(closed.of(rule)));
  }
  const leftOut = timeline.chunks.reduce((sum, chunk) => sum + chunk.leftOut, 0);
  assert.equal(leftOut, closed.leftOut);
  timeline.flush();
  const checkpoints = new Checkpoints(pages);
  const before = (
    slot: number,
  ): { readonly state: unknown; readonly counts: readonly number[] } => {
    const [earlier, ended] = [inOrder.filter(({ time }) => slotOf(time) < slot), new Closed()];
    const state = plain(walked(START, earlier, given, ended));
    return { state, counts: countsOf(ended) };
  };
  for (const { index } of timeline.chunks.slice(1)) {
    const first = index * CHUNK_SLOTS;
    const checkpoint = checkpoints.get(index, given);
    const atFirst = before(first);
    assert.deepEqual(plain(checkpoint?.state), atFirst.state, 'every chunk has one');
    for (let slot = first + 1; slot < first + CHUNK_SLOTS; slot += 1) {
      const midway = checkpoints.midway(index, slot, given);
      if (midway === undefined) continue;
      const { state, counts } = before(midway.slot);
      assert.deepEqual(plain(midway.state), state);
      assert.deepEqual(
        midway.counts,
        counts.map((count, rule) => count - (atFirst.counts[rule] ?? 0)),
      );
    }
  }
}
