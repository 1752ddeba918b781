import { topics, type ServiceDue } from '@waybill/contracts';
import { hashOf, NO_INPUTS, withFix } from '../inputs.ts';
import type { Change } from '../occasion.ts';
import { envelopeOf, type Version } from '../publication.ts';
import { UNEVEN } from '../stretch.ts';
import { SIGNAL, type Rule, type Scene } from '../rule.ts';
import {
  advanceService,
  dueByDate,
  dueDate,
  dueHours,
  dueKm,
  nextDate,
  readService,
  sameService,
  serviceKey,
  writeService,
  type ServiceCut,
  type ServiceState,
} from '../service-fold.ts';

/** What the clock alone makes due: a vehicle that stands in the yard needs its inspection too. */
function byClock({ state, rules, clock, last }: Scene<ServiceState>): ServiceCut[] {
  if (clock === undefined || last === undefined) return [];
  return dueByDate(state, rules.unit, clock, last, rules.service);
}

function changeOf(cut: ServiceCut, isRecut: boolean): Change {
  const silentSince = cut.dueBy === 'DATE' && cut.fix.time < cut.time ? cut.time : undefined;
  return { from: cut.time, to: cut.time, isRecut, silentSince, fix: cut.fix };
}

function eventOf(version: Version<ServiceCut>, scene: Scene<ServiceState>): ServiceDue {
  const { id, cut } = version.entry;
  const { interval, fix, time } = cut;
  const inputs = withFix(NO_INPUTS, fix);
  return {
    ...envelopeOf(serviceDue, version, scene, { time, settledTime: time }),
    rule: `${serviceDue.name}/${serviceDue.version}`,
    due_id: id,
    interval_id: interval.interval_id,
    interval_name: interval.name,
    cycle: interval.times_done,
    due_by: cut.dueBy,
    due_km: dueKm(interval) ?? null,
    due_engine_hours_h: dueHours(interval) ?? null,
    due_time: dueDate(interval) ?? null,
    odometer_km: fix.odometerKm ?? null,
    engine_hours_h: fix.engineHoursH ?? null,
    first_fix: fix.address,
    last_fix: fix.address,
    fix_count: inputs.count,
    inputs_hash: hashOf(inputs),
  };
}

/** Maintenance that comes near by kilometres, engine hours or date: once per interval and cycle. */
export const serviceDue: Rule<ServiceState, ServiceCut> = {
  name: 'service_due',
  version: 1,
  reads: SIGNAL.odometer | SIGNAL.engineHours | SIGNAL.position | SIGNAL.engine,
  isWanted: (rules) => rules.publishes.serviceDue,
  start: [],
  advance: (state, { last, fix }, rules, closed) =>
    advanceService(state, last, fix, rules.unit, rules.service, closed),
  // What is due may change with any fix.
  advanceEvenly: (state, _stretch, { unit }) => (unit.provider.length === 0 ? state : UNEVEN),
  sameState: (a, b) => a === b || (a.length === b.length && a.every((key) => b.includes(key))),
  writeState: (writer, state) => writer.list(state, (key) => writer.text(key)),
  readState: (reader) => reader.list(() => reader.text()),
  writeCut: writeService,
  readCut: readService,
  publication: {
    pending: (scene) =>
      byClock(scene)
        .map(({ interval }) => serviceKey(interval))
        .join(' '),
    dueTime: ({ state, rules, clock, last }) =>
      last === undefined
        ? Infinity
        : nextDate(state, rules.unit, clock ?? last.time, rules.service),
    standing: (closed, scene) => ({ cuts: [...closed, ...byClock(scene)], open: undefined }),
    // One cut per group for ever, so that its id depends on interval and cycle alone.
    intervalOf: () => ({ from: 0, to: Infinity }),
    groupOf: ({ interval }) => serviceKey(interval),
    isSame: sameService,
    changeOf: (cut, old) => changeOf(cut, old !== undefined),
    withdrawalOf: (cut) => changeOf(cut, true),
    announce: (version, scene) => [
      { topic: topics.workOrder, message: { type: 'ServiceDue', value: eventOf(version, scene) } },
    ],
  },
};
