import { BUCKET_MS } from './beyond-grace.ts';
import type { Facts } from './facts.ts';
import type { Occasion } from './occasion.ts';
import { compareFacts, release, type Released } from './settle-facts.ts';
import { stageOf } from './scene.ts';
import type { AnyRule } from './rule.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { SEEN_MS } from './seen.ts';
import type { Decision, Unit } from './unit.ts';
import { doubtEnds } from './walk.ts';

/** What the changelog no longer needs, or needs anew, after a trim. */
export interface Trimmed {
  /** Impossible positions that stay left out: nothing within grace can speak for them any more. */
  readonly leftOut: number;
  readonly seenChanged: ReadonlySet<number>;
  readonly seenGone: readonly number[];
  /** Facts that no fix within grace can change any more. */
  readonly released: Released;
}

const NOTHING: Trimmed = Object.freeze({
  leftOut: 0,
  seenChanged: new Set<number>(),
  seenGone: Object.freeze([]),
  released: Object.freeze([]),
});

/** Folds what is outstanding and returns the difference to the published set. */
export function settle(unit: Unit, rules: Rules, occasion: Occasion): Decision[] {
  const { timeline } = unit;
  timeline.fold(rules);
  timeline.look(rules, occasion.clock);
  const moved = timeline.takeMoved();
  const { states } = timeline.view.state;
  const stage = stageOf(unit, rules, occasion.clock);
  const decisions: Decision[] = [];
  for (let i = 0; i < RULES.length; i += 1) {
    const [rule, facts] = [RULES[i] as AnyRule, unit.facts[i] as Facts];
    if (!rule.isWanted(rules)) {
      if (!facts.isEmpty) unit.unsaved = true;
      facts.published = [];
      continue;
    }
    // Nothing is pending of a rule that has seen nothing yet; most units, most of the time.
    stage.state = states[i];
    const pending = states[i] === rule.start ? rule.start : rule.publication.pending(stage);
    if ((moved.rules & (1 << i)) === 0 && pending === facts.settledPending) continue;
    facts.settledPending = pending;
    decisions.push(...compareFacts({ unit, index: i, scene: stage, occasion }, moved));
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
  if (timeline.trimDue(0) > before && seen.oldestEnd > before - SEEN_MS) return NOTHING;
  const dropped = timeline.trim(before, rules, (chunk) => seen.wantsWords(chunk));
  const seenChanged = new Set<number>();
  for (const { marks } of dropped) {
    for (const index of seen.remember(marks)) seenChanged.add(index);
  }
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
  const stage = stageOf(unit, rules, clock);
  for (let i = 0; i < RULES.length; i += 1) {
    const rule = RULES[i] as AnyRule;
    if (states[i] === rule.start || !rule.isWanted(rules)) continue;
    stage.state = states[i];
    const time = rule.publication.dueTime(stage);
    if (clock === undefined || time > clock) due = Math.min(due, time);
  }
  return due;
}
