import { intervalOf, type PublishedFacts } from './archive.ts';
import { inOrder } from './detect-all.ts';
import type { Fix } from './fix.ts';
import type { Interval } from './inherit.ts';
import type { Arrival } from './occasion.ts';
import type { Published } from './publication.ts';
import type { Rules } from './rules.ts';
import { settle } from './settle.ts';
import type { Decision, Unit } from './unit.ts';
import { newUnit } from './unit.ts';
import { RULES } from './rule-list.ts';

type Publish = Extract<Decision, { kind: 'publish' }>;

/** What a recomputation works on. */
export interface RecomputeInput {
  readonly tenantId: string;
  readonly unit: string;
  /** Everything known of the range, in any order, repeats too; beyond grace or not. */
  readonly arrivals: readonly Arrival[];
  /** What was published of it. */
  readonly published: PublishedFacts;
  readonly rules: Rules;
  /** What is asked about: a fact counts when it shares an instant with it. */
  readonly core: Interval;
  /** T; undefined while a source holds it. */
  readonly clock: number | undefined;
  /** Before this no fix within grace changes anything any more. */
  readonly settledTo: number;
  readonly requestedTime: number;
}

/** One fact that the positions give otherwise than it was published. */
export interface Difference {
  readonly decision: Publish;
  readonly interval: Interval;
  /** As it was published; undefined for a new one. */
  readonly before: { readonly entry: Published<unknown>; readonly interval: Interval } | undefined;
}

/** Result of a recomputation. */
export interface Recomputed {
  readonly differences: readonly Difference[];
  /** Distinct positions that counted. */
  readonly fixes: number;
  /** Facts at the start of the range, about whose beginning nothing is known: left as they are. */
  readonly borders: number;
  /** When a difference that is not settled yet will have ended; undefined when all are settled. */
  readonly unsettledTo: number | undefined;
}

function shares(a: Interval, b: Interval): boolean {
  return a.from <= b.to && b.from <= a.to;
}

/** The batch form of the detector: the same folds over the whole range at once. */
function batch(input: RecomputeInput, fixes: readonly Fix[], judgedFrom: number): Unit {
  const unit = newUnit(input.tenantId, input.unit);
  for (const fix of fixes) unit.timeline.insert(fix, input.rules);
  for (const [i, facts] of unit.facts.entries()) {
    facts.published = (input.published[i] ?? []).filter(
      (entry) => intervalOf(i, entry).from > judgedFrom,
    );
  }
  return unit;
}

/**
 * Detects a range once more from all its positions and returns what differs from the published set. Facts
 * that begin within `stay` of the first position are not judged: what was before is not known. So a range
 * must begin well before what it is asked about.
 */
export function recompute(input: RecomputeInput): Recomputed {
  const { rules, core, settledTo } = input;
  const fixes = inOrder(input.arrivals.map(({ fix }) => fix));
  const [first] = fixes;
  if (first === undefined) return { differences: [], fixes: 0, borders: 0, unsettledTo: undefined };
  const judgedFrom = first.time + rules.trip.stayMs;
  const unit = batch(input, fixes, judgedFrom);
  const before = unit.facts.map(({ published }) => new Map(published.map((e) => [e.id, e])));
  const decisions = settle(unit, rules, {
    arrivals: input.arrivals.filter(({ fix }) => fix.latenessMs > rules.graceMs),
    clock: input.clock,
    progress: undefined,
    binding: { changedTime: input.requestedTime },
  });
  const differences: Difference[] = [];
  let borders = 0;
  let unsettledTo: number | undefined;
  for (const decision of decisions) {
    if (decision.kind !== 'publish') continue;
    const rule = RULES.findIndex(({ name }) => name === decision.rule);
    const interval = intervalOf(rule, decision.entry);
    const known = before[rule]?.get(decision.entry.id);
    const old = known && { entry: known, interval: intervalOf(rule, known) };
    if (!shares(interval, core) && (old === undefined || !shares(old.interval, core))) continue;
    const end = Math.max(interval.to, old?.interval.to ?? -Infinity) + rules.marginMs;
    if (interval.from <= judgedFrom) borders += 1;
    else if (end > settledTo) unsettledTo = Math.max(unsettledTo ?? -Infinity, end);
    else differences.push({ decision, interval, before: old });
  }
  return { differences, fixes: unit.timeline.count, borders, unsettledTo };
}
