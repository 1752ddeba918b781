import type { PositionRecorded, SignalRecorded } from '@waybill/contracts';
import { fixOf, isLocated, sameFix, type Fix, type LocatedFix } from '../core/fix.ts';
import { Closed, START } from '../core/fold.ts';
import { released, walked } from '../core/walk.ts';
import { isMoving } from '../core/movement.ts';
import { RULES } from '../core/rule-list.ts';
import { trip as tripRuleOfList } from '../core/rules/trip.ts';
import { lengthM, type TripCut } from '../core/trip-fold.ts';
import { tripRuleAt, type Rules, type TripRule } from '../core/rules.ts';
import { distanceM } from '@waybill/domain';
import { configurationOf, type History } from './history.ts';
import { replay, type Replayed } from './replay.ts';
import { rulesOf, rulesOfUnit } from '../tenant-rules.ts';

/** What became of a position. */
export type Use =
  'used' | 'left_out' | 'no_position' | 'private' | 'skipped' | 'beyond_grace' | 'refused';

/** One recorded position and what the detector made of it. */
export interface ExplainedFix {
  readonly time: string;
  readonly arrived: string;
  readonly late_by_s: number;
  readonly use: Use;
  /** Why it is not used; null when it is. */
  readonly reason: string | null;
  readonly moving: boolean | null;
  readonly zones: readonly string[];
  /** Raw topic, partition, offset and index. */
  readonly raw: string;
}

/** A run of movement against the thresholds that make it a trip. */
export interface ExplainedRun {
  readonly start: string;
  readonly end: string;
  readonly is_trip: boolean;
  readonly thresholds: readonly {
    readonly name: string;
    readonly found: number;
    readonly wanted: number;
    readonly met: boolean;
  }[];
  readonly left_out: number;
  readonly settings: TripRule['settingsSource'];
}

/** A version that was published. */
export interface ExplainedVersion {
  readonly entity: string;
  readonly id: string;
  readonly revision: number;
  readonly change: 'published' | 'retracted';
  readonly cause: string;
  readonly late_by_s: number;
  readonly finality: string;
  readonly from: string;
  readonly to: string | null;
  readonly replaced_by: string | null;
}

/** The answer of `detect explain`. */
export interface Explanation {
  readonly tenant_id: string;
  readonly unit: string;
  readonly from: string;
  readonly to: string;
  readonly rule_version: number;
  readonly fixes: readonly ExplainedFix[];
  readonly runs: readonly ExplainedRun[];
  readonly versions: readonly ExplainedVersion[];
}

