import { topics, type GeofenceCrossed } from '@waybill/contracts';
import {
  crossingAt,
  readCrossing,
  sameCrossing,
  writeCrossing,
  type Crossing,
} from '../crossing.ts';
import type { LocatedFix } from '../fix.ts';
import { readLocated, writeFix } from '../fix-codec.ts';
import type { Interval } from '../inherit.ts';
import type { Change } from '../occasion.ts';
import { envelopeOf, secondsBetween, type Version } from '../publication.ts';
import { SIGNAL, type Rule, type Scene } from '../rule.ts';
import { readPresences, writePresences } from '../visit-codec.ts';
import {
  advancePresences,
  cutByLostSight,
  openVisits,
  rebasedPresences,
  samePresences,
  type Presence,
  type VisitCut,
} from '../visit-fold.ts';
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
  /** Newest fix that the point rests on. */
  readonly fix: LocatedFix;
}

/** The points of a visit that is known up to `now`, ms. */
function pointsOf(visit: VisitCut, dwellMs: number, now: number): PointCut[] {
  const { zoneId, entered, left, lastInside } = visit;
  const points: PointCut[] = [
    { kind: 'ENTERED', zoneId, entered, crossing: entered, fix: entered.fix },
  ];
  const dwelled = entered.time + dwellMs;
  // Of a visit that was lost sight of nobody knows better than T: it was not left meanwhile.
  const knownTo = visit.status === 'LEFT' ? (left?.time ?? now) : now;
  if (knownTo >= dwelled) {
    const crossing = { ...crossingAt(lastInside, 0), time: dwelled };
    points.push({ kind: 'DWELLED', zoneId, entered, crossing, fix: lastInside });
  }
  if (left !== undefined) {
    const kind = visit.status === 'LEFT' ? 'LEFT' : 'LOST';
    points.push({ kind, zoneId, entered, crossing: left, fix: left.fix });
  }
  return points;
}

function intervalOf({ crossing }: PointCut): Interval {
  return { from: crossing.time, to: crossing.time };
}

/** Visits that are open, or that T has ended. */
function standingVisits(scene: Scene<State>): VisitCut[] {
  const lost = isLost(scene);
  return openVisits(scene.state).map((visit) => (lost ? cutByLostSight(visit) : visit));
}

/** Up to when an open visit is known to go on, ms: T says that nobody left meanwhile. */
function knownTo({ located, clock }: Scene<State>): number {
  return clock ?? located?.time ?? -Infinity;
}

function isSame(a: PointCut, b: PointCut): boolean {
  if (a.kind === 'DWELLED') return a.crossing.time === b.crossing.time;
  return a.entered.time === b.entered.time && sameCrossing(a.crossing, b.crossing);
}

function changeOf(cut: PointCut, old: PointCut | undefined, scene: Scene<State>): Change {
  const { located, rules } = scene;
  const { time } = cut.crossing;
  const lostSince = (located?.time ?? time) + rules.visit.silenceMs + 1;
  const silentSince = cut.kind === 'LOST' ? lostSince : cut.kind === 'DWELLED' ? time : undefined;
  const to = time + CONFIRMATION_MS;
  return { from: time, to, isRecut: old !== undefined, silentSince, fix: cut.fix };
}

function withdrawalOf({ crossing, fix }: PointCut): Change {
  const to = crossing.time + CONFIRMATION_MS;
  return { from: crossing.time, to, isRecut: true, silentSince: undefined, fix };
}

function eventOf(version: Version<PointCut>, scene: Scene<State>): GeofenceCrossed {
  const { kind, zoneId, entered, crossing, fix } = version.entry.cut;
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
    last_fix: fix.address,
  };
}

/** Takes the visits that one step closes; nearly always it stays empty. */
const scratch: VisitCut[] = [];

/**
 * Crossings of zones as points: entered and left when confirmed, dwelled when a visit reaches the
 * threshold. A point that moves is another point: the old one is withdrawn.
 */
export const geofence: Rule<State, PointCut> = {
  name: 'geofence',
  version: 1,
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
  sameState: samePresences,
  rebased: rebasedPresences,
  writeState: writePresences,
  readState: readPresences,
  writeCut: (writer, { kind, zoneId, entered, crossing, fix }) => {
    writer.u8(kinds.indexOf(kind));
    writer.text(zoneId);
    writeCrossing(writer, entered);
    writeCrossing(writer, crossing);
    writer.f64(crossing.time);
    writeFix(writer, fix);
  },
  readCut: (reader) => ({
    kind: kinds[reader.u8()] ?? 'ENTERED',
    zoneId: reader.text(),
    entered: readCrossing(reader),
    // The time of DWELLED is none of its fix.
    crossing: { ...readCrossing(reader), time: reader.f64() },
    fix: readLocated(reader),
  }),
  publication: {
    pending: (scene) => {
      let points = '';
      for (const visit of standingVisits(scene)) {
        for (const { kind, crossing } of pointsOf(
          visit,
          scene.rules.visit.dwellMs,
          knownTo(scene),
        )) {
          points += `${visit.zoneId} ${kind} ${crossing.time} `;
        }
      }
      return points;
    },
    dueTime: (scene) => {
      const { state, located, rules, clock } = scene;
      const open = openVisits(state);
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
