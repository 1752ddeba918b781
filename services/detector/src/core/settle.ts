import { BUCKET_MS } from './beyond-grace.ts';
import { doubtEnds } from './fold.ts';
import type { Occasion } from './occasion.ts';
import { compareFacts, release, type Released } from './settle-facts.ts';
import { sceneOf } from './scene.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { SEEN_MS } from './seen.ts';
import type { Decision, Unit } from './unit.ts';

/** What the changelog no longer needs, or needs anew, after a trim. */
export interface Trimmed {
  /** Impossible positions that stay left out: nothing within grace can speak for them any more. */
  readonly leftOut: number;
  readonly seenChanged: ReadonlySet<number>;
  readonly seenGone: readonly number[];
  /** Facts that no fix within grace can change any more. */
  readonly released: Released;
}

/** Folds what is outstanding and returns the difference to the published set. */
export function settle(unit: Unit, rules: Rules, occasion: Occasion): Decision[] {
  const { timeline } = unit;
  timeline.fold(rules);
  timeline.look(rules, occasion.clock);
  const moved = timeline.takeMoved();
  const { states } = timeline.view.state;
  const decisions: Decision[] = [];
  for (const [i, rule] of RULES.entries()) {
    const facts = unit.facts[i];
    if (facts === undefined) continue;
    if (!rule.isWanted(rules)) {
      if (!facts.isEmpty) unit.unsaved = true;
      facts.published = [];
      continue;
    }
    // Nothing is pending of a rule that has seen nothing yet; most units, most of the time.
    const pending =
      states[i] === rule.start
        ? rule.start
        : rule.publication.pending(sceneOf(unit, i, rules, occasion.clock));
    if ((moved & (1 << i)) === 0 && pending === facts.settledPending) continue;
    facts.settledPending = pending;
    decisions.push(...compareFacts(unit, i, rules, occasion));
  }
  return decisions;
}

/** How long fixes are retained behind T, ms. */
export function retentionMs(rules: Rules): number {
  return rules.graceMs + rules.marginMs;
}

/**
 * Folds into the base what no fix within grace can reach any more. Call it after `settle`: all that the
 * dropped chunks closed must have been published.
 */
export function trim(unit: Unit, rules: Rules, clock: number): Trimmed {
  const { timeline, seen } = unit;
  const before = clock - retentionMs(rules);
  const dropped = timeline.trim(before, rules);
  const seenChanged = seen.remember(dropped.flatMap(({ marks }) => marks));
  const seenGone = seen.forget(before - SEEN_MS);
  let released: Released = [];
  if (dropped.length > 0) {
    released = release(unit, dropped);
  }
  if (dropped.length > 0 || seenGone.length > 0) unit.unsaved = true;
  const leftOut = dropped.reduce((sum, { chunk }) => sum + chunk.leftOut, 0);
  return { leftOut, seenChanged, seenGone, released };
}

/** The next T at which the unit needs attention although no fix arrives, ms. */
export function nextDue(unit: Unit, rules: Rules, clock: number | undefined): number {
  const retained = retentionMs(rules);
  let due = Math.min(unit.timeline.trimDue(retained), unit.seen.oldestEnd + retained + SEEN_MS);
  for (const bucket of unit.buckets.values()) {
    due = Math.min(due, bucket.newestProviderTime + BUCKET_MS + 1);
  }
  const { states } = unit.timeline.view.state;
  const doubt = doubtEnds(unit.timeline.head, rules);
  if (clock === undefined || doubt > clock) due = Math.min(due, doubt);
  for (const [i, rule] of RULES.entries()) {
    if (states[i] === rule.start || !rule.isWanted(rules)) continue;
    const time = rule.publication.dueTime(sceneOf(unit, i, rules, clock));
    if (clock === undefined || time > clock) due = Math.min(due, time);
  }
  return due;
}