/** What is asked about, ms. */
export interface Question {
  readonly tenantId: string;
  readonly unit: string;
  readonly from: number;
  readonly to: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Every fix that counts, and which of them the fold left out as impossible. */
function leftOutOf({ unit }: Replayed, rules: Rules): ReadonlySet<number> {
  const leftOut = new Set<number>();
  let state = START;
  for (const chunk of unit.timeline.chunks) {
    for (const fix of chunk.fixes) {
      const closed = new Closed();
      const [suspect] = state.held;
      state = walked(state, [fix], rules, closed);
      if (closed.leftOut > 0 && suspect !== undefined) leftOut.add(suspect.time);
    }
  }
  released(state, rules, new Closed());
  return leftOut;
}

/** Whether each fix that counts moves, by its second. */
function movementOf(
  { unit }: Replayed,
  leftOut: ReadonlySet<number>,
  rules: Rules,
): ReadonlyMap<number, boolean> {
  const moving = new Map<number, boolean>();
  let last: LocatedFix | undefined;
  for (const chunk of unit.timeline.chunks) {
    for (const fix of chunk.fixes) {
      if (!isLocated(fix) || leftOut.has(fix.time)) continue;
      const rule = tripRuleAt(rules, fix.time);
      const gapMs = last === undefined ? Infinity : fix.time - last.time;
      const before = gapMs < rule.gapMs ? last : undefined;
      const stepM = before === undefined ? 0 : distanceM(before, fix);
      moving.set(fix.time, isMoving(fix, { before, gapMs, stepM }, rule));
      last = fix;
    }
  }
  return moving;
}

function useOf(
  record: PositionRecorded | SignalRecorded,
  index: number,
  replayed: Replayed,
  standing: ReadonlyMap<number, Fix>,
  leftOut: ReadonlySet<number>,
): readonly [Use, string | null] {
  const acceptance = replayed.acceptances[index];
  if (acceptance === undefined) return ['skipped', 'not seen'];
  if (acceptance.kind === 'refused') return ['refused', acceptance.message];
  if (acceptance.kind === 'beyond_grace') return ['beyond_grace', 'later than the grace'];
  const fix = fixOf(record);
  if (acceptance.kind === 'skipped') return ['skipped', acceptance.reason];
  if (!sameFix(standing.get(Math.floor(fix.time / 1000)), fix)) return ['skipped', 'same_second'];
  if (leftOut.has(fix.time)) return ['left_out', 'impossibly far from both neighbours'];
  if (fix.isPrivate) return ['private', 'private mode: times and distance only'];
  return isLocated(fix) ? ['used', null] : ['no_position', 'signals without a position'];
}

function explainFixes(
  records: readonly (PositionRecorded | SignalRecorded)[],
  replayed: Replayed,
  rules: Rules,
  { from, to }: Question,
): ExplainedFix[] {
  const leftOut = leftOutOf(replayed, rules);
  const moving = movementOf(replayed, leftOut, rules);
  const standing = new Map<number, Fix>();
  for (const chunk of replayed.unit.timeline.chunks) {
    for (const fix of chunk.fixes) standing.set(Math.floor(fix.time / 1000), fix);
  }
  const explained: ExplainedFix[] = [];
  for (const [index, record] of records.entries()) {
    const { event_time: time, provider_time: arrived, trace } = record;
    if (time < from || time > to) continue;
    const [use, reason] = useOf(record, index, replayed, standing, leftOut);
    const fix = fixOf(record);
    const isShown = isLocated(fix) && use === 'used';
    explained.push({
      time: iso(time),
      arrived: iso(arrived),
      late_by_s: Math.max(0, Math.floor((arrived - time) / 1000)),
      use,
      reason,
      moving: use === 'used' ? (moving.get(time) ?? null) : null,
      zones: isShown ? rules.zones.containing(fix, time) : [],
      raw: `${trace.topic}/${trace.partition}@${trace.offset}#${trace.index}`,
    });
  }
  return explained.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

function explainRun(cut: TripCut, rules: Rules): ExplainedRun {
  const rule = tripRuleAt(rules, cut.start.time);
  const measured: readonly (readonly [string, number, number])[] = [
    ['distance_m', Math.round(lengthM(cut.tally, rule)), rule.minDistanceM],
    ['duration_s', Math.round((cut.end.time - cut.start.time) / 1000), rule.minDurationMs / 1000],
    ['fixes', cut.tally.fixCount, 2],
  ];
  const thresholds = measured.map(([name, found, wanted]) => ({
    name,
    found,
    wanted,
    met: found >= wanted,
  }));
  return {
    start: iso(cut.start.time),
    end: iso(cut.end.time),
    is_trip: thresholds.every(({ met }) => met),
    thresholds,
    left_out: cut.tally.meter.leftOut,
    settings: rule.settingsSource,
  };
}

function runsOf({ unit }: Replayed, rules: Rules, { from, to }: Question): ExplainedRun[] {
  const index = RULES.findIndex(({ name }) => name === tripRuleOfList.name);
  const { chunks, view } = unit.timeline;
  // Cuts at the position of the trip rule are its own.
  const closed = [
    ...chunks.flatMap((chunk) => chunk.closed.of(index)),
    ...view.closed.of(index),
  ] as readonly TripCut[];
  const run = view.state.states[index] as Parameters<typeof tripRuleOfList.sameState>[0];
  const open: TripCut[] =
    run === undefined
      ? []
      : [{ start: run.start, end: run.end, tally: run.toEnd, closing: undefined }];
  return [...closed, ...open]
    .filter((cut) => cut.end.time >= from && cut.start.time <= to)
    .map((cut) => explainRun(cut, rules));
}

/** Fields that published facts have in common, under the names of their contracts. */
interface Fact {
  readonly event_id: string;
  readonly event_time: number;
  readonly revision: number;
  readonly retracted: boolean;
  readonly cause: string;
  readonly late_by_s: number;
  readonly finality: string;
  readonly replaced_by: string | null;
  readonly start_time?: number;
  readonly end_time?: number;
  readonly entered_time?: number;
  readonly left_time?: number | null;
}

function versionsOf(history: History, { unit, from, to }: Question): ExplainedVersion[] {
  const versions: ExplainedVersion[] = [];
  for (const { type, value } of history.published.get(unit) ?? []) {
    // All records that a history keeps as published are facts of the detector.
    const fact = value as Fact;
    const start = fact.start_time ?? fact.entered_time ?? fact.event_time;
    const end = fact.end_time ?? fact.left_time ?? null;
    if (start > to || (end ?? Infinity) < from) continue;
    versions.push({
      entity: type,
      id: fact.event_id,
      revision: fact.revision,
      change: fact.retracted ? 'retracted' : 'published',
      cause: fact.cause,
      late_by_s: fact.late_by_s,
      finality: fact.finality,
      from: iso(start),
      to: end === null ? null : iso(end),
      replaced_by: fact.replaced_by,
    });
  }
  return versions;
}

/** How the detector comes to what it says about a unit in a range. */
export function explain(history: History, question: Question): Explanation {
  const { tenantId, unit, from, to } = question;
  const configured = configurationOf(history, tenantId);
  const rules = rulesOfUnit(rulesOf(configured, history.tables), unit, history.tables);
  const records = history.positions.get(unit) ?? [];
  const replayed = replay(tenantId, unit, records, rules);
  return {
    tenant_id: tenantId,
    unit,
    from: iso(from),
    to: iso(to),
    rule_version: configured.version,
    fixes: explainFixes(records, replayed, rules, question),
    runs: runsOf(replayed, rules, question),
    versions: versionsOf(history, question),
  };
}
