import { crossingAt, crossingBetween, isDeep, sameCrossing, type Crossing } from './crossing.ts';
import { sameFix, type LocatedFix } from './fix.ts';
import {
  basisOf,
  joined,
  NO_INPUTS,
  sameBasis,
  sameInputs,
  withFix,
  type Basis,
  type Inputs,
} from './inputs.ts';
import type { Border } from './rule.ts';
import type { Rules } from './rules.ts';

/** What decides about visits. */
type VisitRules = Pick<Rules, 'visit' | 'zones'>;

/** What is known of a unit that is in a zone. */
export interface Stay {
  readonly zoneId: string;
  /** The way in; undefined when the first fix already was inside: nothing is said about such a stay. */
  readonly entered: Crossing | undefined;
  readonly lastInside: LocatedFix;
  /** From the entry to `lastInside`; of a stay without entry none. */
  readonly inputs: Inputs;
  /** What was inside up to the dwell threshold; undefined until a fix is behind it. */
  readonly dwelled: Basis | undefined;
}

/**
 * Where a unit stands towards one zone. A zone without a presence is one that the unit is outside of.
 *
 * | kind | meaning | leaves it |
 * |---|---|---|
 * | unset | the zone became known after the range before was folded | the next fix sets the state only |
 * | entering | outside; consecutive fixes inside since `entered` | confirmed → inside; a fix outside → none |
 * | inside | inside | confirmed exit → none |
 */
export type Presence =
  | { readonly kind: 'unset'; readonly zoneId: string }
  | (Stay & { readonly kind: 'entering'; readonly entered: Crossing })
  | (Stay & {
      readonly kind: 'inside';
      /** From the entry to the fix that confirmed it. */
      readonly confirmed: Basis | undefined;
      /** The way out that is not confirmed yet. */
      readonly leaving: Crossing | undefined;
      /** Fixes outside since `lastInside`. */
      readonly outside: Inputs;
    });

export type Inside = Extract<Presence, { kind: 'inside' }>;

/** A visit as it is published. Visits of one unit and zone never overlap. */
export interface VisitCut {
  readonly zoneId: string;
  readonly status: 'ENTERED' | 'LEFT' | 'UNKNOWN_EXIT';
  readonly entered: Crossing;
  /** The way out; for UNKNOWN_EXIT the last fix inside; undefined while open. */
  readonly left: Crossing | undefined;
  /** From the entry to the fix that left, else to the last one inside; while open to the confirming one. */
  readonly basis: Basis;
}

/** A visit as the fixes tell it. */
export interface Visit extends VisitCut {
  /** From the entry to the fix that confirmed it. */
  readonly confirmed: Basis;
  /** From the entry to the last fix inside that is not behind the dwell threshold. */
  readonly dwelled: Basis;
}

/** What is published of a visit. */
export function cutOf({ zoneId, status, entered, left, basis }: Visit): VisitCut {
  return { zoneId, status, entered, left, basis };
}

/** The open visit in a presence; undefined where there is none. */
function openVisit(presence: Presence): Visit | undefined {
  if (presence.kind !== 'inside') return undefined;
  const { zoneId, entered, confirmed, lastInside, inputs } = presence;
  if (entered === undefined || confirmed === undefined) return undefined;
  const dwelled = presence.dwelled ?? basisOf(lastInside, inputs);
  const status = 'ENTERED';
  return { zoneId, status, entered, left: undefined, basis: confirmed, confirmed, dwelled };
}

/** The visits that are open in these presences; those that silence ended, when it has. */
export function openVisits(presences: readonly Presence[], isLost: boolean): Visit[] {
  const visits: Visit[] = [];
  for (const presence of presences) {
    const visit = openVisit(presence);
    if (visit === undefined) continue;
    visits.push(isLost ? lostVisit(visit, presence as Inside) : visit);
  }
  return visits;
}

function lostVisit(visit: Visit, { lastInside, inputs }: Stay): Visit {
  const left = crossingAt(lastInside, 0);
  return { ...visit, status: 'UNKNOWN_EXIT', left, basis: basisOf(lastInside, inputs) };
}

