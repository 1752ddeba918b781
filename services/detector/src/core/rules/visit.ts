import { topics, type SiteVisited } from '@waybill/contracts';
import type { Interval } from '../inherit.ts';
import type { Change } from '../occasion.ts';
import { envelopeOf, secondsBetween, type Version } from '../publication.ts';
import { SIGNAL, type Border, type Rule, type Scene } from '../rule.ts';
import { readPresences, readVisitCut, writePresences, writeVisitCut } from '../visit-codec.ts';
import {
  advancePresences,
  cutByLostSight,
  openVisits,
  samePresences,
  type Presence,
  type VisitCut,
} from '../visit-fold.ts';

type State = readonly Presence[];

/** How far behind a visit's borders the fix that confirmed them is looked for, ms. */
const CONFIRMATION_MS = 600_000;

function intervalOf(cut: VisitCut): Interval {
  return { from: cut.entered.time, to: cut.left?.time ?? Infinity };
}

/** True when T has passed the unit's newest fix by more than the silence that ends visits. */
function isLost({ located, clock, rules }: Scene<State>): boolean {
  if (located === undefined || clock === undefined) return false;
  return clock > located.time + rules.visit.silenceMs;
}

function isSame(a: VisitCut, b: VisitCut): boolean {
  return (
    a.status === b.status && a.entered.time === b.entered.time && a.left?.time === b.left?.time
  );
}

function eventOf(version: Version<VisitCut>, scene: Scene<State>): SiteVisited {
  const { entry } = version;
  const { zoneId, status, entered, left, lastInside } = entry.cut;
  const times = { time: entered.time, settledTime: left?.time ?? Infinity };
  return {
    ...envelopeOf(visit, version, scene, times),
    visit_id: entry.id,
    geofence_id: zoneId,
    status,
    entered_time: entered.time,
    left_time: left?.time ?? null,
    dwell_s: left === undefined ? null : secondsBetween(entered, left),
    first_fix: entered.address,
    last_fix: (left ?? lastInside).address,
    fix_count: null,
    inputs_hash: null,
    entered_is_interpolated: null,
    entered_uncertainty_s: null,
    left_is_interpolated: null,
    left_uncertainty_s: null,
  };
}

function changeOf(
  cut: VisitCut,
  old: VisitCut | undefined,
  { located, rules }: Scene<State>,
): Change {
  const ends = Math.max((cut.left ?? cut.entered).time, (old?.left ?? cut.entered).time);
  const lostSince = (located?.time ?? ends) + rules.visit.silenceMs + 1;
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

/**
 * Whether the unit was inside a zone that nobody knew of then cannot be told from the state that is
 * left, so its next fix only sets the state; a zone that is gone is forgotten.
 */
function rebased(presences: State, { located, knownZones, zones }: Border): State {
  const present = new Set(zones);
  const kept = presences.filter((presence) => present.has(presence.zoneId));
  if (located === undefined) return kept;
  const added = zones.filter((zoneId) => !knownZones.has(zoneId));
  return [...kept, ...added.map((zoneId) => ({ kind: 'unset' as const, zoneId }))];
}

/** Visits of zones: published when entered and again when left, or lost sight of. */
export const visit: Rule<State, VisitCut> = {
  name: 'visit',
  version: 1,
  reads: SIGNAL.position,
  isWanted: (rules) => rules.publishesVisits,
  start: [],
  advance: (presences, { located, place, zoneIds }, rules, closed) =>
    place === undefined
      ? presences
      : advancePresences(located, presences, place, zoneIds, rules.visit, closed),
  sameState: samePresences,
  rebased,
  writeState: writePresences,
  readState: readPresences,
  writeCut: writeVisitCut,
  readCut: readVisitCut,
  publication: {
    pending: (scene) => {
      if (isLost(scene)) return undefined;
      let open = '';
      for (const { zoneId, entered } of openVisits(scene.state)) {
        open += `${zoneId} ${entered.time} `;
      }
      return open;
    },
    dueTime: ({ state, located, rules }) =>
      located === undefined || openVisits(state).length === 0
        ? Infinity
        : located.time + rules.visit.silenceMs + 1,
    standing: (closed, scene) => {
      const lost = isLost(scene);
      const open = openVisits(scene.state).map((cut) => (lost ? cutByLostSight(cut) : cut));
      return { cuts: [...closed, ...open], open: undefined };
    },
    intervalOf,
    groupOf: ({ zoneId }) => zoneId,
    isSame,
    changeOf,
    withdrawalOf,
    announce: (version, scene) => [
      {
        topic: topics.siteVisit,
        message: { type: 'SiteVisited', value: eventOf(version, scene) },
      },
    ],
  },
};
