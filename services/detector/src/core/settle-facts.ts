import type { Divided, Facts, Settled } from './facts.ts';
import type { Moved } from './moved.ts';
import type { Occasion } from './occasion.ts';
import { compare, type Published, type Version } from './publication.ts';
import type { AnyRule, Announcement, Scene, Standing } from './rule.ts';
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

/** Stays alive, see `newestOf`. */
const newestSaid = new Map<string, readonly Announcement[]>();

function decisionOf(rule: AnyRule, version: Version<unknown>, scene: Scene<unknown>): Decision {
  const announcements = rule.publication.announce(version, scene);
  newestSaid.set(rule.name, announcements);
  const { change, causation, entry } = version;
  return { kind: 'publish', rule: rule.name, change, cause: causation.cause, entry, announcements };
}

/** One rule of one unit at the end of a call. */
export interface Comparing {
  readonly unit: Unit;
  /** Of the rule, by position. */
  readonly index: number;
  readonly scene: Scene<unknown>;
  readonly occasion: Occasion;
}

/** What is compared: all, or what lies behind a front of the published list that stays as it is. */
interface Range {
  readonly front: Settled | undefined;
  /** What the chunks closed. */
  readonly closed: readonly unknown[];
  readonly standing: Standing<unknown>;
  readonly published: readonly Published<unknown>[];
}

/** Of each rule the newest stays alive: without any fact, V8 throws away what it compiled for them. */
const newestOf: Range[] = [];

/** What came behind the front, when nothing of it reaches into what the front is about. */
function behindFront(
  { unit, index, scene }: Comparing,
  { recut, appended }: Moved,
  { publication: { standing, intervalOf } }: AnyRule,
  facts: Facts,
): Range | undefined {
  const { front } = facts;
  if (front === undefined || (recut & (1 << index)) !== 0) return undefined;
  const closed = appended.of(index);
  const now = standing([...closed, ...unit.timeline.view.closed.of(index)], scene);
  const isBehind = (cut: unknown): boolean => intervalOf(cut).from > front.upTo;
  if (!(now.open === undefined || now.open.from > front.upTo) || !now.cuts.every(isBehind)) {
    return undefined;
  }
  const published = facts.behind(front);
  if (!published.every(({ cut }) => isBehind(cut))) return undefined;
  return { front, closed, standing: now, published };
}

/** All that stands, against all that was published. */
function whole({ unit, index, scene }: Comparing, { publication }: AnyRule, facts: Facts): Range {
  const { chunks, view } = unit.timeline;
  const closed = chunks.flatMap((chunk) => chunk.cutsOf(index));
  const standing = publication.standing([...closed, ...view.closed.of(index)], scene);
  return { front: undefined, closed, standing, published: facts.published };
}

/** What is said anew of one group. */
interface Said {
  readonly name: string;
  readonly versions: readonly Version<unknown>[];
}

/** Groups in order of the first of these cuts that they say anew: whatever was published before. */
function inOrder(said: Said[], cuts: readonly unknown[], rule: AnyRule): readonly Said[] {
  if (said.length < 2) return said;
  const entryOf = ({ versions }: Said): Published<unknown> | undefined =>
    (versions.find(({ change }) => change !== 'retracted') ?? versions[0])?.entry;
  const places = said.map((group) => {
    const cut = entryOf(group)?.cut;
    return { group, at: cuts.indexOf(cut), from: rule.publication.intervalOf(cut).from };
  });
  // A group that only withdraws has no cut.
  places.sort(
    (a, b) =>
      a.at - b.at ||
      a.from - b.from ||
      (a.group.name < b.group.name ? -1 : Number(a.group.name > b.group.name)),
  );
  return places.map(({ group }) => group);
}

/** True when the same list stands, divided as it was. */
function stands({ settled, loose }: Divided, { front, published }: Range, facts: Facts): boolean {
  const settledBefore = (facts.front?.count ?? -1) - (front?.count ?? 0);
  return (
    settled.length === settledBefore &&
    settled.length + loose.length === published.length &&
    settled.every((entry, i) => entry === published[i]) &&
    loose.every((entry, i) => entry === published[settledBefore + i])
  );
}

/**
 * Compares what stands by the rule at that position, whose scene it is, with what it published; returns the
 * difference. Fixes in order only add cuts behind all others: then what was settled before is not looked at.
 */
export function compareFacts(comparing: Comparing, moved: Moved): Decision[] {
  const { unit, index, scene, occasion } = comparing;
  const [rule, facts] = [RULES[index], unit.facts[index]];
  if (rule === undefined || facts === undefined) return [];
  const { publication } = rule;
  const range = behindFront(comparing, moved, rule, facts) ?? whole(comparing, rule, facts);
  newestOf[index] = range;
  const { standing, front } = range;
  const decisions: Decision[] = [];
  const settled: Published<unknown>[] = [];
  const loose: Published<unknown>[] = [];
  const said: Said[] = [];
  const isClosed = new Set(range.closed);
  const cutsNow = expressible(unit, rule, facts, standing.cuts, decisions);
  for (const [name, { published, cuts }] of grouped(rule, range.published, cutsNow)) {
    const compared = compare({
      kind: rule.name,
      parts: name === '' ? [unit.tenantId, unit.name] : [unit.tenantId, unit.name, name],
      published,
      cuts,
      open: standing.open,
      intervalOf: publication.intervalOf,
      isSame: publication.isSame,
      changeOf: (cut, old) => publication.changeOf(cut, old, scene),
      withdrawalOf: (cut) => publication.withdrawalOf(cut, scene),
      occasion,
    });
    settled.push(...compared.withdrawn);
    for (const [i, entry] of compared.current.entries()) {
      (isClosed.has(cuts[i]) ? settled : loose).push(entry);
    }
    loose.push(...compared.left);
    if (compared.versions.length > 0) said.push({ name, versions: compared.versions });
  }
  for (const { versions } of inOrder(said, cutsNow, rule)) {
    for (const version of versions) decisions.push(decisionOf(rule, version, scene));
  }
  if (decisions.length > 0) unit.unsaved = true;
  const startOf = ({ cut }: Published<unknown>): number => publication.intervalOf(cut).from;
  const byStart = (a: Published<unknown>, b: Published<unknown>): number =>
    startOf(a) - startOf(b) || (a.id < b.id ? -1 : 1);
  const divided = { settled: settled.sort(byStart), loose: loose.sort(byStart) };
  if (!stands(divided, range, facts)) facts.put(front, divided);
  return decisions;
}

/** Lets go of what no fix can change any more, the facts that the dropped chunks closed; returns it by rule. */
export function release(unit: Unit, dropped: readonly Dropped[]): Released {
  const { trimmedTo } = unit.timeline;
  const released: (readonly Published<unknown>[])[] = RULES.map(() => []);
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
    const lastStart = Math.max(...closed.map((cut) => publication.intervalOf(cut).from));
    released[i] = facts.letGo(isKept, lastStart);
    if (facts.refused.length === 0) continue;
    const starts = new Set(closed.map((cut) => publication.intervalOf(cut).from));
    facts.refused = facts.refused.filter((start) => !starts.has(start));
  }
  return released;
}
