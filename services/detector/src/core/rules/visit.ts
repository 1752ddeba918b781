import { topics, type SiteVisited } from '@waybill/contracts';
import { advancePresencesEvenly } from '../evenly.ts';
import type { Interval } from '../inherit.ts';
import { basisText, hashOf, sameBasis } from '../inputs.ts';
import type { Change } from '../occasion.ts';
import { envelopeOf, secondsBetween, type Version } from '../publication.ts';
import { SIGNAL, type Rule, type Scene } from '../rule.ts';
import { crossingText, sameCrossing } from '../crossing.ts';
import { readPresences, readVisitCut, writePresences, writeVisitCut } from '../visit-codec.ts';
import { movedBasis, shiftOfPresences } from '../visit-shift.ts';
import {
  advancePresences,
  cutOf,
  openVisits,
  rebasedPresences,
  samePresences,
  type Presence,
  type Visit,
  type VisitCut,
} from '../visit-fold.ts';

type State = readonly Presence[];

/** How far behind a visit's borders the fix that confirmed them is looked for, ms. */
export const CONFIRMATION_MS = 600_000;

function intervalOf(cut: VisitCut): Interval {
  return { from: cut.entered.time, to: cut.left?.time ?? Infinity };
}

/** True when T has passed the unit's newest fix by more than the silence that ends visits. */
export function isLost({ located, clock, rules }: Scene<State>): boolean {
  if (located === undefined || clock === undefined) return false;
  return clock > located.time + rules.visit.silenceMs;
}

function isSame(a: VisitCut, b: VisitCut): boolean {
  return (
    a.status === b.status &&
    sameCrossing(a.entered, b.entered) &&
    sameCrossing(a.left, b.left) &&
    sameBasis(a.basis, b.basis)
  );
}

function eventOf(version: Version<VisitCut>, scene: Scene<State>): SiteVisited {
  const { entry } = version;
  const { zoneId, status, entered, left, basis } = entry.cut;
  const times = { time: entered.time, settledTime: left?.time ?? Infinity };
  return {
    ...envelopeOf(visit, version, scene, times),
    visit_id: entry.id,
    geofence_id: zoneId,
    status,
    entered_time: entered.time,
    left_time: left?.time ?? null,
    dwell_s: left === undefined ? null : secondsBetween(entered, left),
    first_fix: entered.fix.address,
    last_fix: basis.fix.address,
    fix_count: basis.inputs.count,
    inputs_hash: hashOf(basis.inputs),
    entered_is_interpolated: entered.isInterpolated,
    entered_uncertainty_s: Math.ceil(entered.uncertaintyMs / 1000),
    left_is_interpolated: left?.isInterpolated ?? null,
    left_uncertainty_s: left === undefined ? null : Math.ceil(left.uncertaintyMs / 1000),
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
    fix: cut.basis.fix,
  };
}

function withdrawalOf(cut: VisitCut): Change {
  return {
    from: cut.entered.time,
    to: (cut.left ?? cut.entered).time + CONFIRMATION_MS,
    isRecut: true,
    silentSince: undefined,
    fix: cut.basis.fix,
  };
}

/** Takes the visits that one step closes; nearly always it stays empty. */
const scratch: Visit[] = [];

/** Visits of zones: published when entered and again when left, or lost sight of. */
export const visit: Rule<State, VisitCut> = {
  name: 'visit',
  version: 2,
  reads: SIGNAL.position,
  isWanted: (rules) => rules.publishesVisits,
  start: [],
  advance: (presences, { located, place, zoneIds }, rules, closed) => {
    if (place === undefined) return presences;
    const next = advancePresences(located, presences, place, zoneIds, rules, scratch);
    if (scratch.length > 0) closed.push(...scratch.splice(0).map(cutOf));
    return next;
  },
  advanceEvenly: advancePresencesEvenly,
  sameState: samePresences,
  shiftOf: (now, before) =>
    shiftOfPresences(now, before, (cut: VisitCut, { all }) => ({
      ...cut,
      basis: movedBasis(cut.basis, all),
    })),
  rebased: rebasedPresences,
  writeState: writePresences,
  readState: readPresences,
  writeCut: writeVisitCut,
  readCut: readVisitCut,
  publication: {
    pending: (scene) => {
      if (isLost(scene)) return undefined;
      let open = '';
      for (const { zoneId, entered, basis } of openVisits(scene.state, false)) {
        open += `${zoneId} ${crossingText(entered)} ${basisText(basis)} `;
      }
      return open;
    },
    dueTime: ({ state, located, rules }) =>
      located === undefined || openVisits(state, false).length === 0
        ? Infinity
        : located.time + rules.visit.silenceMs + 1,
    standing: (closed, scene) => {
      const open = openVisits(scene.state, isLost(scene)).map(cutOf);
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
