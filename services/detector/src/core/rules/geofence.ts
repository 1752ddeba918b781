import { topics, type GeofenceCrossed } from '@waybill/contracts';
import {
  crossingText,
  readCrossing,
  sameCrossing,
  writeCrossing,
  type Crossing,
} from '../crossing.ts';
import { advancePresencesEvenly } from '../evenly.ts';
import type { Interval } from '../inherit.ts';
import { basisText, hashOf, readBasis, sameBasis, writeBasis, type Basis } from '../inputs.ts';
import type { Change } from '../occasion.ts';
import { envelopeOf, secondsBetween, type Version } from '../publication.ts';
import { SIGNAL, type Rule, type Scene } from '../rule.ts';
import { readPresences, writePresences } from '../visit-codec.ts';
import {
  advancePresences,
  openVisits,
  rebasedPresences,
  samePresences,
  type Presence,
  type Visit,
} from '../visit-fold.ts';
import { movedBasis, shiftOfPresences, type StayShift } from '../visit-shift.ts';
import { CONFIRMATION_MS, isLost } from './visit.ts';

type State = readonly Presence[];

const kinds = ['ENTERED', 'DWELLED', 'LEFT', 'LOST'] as const;

/** A point of a visit: both its crossings, and that it reached the threshold. */
interface PointCut {
  readonly kind: (typeof kinds)[number];
  readonly zoneId: string;
  /** Entry of the visit. */
  readonly entered: Crossing;
  /** What the point is; of DWELLED only the time counts. */
  readonly crossing: Crossing;
  /**
   * From the entry: to what confirmed it (ENTERED), to the last fix inside up to the threshold (DWELLED), to
   * the crossing (LEFT, LOST).
   */
  readonly basis: Basis;
}

/** The points of a visit that is known up to `now`, ms. */
function pointsOf(visit: Visit, dwellMs: number, now: number): PointCut[] {
  const { zoneId, entered, left } = visit;
  const points: PointCut[] = [
    { kind: 'ENTERED', zoneId, entered, crossing: entered, basis: visit.confirmed },
  ];
  const dwelled = entered.time + dwellMs;
  // Of a visit that was lost sight of nobody knows better than T: it was not left meanwhile.
  const knownTo = visit.status === 'LEFT' ? (left?.time ?? now) : now;
  if (knownTo >= dwelled) {
    const crossing = { ...entered, time: dwelled };
    points.push({ kind: 'DWELLED', zoneId, entered, crossing, basis: visit.dwelled });
  }
  if (left !== undefined) {
    const kind = visit.status === 'LEFT' ? 'LEFT' : 'LOST';
    points.push({ kind, zoneId, entered, crossing: left, basis: visit.basis });
  }
  return points;
}

/** A point of a stay of which a fix came late. */
function movedPoint(cut: PointCut, { all, toDwelled, toConfirmed }: StayShift): PointCut {
  const { kind, basis } = cut;
  const more = kind === 'ENTERED' ? toConfirmed : kind === 'DWELLED' ? toDwelled : all;
  return { ...cut, basis: movedBasis(basis, more) };
}

function intervalOf({ crossing }: PointCut): Interval {
  return { from: crossing.time, to: crossing.time };
}

/** Visits that are open, or that T has ended. */
function standingVisits(scene: Scene<State>): Visit[] {
  return openVisits(scene.state, isLost(scene));
}

/** Up to when an open visit is known to go on, ms: T says that nobody left meanwhile. */
function knownTo({ located, clock }: Scene<State>): number {
  return clock ?? located?.time ?? -Infinity;
}

function isSame(a: PointCut, b: PointCut): boolean {
  return (
    sameCrossing(a.entered, b.entered) &&
    sameCrossing(a.crossing, b.crossing) &&
    sameBasis(a.basis, b.basis)
  );
}

function changeOf(cut: PointCut, old: PointCut | undefined, scene: Scene<State>): Change {
  const { located, rules } = scene;
  const { time } = cut.crossing;
  const lostSince = (located?.time ?? time) + rules.visit.silenceMs + 1;
  const silentSince = cut.kind === 'LOST' ? lostSince : cut.kind === 'DWELLED' ? time : undefined;
  const to = time + CONFIRMATION_MS;
  return { from: time, to, isRecut: old !== undefined, silentSince, fix: cut.basis.fix };
}