/** The newest of each kind stays alive: without any, V8 throws away what it compiled for them. */
const newest: { way?: Way; stay?: Stay; entering?: Presence; inside?: Inside; visit?: Visit } = {};

/** A stay that goes on: the only place where one is made, so that all are of one shape. */
export function insideFrom(
  stay: Stay,
  confirmed: Basis | undefined,
  leaving: Crossing | undefined,
  outside: Inputs,
): Inside {
  const { zoneId, entered, lastInside, inputs, dwelled } = stay;
  newest.stay = stay;
  const inside: Inside = {
    kind: 'inside',
    zoneId,
    entered,
    lastInside,
    inputs,
    dwelled,
    confirmed,
    leaving,
    outside,
  };
  newest.inside = inside;
  return inside;
}

function unknownEntry(zoneId: string, fix: LocatedFix): Inside {
  const stay = {
    zoneId,
    entered: undefined,
    lastInside: fix,
    inputs: NO_INPUTS,
    dwelled: undefined,
  };
  return insideFrom(stay, undefined, undefined, NO_INPUTS);
}

/** One fix inside further, behind these outside. */
function stayed(stay: Stay, outside: Inputs, fix: LocatedFix, rules: VisitRules): Stay {
  const { zoneId, entered, lastInside, inputs } = stay;
  if (entered === undefined) {
    return { zoneId, entered, lastInside: fix, inputs, dwelled: stay.dwelled };
  }
  const isDwelled = stay.dwelled === undefined && fix.time > entered.time + rules.visit.dwellMs;
  return {
    zoneId,
    entered,
    lastInside: fix,
    inputs: withFix(outside === NO_INPUTS ? inputs : joined(inputs, outside), fix),
    dwelled: isDwelled ? basisOf(lastInside, inputs) : stay.dwelled,
  };
}

/** An entry that this stay confirms. */
function confirmedBy(stay: Stay): Inside {
  const confirmed = basisOf(stay.lastInside, stay.inputs);
  return insideFrom(stay, confirmed, undefined, NO_INPUTS);
}

/** True when so many fixes since the crossing, or this one by its time or depth, confirm it. */
function isConfirmed(
  count: number,
  first: Crossing,
  fix: LocatedFix,
  zoneId: string,
  rules: VisitRules,
): boolean {
  const { confirmFixes, confirmMs } = rules.visit;
  if (count >= confirmFixes || fix.time - first.fix.time >= confirmMs) return true;
  return isDeep(fix, zoneId, rules);
}

function closeVisit(presence: Inside, left: Crossing, closed: Visit[]): void {
  const visit = openVisit(presence);
  if (visit === undefined) return;
  const basis = basisOf(left.fix, withFix(presence.inputs, left.fix));
  newest.visit = { ...visit, status: 'LEFT', left, basis };
  closed.push(newest.visit);
}

/** A fix and the one before it. */
interface Way {
  readonly last: LocatedFix;
  readonly fix: LocatedFix;
}

function whenInside(
  zoneId: string,
  presence: Presence | undefined,
  { last, fix }: Way,
  rules: VisitRules,
  closed: Visit[],
): Presence {
  if (presence?.kind === 'unset') return unknownEntry(zoneId, fix);
  if (presence?.kind === 'inside') {
    const { leaving, outside, confirmed } = presence;
    const hadLeft = leaving !== undefined && fix.time - last.time >= rules.visit.confirmSilenceMs;
    if (!hadLeft) {
      const stay = stayed(presence, outside, fix, rules);
      return insideFrom(stay, confirmed, undefined, NO_INPUTS);
    }
    closeVisit(presence, leaving, closed);
    return whenInside(zoneId, undefined, { last, fix }, rules, closed);
  }
  const entered = presence?.entered ?? crossingBetween(last, fix, zoneId, rules);
  const stay =
    presence === undefined
      ? { zoneId, entered, lastInside: fix, inputs: withFix(NO_INPUTS, fix), dwelled: undefined }
      : stayed(presence, NO_INPUTS, fix, rules);
  if (isConfirmed(stay.inputs.count, entered, fix, zoneId, rules)) return confirmedBy(stay);
  newest.entering = { ...stay, kind: 'entering', entered };
  return newest.entering;
}

