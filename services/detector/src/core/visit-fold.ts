import { sameFix, type LocatedFix } from './fix.ts';
import type { VisitRule } from './rules.ts';

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
      readonly first: LocatedFix;
      readonly count: number;
    }
  | {
      readonly kind: 'inside';
      readonly zoneId: string;
      readonly entered: LocatedFix | undefined;
      readonly lastInside: LocatedFix;
      /** First of the consecutive fixes outside, when there are any. */
      readonly leaving: LocatedFix | undefined;
      readonly outsideCount: number;
    };

/** A visit as cut from the fixes. Visits of one unit and zone never overlap. */
export interface VisitCut {
  readonly zoneId: string;
  readonly status: 'ENTERED' | 'LEFT' | 'UNKNOWN_EXIT';
  readonly entered: LocatedFix;
  /** First fix outside; for UNKNOWN_EXIT the last one inside; undefined while open. */
  readonly left: LocatedFix | undefined;
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
  return { ...visit, status: 'UNKNOWN_EXIT', left: visit.lastInside };
}

function inside(zoneId: string, entered: LocatedFix | undefined, fix: LocatedFix): Presence {
  return {
    kind: 'inside',
    zoneId,
    entered,
    lastInside: fix,
    leaving: undefined,
    outsideCount: 0,
  };
}

function whenInside(
  zoneId: string,
  presence: Presence | undefined,
  fix: LocatedFix,
  rule: VisitRule,
): Presence {
  if (presence?.kind === 'unset') return inside(zoneId, undefined, fix);
  if (presence?.kind === 'inside') return inside(zoneId, presence.entered, fix);
  const first = presence?.first ?? fix;
  const count = (presence?.count ?? 0) + 1;
  if (count >= rule.confirmFixes) return inside(zoneId, first, fix);
  return { kind: 'entering', zoneId, first, count };
}

function whenOutside(
  presence: Presence,
  fix: LocatedFix,
  rule: VisitRule,
  closed: VisitCut[],
): Presence | undefined {
  if (presence.kind !== 'inside') return undefined;
  const { zoneId, entered, lastInside } = presence;
  const leaving = presence.leaving ?? fix;
  const outsideCount = presence.outsideCount + 1;
  if (outsideCount < rule.confirmFixes) return { ...presence, leaving, outsideCount };
  if (entered !== undefined) {
    closed.push({ zoneId, status: 'LEFT', entered, left: leaving, lastInside });
  }
  return undefined;
}

/**
 * The visit rule: one fix further. `zoneIds` (ascending) hold the fix. Visits that this fix ends are
 * added to `closed`. The first fix, and the first after more than the silence, only sets the state.
 */
export function advancePresences(
  last: LocatedFix | undefined,
  presences: readonly Presence[],
  fix: LocatedFix,
  zoneIds: readonly string[],
  rule: VisitRule,
  closed: VisitCut[],
): readonly Presence[] {
  if (last === undefined || fix.time - last.time > rule.silenceMs) {
    for (const visit of openVisits(presences)) closed.push(cutByLostSight(visit));
    return zoneIds.map((zoneId) => inside(zoneId, undefined, fix));
  }
  if (presences.length === 0 && zoneIds.length === 0) return presences;
  const next: Presence[] = [];
  for (const presence of presences) {
    const { zoneId } = presence;
    const moved = zoneIds.includes(zoneId)
      ? whenInside(zoneId, presence, fix, rule)
      : whenOutside(presence, fix, rule, closed);
    if (moved !== undefined) next.push(moved);
  }
  for (const zoneId of zoneIds) {
    if (presences.some((presence) => presence.zoneId === zoneId)) continue;
    next.push(whenInside(zoneId, undefined, fix, rule));
  }
  return next;
}

function samePresence(a: Presence, b: Presence): boolean {
  if (a.zoneId !== b.zoneId) return false;
  switch (a.kind) {
    case 'unset':
      return b.kind === 'unset';
    case 'entering':
      return b.kind === 'entering' && a.count === b.count && sameFix(a.first, b.first);
    case 'inside':
      return (
        b.kind === 'inside' &&
        a.outsideCount === b.outsideCount &&
        sameFix(a.entered, b.entered) &&
        sameFix(a.lastInside, b.lastInside) &&
        sameFix(a.leaving, b.leaving)
      );
  }
}

/** True when both go on in the same way whatever comes; their order does not matter. */
export function samePresences(a: readonly Presence[], b: readonly Presence[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every((presence) => b.some((other) => samePresence(presence, other)));
}
