import { crossingAt, crossingBetween, isDeep, sameCrossing, type Crossing } from './crossing.ts';
import { sameFix, type LocatedFix } from './fix.ts';
import type { Border } from './rule.ts';
import type { Rules } from './rules.ts';

/** What decides about visits. */
type VisitRules = Pick<Rules, 'visit' | 'zones'>;

/**
 * Where a unit stands towards one zone. A zone without a presence is one that the unit is outside of.
 *
 * | kind | meaning | leaves it |
 * |---|---|---|
 * | unset | the zone became known after the range before was folded | the next fix sets the state only |
 * | entering | outside; `count` consecutive fixes inside since `first` | confirmed → inside; a fix outside → none |
 * | inside | inside; `entered` is undefined when the first fix already was | confirmed exit → none |
 */
export type Presence =
  | { readonly kind: 'unset'; readonly zoneId: string }
  | {
      readonly kind: 'entering';
      readonly zoneId: string;
      readonly first: Crossing;
      readonly count: number;
    }
  | {
      readonly kind: 'inside';
      readonly zoneId: string;
      readonly entered: Crossing | undefined;
      readonly lastInside: LocatedFix;
      /** The way out that is not confirmed yet. */
      readonly leaving: Crossing | undefined;
      readonly outsideCount: number;
    };

/** A visit as cut from the fixes. Visits of one unit and zone never overlap. */
export interface VisitCut {
  readonly zoneId: string;
  readonly status: 'ENTERED' | 'LEFT' | 'UNKNOWN_EXIT';
  readonly entered: Crossing;
  /** The way out; for UNKNOWN_EXIT the last fix inside; undefined while open. */
  readonly left: Crossing | undefined;
  readonly lastInside: LocatedFix;
}

/** The visits that are open in these presences. */
export function openVisits(presences: readonly Presence[]): VisitCut[] {
  const open: VisitCut[] = [];
  for (const presence of presences) {
    if (presence.kind !== 'inside' || presence.entered === undefined) continue;
    const { zoneId, entered, lastInside } = presence;
    open.push({ zoneId, status: 'ENTERED', entered, left: undefined, lastInside });
  }
  return open;
}

/** An open visit that silence ended. */
export function cutByLostSight(visit: VisitCut): VisitCut {
  return { ...visit, status: 'UNKNOWN_EXIT', left: crossingAt(visit.lastInside, 0) };
}

function inside(zoneId: string, entered: Crossing | undefined, fix: LocatedFix): Presence {
  return {
    kind: 'inside',
    zoneId,
    entered,
    lastInside: fix,
    leaving: undefined,
    outsideCount: 0,
  };
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

function closeVisit(
  { zoneId, entered, lastInside }: Extract<Presence, { kind: 'inside' }>,
  left: Crossing,
  closed: VisitCut[],
): void {
  if (entered !== undefined) closed.push({ zoneId, status: 'LEFT', entered, left, lastInside });
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
  closed: VisitCut[],
): Presence {
  if (presence?.kind === 'unset') return inside(zoneId, undefined, fix);
  if (presence?.kind === 'inside') {
    const { entered, leaving } = presence;
    const hadLeft = leaving !== undefined && fix.time - last.time >= rules.visit.confirmSilenceMs;
    if (!hadLeft) return inside(zoneId, entered, fix);
    closeVisit(presence, leaving, closed);
    return whenInside(zoneId, undefined, { last, fix }, rules, closed);
  }
  const first = presence?.first ?? crossingBetween(last, fix, zoneId, rules);
  const count = (presence?.count ?? 0) + 1;
  if (isConfirmed(count, first, fix, zoneId, rules)) return inside(zoneId, first, fix);
  return { kind: 'entering', zoneId, first, count };
}

function whenOutside(
  presence: Presence,
  way: Way,
  rules: VisitRules,
  closed: VisitCut[],
): Presence | undefined {
  const { last, fix } = way;
  const silent = fix.time - last.time >= rules.visit.confirmSilenceMs;
  if (presence.kind === 'entering' && silent) {
    // It was inside when it fell silent, so it had entered, and now it may be on its way out.
    return whenOutside(inside(presence.zoneId, presence.first, last), way, rules, closed);
  }
  if (presence.kind !== 'inside') return undefined;
  const { zoneId } = presence;
  const leaving = presence.leaving ?? crossingBetween(last, fix, zoneId, rules);
  const outsideCount = presence.outsideCount + 1;
  if (!isConfirmed(outsideCount, leaving, fix, zoneId, rules)) {
    return { ...presence, leaving, outsideCount };
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
  closed: VisitCut[],
): readonly Presence[] {
  if (fix.isPrivate) return presences;
  if (last === undefined || fix.time - last.time > rules.visit.silenceMs) {
    for (const visit of openVisits(presences)) closed.push(cutByLostSight(visit));
    return zoneIds.map((zoneId) => inside(zoneId, undefined, fix));
  }
  if (presences.length === 0 && zoneIds.length === 0) return presences;
  const way = { last, fix };
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

function samePresence(a: Presence, b: Presence): boolean {
  if (a.zoneId !== b.zoneId) return false;
  switch (a.kind) {
    case 'unset':
      return b.kind === 'unset';
    case 'entering':
      return b.kind === 'entering' && a.count === b.count && sameCrossing(a.first, b.first);
    case 'inside':
      return (
        b.kind === 'inside' &&
        a.outsideCount === b.outsideCount &&
        sameCrossing(a.entered, b.entered) &&
        sameFix(a.lastInside, b.lastInside) &&
        sameCrossing(a.leaving, b.leaving)
      );
  }
}

/** True when both go on in the same way whatever comes; their order does not matter. */
export function samePresences(a: readonly Presence[], b: readonly Presence[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every((presence) => b.some((other) => samePresence(presence, other)));
}