function whenOutside(
  presence: Presence,
  way: Way,
  rules: VisitRules,
  closed: Visit[],
): Presence | undefined {
  const { last, fix } = way;
  const silent = fix.time - last.time >= rules.visit.confirmSilenceMs;
  if (presence.kind === 'entering' && silent) {
    // It was inside when it fell silent, so it had entered, and now it may be on its way out.
    return whenOutside(confirmedBy(presence), way, rules, closed);
  }
  if (presence.kind !== 'inside') return undefined;
  const { zoneId } = presence;
  const leaving = presence.leaving ?? crossingBetween(last, fix, zoneId, rules);
  const outside = withFix(presence.outside, fix);
  if (!isConfirmed(outside.count, leaving, fix, zoneId, rules)) {
    return insideFrom(presence, presence.confirmed, leaving, outside);
  }
  closeVisit(presence, leaving, closed);
  return undefined;
}

/**
 * The visit rule: one fix further. `zoneIds` (ascending) hold the fix. Visits that this fix ends are
 * added to `closed`. The first fix, and the first after more than the silence, only sets the state. Where
 * a unit is in private mode is not looked at.
 */
export function advancePresences(
  last: LocatedFix | undefined,
  presences: readonly Presence[],
  fix: LocatedFix,
  zoneIds: readonly string[],
  rules: VisitRules,
  closed: Visit[],
): readonly Presence[] {
  if (fix.isPrivate) return presences;
  if (last === undefined || fix.time - last.time > rules.visit.silenceMs) {
    closed.push(...openVisits(presences, true));
    return zoneIds.map((zoneId) => unknownEntry(zoneId, fix));
  }
  if (presences.length === 0 && zoneIds.length === 0) return presences;
  const way = { last, fix };
  newest.way = way;
  const next: Presence[] = [];
  for (const presence of presences) {
    const { zoneId } = presence;
    const moved = zoneIds.includes(zoneId)
      ? whenInside(zoneId, presence, way, rules, closed)
      : whenOutside(presence, way, rules, closed);
    if (moved !== undefined) next.push(moved);
  }
  for (const zoneId of zoneIds) {
    if (presences.some((presence) => presence.zoneId === zoneId)) continue;
    next.push(whenInside(zoneId, undefined, way, rules, closed));
  }
  return next;
}

/**
 * Whether the unit was inside a zone that nobody knew of then cannot be told from the state that is
 * left, so its next fix only sets the state; a zone that is gone is forgotten.
 */
export function rebasedPresences(
  presences: readonly Presence[],
  { located, knownZones, zones }: Border,
): readonly Presence[] {
  const present = new Set(zones);
  const kept = presences.filter((presence) => present.has(presence.zoneId));
  if (located === undefined) return kept;
  const added = zones.filter((zoneId) => !knownZones.has(zoneId));
  return [...kept, ...added.map((zoneId) => ({ kind: 'unset' as const, zoneId }))];
}

/** True when both go on in the same way. */
export function samePresence(a: Presence, b: Presence): boolean {
  if (a.zoneId !== b.zoneId) return false;
  switch (a.kind) {
    case 'unset':
      return b.kind === 'unset';
    case 'entering':
      return b.kind === 'entering' && sameStay(a, b);
    case 'inside':
      return (
        b.kind === 'inside' &&
        sameStay(a, b) &&
        sameBasis(a.confirmed, b.confirmed) &&
        sameCrossing(a.leaving, b.leaving) &&
        sameInputs(a.outside, b.outside)
      );
  }
}

function sameStay(a: Stay, b: Stay): boolean {
  return (
    sameCrossing(a.entered, b.entered) &&
    sameFix(a.lastInside, b.lastInside) &&
    sameInputs(a.inputs, b.inputs) &&
    sameBasis(a.dwelled, b.dwelled)
  );
}

/** True when both go on in the same way whatever comes; their order does not matter. */
export function samePresences(a: readonly Presence[], b: readonly Presence[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every((presence) => b.some((other) => samePresence(presence, other)));
}
