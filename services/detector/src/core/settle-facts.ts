import type { Facts } from './facts.ts';
import type { Occasion } from './occasion.ts';
import { compare, type Published, type Version } from './publication.ts';
import type { AnyRule, Scene } from './rule.ts';
import { RULES } from './rule-list.ts';
import type { Dropped } from './timeline.ts';
import type { Decision, Unit } from './unit.ts';

/** Facts that left the published sets, one list per rule of `RULES`. */
export type Released = readonly (readonly Published<unknown>[])[];

interface Group {
  readonly published: Published<unknown>[];
  readonly cuts: unknown[];
}

function grouped(
  rule: AnyRule,
  published: readonly Published<unknown>[],
  cuts: readonly unknown[],
): ReadonlyMap<string, Group> {
  const { groupOf } = rule.publication;
  const groups = new Map<string, Group>();
  const groupAt = (name: string): Group => {
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = { published: [], cuts: [] }));
    return group;
  };
  for (const entry of published) groupAt(groupOf(entry.cut)).published.push(entry);
  for (const cut of cuts) groupAt(groupOf(cut)).cuts.push(cut);
  return groups;
}

/** Reports, once each, the cuts that no contract can hold, and returns the others. */
function expressible(
  unit: Unit,
  rule: AnyRule,
  facts: Facts,
  cuts: readonly unknown[],
  decisions: Decision[],
): readonly unknown[] {
  const { refusalOf, intervalOf } = rule.publication;
  if (refusalOf === undefined) return cuts;
  return cuts.filter((cut) => {
    const refusal = refusalOf(cut);
    if (refusal === undefined) return true;
    const { from, to } = intervalOf(cut);
    if (!facts.refused.includes(from)) {
      facts.refused = [...facts.refused, from];
      unit.unsaved = true;
      decisions.push({ kind: 'refuse', rule: rule.name, eventTime: to, refusal });
    }
    return false;
  });
}

function decisionOf(rule: AnyRule, version: Version<unknown>, scene: Scene<unknown>): Decision {
  const announcements = rule.publication.announce(version, scene);
  const { change, causation, entry } = version;
  return { kind: 'publish', rule: rule.name, change, cause: causation.cause, entry, announcements };
}

/**
 * Compares what stands by the rule at that position, whose scene it is, with what it published; returns the
 * difference.
 */
export function compareFacts(
  unit: Unit,
  index: number,
  scene: Scene<unknown>,
  occasion: Occasion,
): Decision[] {
  const [rule, facts] = [RULES[index], unit.facts[index]];
  if (rule === undefined || facts === undefined) return [];
  const { publication } = rule;
  const { chunks, view } = unit.timeline;
  const closed = [...chunks.flatMap((chunk) => chunk.cutsOf(index)), ...view.closed.of(index)];
  const { cuts, open } = publication.standing(closed, scene);
  const decisions: Decision[] = [];
  const published: Published<unknown>[] = [];
  const said = expressible(unit, rule, facts, cuts, decisions);
  for (const [name, group] of grouped(rule, facts.published, said)) {
    const compared = compare({
      kind: rule.name,
      parts: name === '' ? [unit.tenantId, unit.name] : [unit.tenantId, unit.name, name],
      published: group.published,
      cuts: group.cuts,
      open,
      intervalOf: publication.intervalOf,
      isSame: publication.isSame,
      changeOf: (cut, old) => publication.changeOf(cut, old, scene),
      withdrawalOf: (cut) => publication.withdrawalOf(cut, scene),
      occasion,
    });
    published.push(...compared.published);
    for (const version of compared.versions) decisions.push(decisionOf(rule, version, scene));
  }
  // Without a version the same set stands.
  if (decisions.length === 0) return decisions;
  facts.published = published;
  unit.unsaved = true;
  return decisions;
}

/** Lets go of what no fix can change any more, the facts that the dropped chunks closed; returns it by rule. */
export function release(unit: Unit, dropped: readonly Dropped[]): Released {
  const { trimmedTo } = unit.timeline;
  const released: Published<unknown>[][] = RULES.map(() => []);
  for (const [i, { publication }] of RULES.entries()) {
    const facts = unit.facts[i];
    if (facts === undefined) continue;
    const closed = dropped.flatMap(({ chunk }) => chunk.cutsOf(i));
    if (closed.length === 0 && !facts.hasRetracted) continue;
    const keyOf = (cut: unknown): string => {
      const { from, to } = publication.intervalOf(cut);
      return `${publication.groupOf(cut)} ${from} ${to}`;
    };
    const gone = new Set(closed.map(keyOf));
    const isKept = ({ retracted, firstStart, cut }: Published<unknown>): boolean => {
      if (!retracted) return !gone.has(keyOf(cut));
      const { from, to } = publication.intervalOf(cut);
      return Math.max(firstStart, Number.isFinite(to) ? to : from) >= trimmedTo;
    };
    const { published } = facts;
    released[i] = published.filter((entry) => !isKept(entry));
    facts.published = published.filter(isKept);
    const starts = new Set(closed.map((cut) => publication.intervalOf(cut).from));
    facts.refused = facts.refused.filter((start) => !starts.has(start));
  }
  return released;
}
