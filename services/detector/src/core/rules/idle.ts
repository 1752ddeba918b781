import { topics, type IdleEnded } from '@waybill/contracts';
import { advanceIdleEvenly } from '../evenly.ts';
import { sameFix } from '../fix.ts';
import {
  advanceIdle,
  idleEndsBy,
  readIdling,
  sameIdling,
  shiftOfIdling,
  writeIdling,
  type IdleState,
  type Idling,
} from '../idle-fold.ts';
import type { Interval } from '../inherit.ts';
import { hashOf, sameInputs } from '../inputs.ts';
import { envelopeOf, secondsBetween, type Version } from '../publication.ts';
import { SIGNAL, type Rule, type Scene } from '../rule.ts';

function intervalOf({ start, end }: Idling): Interval {
  return { from: start.time, to: end.time };
}

/** The stretch that T has ended, when it has. */
function silent({ state, clock, rules }: Scene<IdleState>): IdleState {
  if (state === undefined || clock === undefined) return undefined;
  return clock >= idleEndsBy(state, rules.idle) ? state : undefined;
}

function eventOf(version: Version<Idling>, scene: Scene<IdleState>): IdleEnded {
  const { id, cut } = version.entry;
  const { start, end, inputs } = cut;
  const place = cut.isPrivate ? undefined : cut.place;
  return {
    ...envelopeOf(idle, version, scene, { time: end.time, settledTime: end.time }),
    rule: `${idle.name}/${idle.version}`,
    idle_id: id,
    start_time: start.time,
    end_time: end.time,
    duration_s: secondsBetween(start, end),
    latitude: place?.latitude ?? null,
    longitude: place?.longitude ?? null,
    first_fix: start.address,
    last_fix: end.address,
    fix_count: inputs.count,
    inputs_hash: hashOf(inputs),
  };
}

/**
 * Idling: the engine runs and the unit stands for at least the threshold; one entity per standstill. A unit
 * that never says whether its engine runs has none. An engine that flickers for less than a minute runs on.
 */
export const idle: Rule<IdleState, Idling> = {
  name: 'idle',
  version: 1,
  reads: SIGNAL.engine | SIGNAL.position | SIGNAL.speed,
  isWanted: (rules) => rules.publishes.idle,
  start: undefined,
  advance: (state, step, rules, closed) => advanceIdle(state, step, rules.idle, closed),
  advanceEvenly: (state, stretch, rules) => advanceIdleEvenly(state, stretch, rules.idle),
  sameState: sameIdling,
  shiftOf: shiftOfIdling,
  writeState: (writer, state) => writer.optional(state, (idling) => writeIdling(writer, idling)),
  readState: (reader) => reader.optional(() => readIdling(reader)),
  writeCut: writeIdling,
  readCut: readIdling,
  publication: {
    pending: silent,
    dueTime: ({ state, rules }) => (state === undefined ? Infinity : idleEndsBy(state, rules.idle)),
    standing: (closed, scene) => {
      const { state, rules } = scene;
      const ended = silent(scene);
      const all = ended === undefined ? closed : [...closed, ended];
      return {
        cuts: all.filter(({ start, end }) => end.time - start.time >= rules.idle.thresholdMs),
        open: state === undefined || ended !== undefined ? undefined : intervalOf(state),
      };
    },
    intervalOf,
    groupOf: () => '',
    isSame: (a, b) =>
      sameFix(a.start, b.start) &&
      sameFix(a.end, b.end) &&
      sameFix(a.place, b.place) &&
      a.isPrivate === b.isPrivate &&
      sameInputs(a.inputs, b.inputs),
    changeOf: (cut, old, { state, rules }) => ({
      from: Math.min(cut.start.time, old?.start.time ?? Infinity),
      to: Math.max(cut.end.time, old?.end.time ?? -Infinity) + rules.idle.silenceMs,
      isRecut: old !== undefined,
      silentSince: cut === state ? idleEndsBy(cut, rules.idle) : undefined,
      fix: cut.end,
    }),
    withdrawalOf: (cut, { rules }) => ({
      from: cut.start.time,
      to: cut.end.time + rules.idle.silenceMs,
      isRecut: true,
      silentSince: undefined,
      fix: cut.end,
    }),
    announce: (version, scene) => [
      { topic: topics.idle, message: { type: 'IdleEnded', value: eventOf(version, scene) } },
    ],
  },
};
