import type { SiteVisited } from '@waybill/contracts';
import type { Interval } from './inherit.ts';
import type { Change, Occasion } from './occasion.ts';
import { compare, entityId, secondsBetween, type Published, type Version } from './publication.ts';
import type { Rules } from './rules.ts';
import type { Decision, Unit } from './unit.ts';
import { cutByLostSight, openVisits, type VisitCut } from './visit-fold.ts';

/** Name and version of the rule's code, for events. */
const VISIT_RULE = 'visit/1';

/** How far behind a visit's borders the fix that confirmed them is looked for, ms. */
const CONFIRMATION_MS = 600_000;

function intervalOf(cut: VisitCut): Interval {
  return { from: cut.entered.time, to: cut.left?.time ?? Infinity };
}

/** True when T has passed the unit's newest fix by more than the silence that ends visits. */
export function isLost(unit: Unit, rules: Rules, clock: number | undefined): boolean {
  const { last } = unit.timeline.head;
  return last !== undefined && clock !== undefined && clock > last.time + rules.visit.silenceMs;
}

function isSame(a: VisitCut, b: VisitCut): boolean {
  return (
    a.status === b.status && a.entered.time === b.entered.time && a.left?.time === b.left?.time
  );
}

function eventOf(
  unit: Unit,
  rules: Rules,
  clock: number | undefined,
  { entry, causation, replacedBy }: Version<VisitCut>,
): SiteVisited {
  const { zoneId, status, entered, left, lastInside } = entry.cut;
  const settledBy = (left?.time ?? Infinity) + rules.graceMs + rules.marginMs;
  return {
    tenant_id: unit.tenantId,
    unit: unit.name,
    event_id: entityId(unit.tenantId, 'visit', entry.id),
    event_time: entered.time,
    provider_time: causation.providerTime,
    received_time: causation.receivedTime,
    revision: entry.revision,
    retracted: entry.retracted,
    cause: causation.cause,
    trace: causation.trace,
    visit_id: entry.id,
    geofence_id: zoneId,
    status,
    entered_time: entered.time,
    left_time: left?.time ?? null,
    dwell_s: left === undefined ? null : secondsBetween(entered, left),
    finality: clock !== undefined && clock > settledBy ? 'final' : 'provisional',
    late_by_s: causation.lateByS,
    replaced_by: replacedBy,
    rule_version: rules.version,
    first_fix: entered.address,
    last_fix: (left ?? lastInside).address,
    rule: VISIT_RULE,
    fix_count: null,
    inputs_hash: null,
  };
}

function changeOf(unit: Unit, rules: Rules, cut: VisitCut, old: VisitCut | undefined): Change {
  const ends = Math.max((cut.left ?? cut.entered).time, (old?.left ?? cut.entered).time);
  const lostSince = unit.timeline.newestTime + rules.visit.silenceMs + 1;
  return {
    from: Math.min(cut.entered.time, old?.entered.time ?? Infinity),
    to: ends + CONFIRMATION_MS,
    // That a visit which was entered is left is its course; anything else moves what was said before.
    isRecut: old !== undefined && (old.left !== undefined || old.entered.time !== cut.entered.time),
    silentSince: cut.status === 'UNKNOWN_EXIT' ? lostSince : undefined,
    fix: cut.left ?? cut.lastInside,
  };
}

function withdrawalOf(cut: VisitCut): Change {
  return {
    from: cut.entered.time,
    to: (cut.left ?? cut.entered).time + CONFIRMATION_MS,
    isRecut: true,
    silentSince: undefined,
    fix: cut.left ?? cut.lastInside,
  };
}

interface Zone {
  readonly published: Published<VisitCut>[];
  readonly cuts: VisitCut[];
}

function byZone(
  published: readonly Published<VisitCut>[],
  cuts: readonly VisitCut[],
): ReadonlyMap<string, Zone> {
  const zones = new Map<string, Zone>();
  const zoneOf = (zoneId: string): Zone => {
    const zone = zones.get(zoneId) ?? { published: [], cuts: [] };
    zones.set(zoneId, zone);
    return zone;
  };
  for (const entry of published) zoneOf(entry.cut.zoneId).published.push(entry);
  for (const cut of cuts) zoneOf(cut.zoneId).cuts.push(cut);
  return zones;
}

function standingOf(unit: Unit, lost: boolean): VisitCut[] {
  const cuts = unit.timeline.chunks.flatMap((chunk) => chunk.closed.visits);
  for (const visit of openVisits(unit.timeline.head.presences)) {
    cuts.push(lost ? cutByLostSight(visit) : visit);
  }
  return cuts;
}

/** Compares the visits that the fixes give now with the published ones and returns the difference. */
export function settleVisits(unit: Unit, rules: Rules, occasion: Occasion): Decision[] {
  const { clock } = occasion;
  const decisions: Decision[] = [];
  const next: Published<VisitCut>[] = [];
  const zones = byZone(unit.visits, standingOf(unit, isLost(unit, rules, clock)));
  for (const [zoneId, { published: before, cuts }] of zones) {
    const { published, versions } = compare({
      kind: 'visit',
      parts: [unit.tenantId, unit.name, zoneId],
      published: before,
      cuts,
      open: undefined,
      intervalOf,
      isSame,
      changeOf: (cut, old) => changeOf(unit, rules, cut, old),
      withdrawalOf,
      occasion,
    });
    next.push(...published);
    for (const version of versions) {
      const event = eventOf(unit, rules, clock, version);
      decisions.push({ kind: 'visit', change: version.change, event });
    }
  }
  unit.visits = next;
  if (decisions.length > 0) unit.unsaved = true;
  return decisions;
}

function visitKey(cut: VisitCut): string {
  return `${cut.zoneId} ${cut.entered.time} ${cut.left?.time}`;
}

/** Lets go of visits that no fix can change any more: those that the dropped chunks closed. */
export function releaseVisits(unit: Unit, dropped: readonly VisitCut[]): void {
  const gone = new Set(dropped.map(visitKey));
  const { trimmedTo } = unit.timeline;
  unit.visits = unit.visits.filter(({ retracted, firstStart, cut }) =>
    retracted
      ? Math.max(firstStart, (cut.left ?? cut.entered).time) >= trimmedTo
      : !gone.has(visitKey(cut)),
  );
}
