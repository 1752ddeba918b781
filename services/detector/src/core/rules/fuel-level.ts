import { topics, type FuelLevelChanged } from '@waybill/contracts';
import { round } from '@waybill/domain';
import {
  readFuelCut,
  readFuelState,
  sameFuelCut,
  sameFuelState,
  writeFuelCut,
  writeFuelState,
} from '../fuel-codec.ts';
import { advanceFuelEvenly } from '../evenly.ts';
import { advanceFuel } from '../fuel-fold.ts';
import { FUEL_START, type FuelCut, type FuelState } from '../fuel-state.ts';
import { hashOf } from '../inputs.ts';
import { envelopeOf, type Version } from '../publication.ts';
import { SIGNAL, type Rule, type Scene } from '../rule.ts';
import { at } from '../unit-settings.ts';

/** How far behind its end a change may be decided by a fix: what confirms a drain, ms. */
const DECIDED_MS = 3_600_000;

function eventOf(version: Version<FuelCut>, scene: Scene<FuelState>): FuelLevelChanged {
  const { id, cut } = version.entry;
  const { start, end, inputs } = cut;
  const place = cut.isPrivate ? undefined : cut.place;
  return {
    ...envelopeOf(fuelLevel, version, scene, { time: end.time, settledTime: end.time }),
    rule: `${fuelLevel.name}/${fuelLevel.version}`,
    change_id: id,
    kind: cut.kind,
    start_time: start.time,
    end_time: end.time,
    volume_l: round(Math.abs(cut.levelAfterL - cut.levelBeforeL), 1),
    volume_error_l: round(cut.errorL, 1),
    level_before_l: round(Math.max(0, cut.levelBeforeL), 1),
    level_after_l: round(cut.levelAfterL, 1),
    tank_l: at(scene.rules.fuel.tanks, end.time) ?? null,
    confidence: cut.confidence,
    latitude: place?.latitude ?? null,
    longitude: place?.longitude ?? null,
    first_fix: start.address,
    last_fix: end.address,
    fix_count: inputs.count,
    inputs_hash: hashOf(inputs),
  };
}

/**
 * Refuels, drains and falls that nobody watched. A refuel is published as soon as the new level rests and
 * revised while it grows; a drain only once the unit has moved off and the level stayed low.
 */
export const fuelLevel: Rule<FuelState, FuelCut> = {
  name: 'fuel_level',
  version: 2,
  reads: SIGNAL.fuel | SIGNAL.position | SIGNAL.speed,
  isWanted: (rules) => rules.publishes.fuelLevel,
  start: FUEL_START,
  advance: (state, step, rules, closed) => advanceFuel(state, step, rules.fuel, closed),
  advanceEvenly: (state, stretch, rules) => advanceFuelEvenly(state, stretch, rules.fuel),
  sameState: sameFuelState,
  writeState: writeFuelState,
  readState: readFuelState,
  writeCut: writeFuelCut,
  readCut: readFuelCut,
  publication: {
    pending: ({ state }) => state.filling,
    dueTime: () => Infinity,
    standing: (closed, { state }) => {
      const cuts = state.filling === undefined ? closed : [...closed, state.filling];
      // A drain is closed late: a refuel that came after it may stand before it.
      const inOrder = cuts.toSorted((a, b) => a.start.time - b.start.time);
      return { cuts: inOrder, open: undefined };
    },
    intervalOf: ({ start, end }) => ({ from: start.time, to: end.time }),
    groupOf: ({ kind }) => kind,
    isSame: sameFuelCut,
    changeOf: (cut, old) => ({
      from: Math.min(cut.start.time, old?.start.time ?? Infinity),
      to: cut.end.time + DECIDED_MS,
      // That a refuel grows is its course.
      isRecut: old !== undefined && old.start.time !== cut.start.time,
      silentSince: undefined,
      fix: cut.end,
    }),
    withdrawalOf: (cut) => ({
      from: cut.start.time,
      to: cut.end.time + DECIDED_MS,
      isRecut: true,
      silentSince: undefined,
      fix: cut.end,
    }),
    announce: (version, scene) => [
      {
        topic: topics.fuelLevel,
        message: { type: 'FuelLevelChanged', value: eventOf(version, scene) },
      },
    ],
  },
};