function withdrawalOf({ crossing, basis: { fix } }: PointCut): Change {
  const to = crossing.time + CONFIRMATION_MS;
  return { from: crossing.time, to, isRecut: true, silentSince: undefined, fix };
}

function eventOf(version: Version<PointCut>, scene: Scene<State>): GeofenceCrossed {
  const { kind, zoneId, entered, crossing, basis } = version.entry.cut;
  const isPlace = kind !== 'DWELLED';
  return {
    ...envelopeOf(geofence, version, scene, { time: crossing.time, settledTime: crossing.time }),
    geofence_id: zoneId,
    crossing: kind,
    latitude: isPlace ? crossing.latitude : null,
    longitude: isPlace ? crossing.longitude : null,
    is_interpolated: isPlace && crossing.isInterpolated,
    uncertainty_s: Math.ceil((isPlace ? crossing : entered).uncertaintyMs / 1000),
    entered_time: entered.time,
    dwell_s: kind === 'ENTERED' ? null : secondsBetween(entered, crossing),
    first_fix: entered.fix.address,
    last_fix: basis.fix.address,
    fix_count: basis.inputs.count,
    inputs_hash: hashOf(basis.inputs),
  };
}

/** Takes the visits that one step closes; nearly always it stays empty. */
const scratch: Visit[] = [];

/**
 * Crossings of zones as points: entered and left when confirmed, dwelled when a visit reaches the
 * threshold. A point that moves is another point: the old one is withdrawn.
 */
export const geofence: Rule<State, PointCut> = {
  name: 'geofence',
  version: 2,
  reads: SIGNAL.position,
  isWanted: (rules) => rules.publishesCrossings,
  start: [],
  advance: (presences, { located, place, zoneIds }, rules, closed) => {
    if (place === undefined) return presences;
    const next = advancePresences(located, presences, place, zoneIds, rules, scratch);
    for (const visit of scratch.splice(0)) {
      closed.push(...pointsOf(visit, rules.visit.dwellMs, place.time));
    }
    return next;
  },
  advanceEvenly: advancePresencesEvenly,
  sameState: samePresences,
  shiftOf: (now, before) => shiftOfPresences(now, before, movedPoint),
  rebased: rebasedPresences,
  writeState: writePresences,
  readState: readPresences,
  writeCut: (writer, { kind, zoneId, entered, crossing, basis }) => {
    writer.u8(kinds.indexOf(kind));
    writer.text(zoneId);
    writeCrossing(writer, entered);
    writeCrossing(writer, crossing);
    writer.real(crossing.time);
    writeBasis(writer, basis);
  },
  readCut: (reader) => ({
    kind: kinds[reader.u8()] ?? 'ENTERED',
    zoneId: reader.text(),
    entered: readCrossing(reader),
    // The time of DWELLED is none of its fix.
    crossing: { ...readCrossing(reader), time: reader.real() },
    basis: readBasis(reader),
  }),
  publication: {
    pending: (scene) => {
      let points = '';
      for (const visit of standingVisits(scene)) {
        const { dwellMs } = scene.rules.visit;
        for (const { kind, crossing, basis } of pointsOf(visit, dwellMs, knownTo(scene))) {
          points += `${visit.zoneId} ${kind} ${crossingText(crossing)} ${basisText(basis)} `;
        }
      }
      return points;
    },
    dueTime: (scene) => {
      const { state, located, rules, clock } = scene;
      const open = openVisits(state, false);
      if (located === undefined || open.length === 0) return Infinity;
      let due = located.time + rules.visit.silenceMs + 1;
      for (const { entered } of open) {
        const dwelled = entered.time + rules.visit.dwellMs;
        if (clock === undefined || dwelled > clock) due = Math.min(due, dwelled);
      }
      return due;
    },
    standing: (closed, scene) => {
      const { dwellMs } = scene.rules.visit;
      const open = standingVisits(scene).flatMap((visit) =>
        pointsOf(visit, dwellMs, knownTo(scene)),
      );
      return { cuts: [...closed, ...open], open: undefined };
    },
    intervalOf,
    groupOf: ({ zoneId, kind }) => `${zoneId} ${kind}`,
    isSame,
    changeOf,
    withdrawalOf,
    announce: (version, scene) => [
      {
        topic: topics.geofence,
        message: { type: 'GeofenceCrossed', value: eventOf(version, scene) },
      },
    ],
  },
};
