import { topics, type TripCompleted } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import { fixOf, type Fix } from '../core/fix.ts';
import { tripRuleAt } from '../core/rules.ts';
import { tripRuleOf } from '../core/trip-settings.ts';
import { at } from '../core/unit-settings.ts';
import { rulesOf, rulesOfUnit } from '../tenant-rules.ts';
import { explain, type Question } from './explain.ts';
import { configurationOf, type History } from './history.ts';
import { compareWithProvider, type ParityRow, type ParityTrip } from './parity.ts';
import { replay } from './replay.ts';

function time(point: unknown): number | undefined {
  if (typeof point !== 'object' || point === null || !('t' in point)) return undefined;
  return typeof point.t === 'number' ? point.t * 1000 : undefined;
}

/**
 * Trips of an answer of Wialon's `unit/get_trips`: [{from: {t}, to: {t}, m}], seconds and metres. Throws a
 * Fault `malformed` / `TRIPS_UNREADABLE`.
 */
export function providerTrips(answer: unknown): ParityTrip[] {
  const wrong = (what: string): Fault =>
    new Fault(`expected the answer of unit/get_trips, [{from: {t}, to: {t}, m}], found ${what}`, {
      kind: 'malformed',
      code: 'TRIPS_UNREADABLE',
      stage: 'decode',
    });
  if (!Array.isArray(answer)) throw wrong(typeof answer);
  return (answer as readonly unknown[]).map((trip, index) => {
    const fields = typeof trip === 'object' && trip !== null ? trip : {};
    const start = 'from' in fields ? time(fields.from) : undefined;
    const end = 'to' in fields ? time(fields.to) : undefined;
    const metres = 'm' in fields ? fields.m : undefined;
    if (start === undefined || end === undefined || typeof metres !== 'number') {
      throw wrong(`another entry ${index}`);
    }
    return { start, end, distanceKm: Math.round(metres) / 1000 };
  });
}

/** Our trips of a unit against the provider's of the same window. */
export function compareTrips(
  history: History,
  question: Question,
  theirs: readonly ParityTrip[],
): readonly ParityRow[] {
  const { tenantId, unit, from, to } = question;
  const configured = configurationOf(history, tenantId);
  const rules = rulesOfUnit(rulesOf(configured, history.tables), unit, history.tables);
  const records = history.positions.get(unit) ?? [];
  const replayed = replay(tenantId, unit, records, rules);
  const ours = replayed.announcements
    .filter(({ topic }) => topic === topics.trip)
    // The topic carries this type only.
    .map(({ message }) => message.value as TripCompleted)
    .map((trip) => ({ start: trip.start_time, end: trip.end_time, distanceKm: trip.distance_km }))
    .filter(({ start, end }) => end >= from && start <= to);
  const { fixes } = explain(history, question);
  const timesOf = (use: string): number[] =>
    fixes.filter((fix) => fix.use === use).map((fix) => Date.parse(fix.time));
  const counted: Fix[] = records
    .map((record) => fixOf(record))
    .filter((fix) => fix.time >= from && fix.time <= to)
    .sort((a, b) => a.time - b.time);
  const detector = at(rules.unit.provider, from)?.trip_detector;
  return compareWithProvider(ours, theirs, {
    from,
    to,
    ours: tripRuleAt(rules, from),
    theirs:
      detector === undefined || detector === null ? undefined : tripRuleOf(detector, rules.trip),
    fixes: counted,
    leftOut: timesOf('left_out'),
    notApplied: timesOf('beyond_grace'),
  });
}
