import { topics, type OdometerRead } from '@waybill/contracts';
import { round } from '@waybill/domain';
import { advanceMeterEvenly } from '../evenly.ts';
import type { Interval } from '../inherit.ts';
import { hashOf } from '../inputs.ts';
import {
  advanceMeter,
  METER_START,
  readDay,
  readMeter,
  sameDay,
  sameMeter,
  shiftOfMeter,
  writeDay,
  writeMeter,
  type MeterDay,
  type MeterState,
} from '../meter-fold.ts';
import { envelopeOf, type Version } from '../publication.ts';
import { SIGNAL, type Rule, type Scene } from '../rule.ts';

/** The whole business day: one id per unit and day, whatever its readings. */
function intervalOf({ day }: MeterDay): Interval {
  return { from: day.from, to: day.to - 1 };
}

/** The day that the clock has ended, when it has. */
function over({ state, clock }: Scene<MeterState>): MeterDay | undefined {
  const { today } = state;
  return today !== undefined && clock !== undefined && clock >= today.day.to ? today : undefined;
}

function eventOf(version: Version<MeterDay>, scene: Scene<MeterState>): OdometerRead {
  const { id, cut } = version.entry;
  const { day, first, last, odometerKm, engineHoursH, inputs } = cut;
  return {
    ...envelopeOf(odometer, version, scene, { time: last.time, settledTime: day.to }),
    rule: `${odometer.name}/${odometer.version}`,
    reading_id: id,
    business_date: day.date,
    odometer_km: odometerKm === undefined ? null : round(odometerKm, 2),
    engine_hours_h: engineHoursH === undefined ? null : round(engineHoursH, 2),
    distance_km: odometerKm === undefined ? null : round(cut.distanceKm, 2),
    reset_count: cut.resetCount,
    implausible_count: cut.implausibleCount,
    first_fix: first.address,
    last_fix: last.address,
    fix_count: inputs.count,
    inputs_hash: hashOf(inputs),
  };
}

/** One reading per unit and business day: the last plausible one. Published when the day is over. */
export const odometer: Rule<MeterState, MeterDay> = {
  name: 'odometer',
  version: 1,
  reads: SIGNAL.odometer | SIGNAL.engineHours,
  isWanted: (rules) => rules.publishes.odometer,
  start: METER_START,
  advance: (state, { fix }, rules, closed) =>
    advanceMeter(state, fix, rules.meter, rules.timeZone, closed),
  advanceEvenly: (state, stretch, rules) => advanceMeterEvenly(state, stretch, rules.meter),
  sameState: sameMeter,
  shiftOf: shiftOfMeter,
  writeState: writeMeter,
  readState: readMeter,
  writeCut: writeDay,
  readCut: readDay,
  publication: {
    pending: over,
    dueTime: ({ state }) => state.today?.day.to ?? Infinity,
    standing: (closed, scene) => {
      const ended = over(scene);
      const { today } = scene.state;
      return {
        cuts: ended === undefined ? closed : [...closed, ended],
        open: today === undefined || ended !== undefined ? undefined : intervalOf(today),
      };
    },
    intervalOf,
    groupOf: () => '',
    isSame: sameDay,
    changeOf: (cut, old, { state }) => ({
      ...intervalOf(cut),
      isRecut: old !== undefined,
      silentSince: cut === state.today ? cut.day.to : undefined,
      fix: cut.last,
    }),
    withdrawalOf: (cut) => ({
      ...intervalOf(cut),
      isRecut: true,
      silentSince: undefined,
      fix: cut.last,
    }),
    announce: (version, scene) => [
      { topic: topics.odometer, message: { type: 'OdometerRead', value: eventOf(version, scene) } },
    ],
  },
};
