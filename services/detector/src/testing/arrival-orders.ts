import assert from 'node:assert/strict';
import type { PositionRecorded } from '@waybill/contracts';
import { seededRandom, type Random } from '@waybill/testkit';
import type { Rules } from '../core/rules.ts';
import { fleetRounds, fleetZones } from './fleet.ts';
import { position } from './messages.ts';
import { greedyTenant, plainDetector, rulesWith } from './plain-detector.ts';
import { fixturesOf, sitesOf } from './recordings.ts';

const TENANT = 'bay-cabs';

/** A unit's day as it was registered, and the rules that all events are wanted by. */
export interface Day {
  readonly name: string;
  readonly rules: Rules;
  readonly positions: readonly PositionRecorded[];
}

const DAY_S = 86_400;

/** The longest day of a cab in San Francisco. */
function cabDay(): Day {
  const all = fixturesOf('sf-cabs', TENANT);
  const [first] = all;
  const unit = first?.unit;
  const start = Math.min(...all.filter((fix) => fix.unit === unit).map(({ t }) => t));
  const positions = all
    .filter((fix) => fix.unit === unit && fix.t >= start && fix.t < start + DAY_S)
    .map((fix, i) => position({ ...fix, rt: fix.t + 2 + (i % 7), offset: i }));
  const rules = rulesWith(greedyTenant(TENANT), sitesOf('sf-cabs', TENANT));
  return { name: 'a cab of San Francisco', rules, positions };
}

/** A made-up vehicle with signals: ignition, fuel, odometer. */
function signalDay(): Day {
  const everyS = 60;
  const size = { units: 1, everyS, moving: 0.3, late: 0, latestS: 0, hasSignals: true };
  const rounds = fleetRounds({ ...size, tenantId: TENANT });
  const positions: PositionRecorded[] = [];
  for (let round = 0; round < DAY_S / everyS; round += 1) {
    positions.push(...(rounds.next().value as readonly PositionRecorded[]));
  }
  const rules = rulesWith(greedyTenant(TENANT), fleetZones(1000, TENANT));
  return { name: 'a vehicle with signals', rules, positions };
}

/** The days that the orders are taken of. */
export function days(): readonly Day[] {
  return [cabDay(), signalDay()];
}

/** What ids, revisions and causes depend on: which versions were published on the way. */
const COURSE: ReadonlySet<string> = new Set([
  ...['event_id', 'trip_id', 'visit_id', 'idle_id', 'change_id', 'crossing_id', 'odometer_id'],
  ...['revision', 'cause', 'trace', 'provider_time', 'received_time', 'late_by_s', 'replaced_by'],
]);

/** An event as a line, without what depends on the way to it. */
function lineOf(value: object): string {
  const said = Object.entries(value).filter(([name]) => !COURSE.has(name));
  return JSON.stringify(Object.fromEntries(said));
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

/** The events that stand when all has come, in batches of `batch`, and T closes what is open. */
function standing({ rules, positions }: Day, batch: number): readonly string[] {
  const { turn } = plainDetector(rules);
  const newest = new Map<string, { readonly retracted: boolean }>();
  const take = (records: readonly PositionRecorded[], clock: number | undefined): void => {
    for (const decision of turn(records, clock)) {
      assert.equal(decision.kind, 'publish');
      for (const { message } of decision.announcements) {
        const value = message.value as { event_id: string; retracted: boolean };
        newest.set(value.event_id, value);
      }
    }
  };
  for (let at = 0; at < positions.length; at += batch)
    take(positions.slice(at, at + batch), undefined);
  const last = Math.max(...positions.map((each) => each.event_time));
  // A copy of what is there touches the unit: nothing but T is new.
  take(positions.slice(0, 1), last + 3_600_000);
  return [...newest.values()]
    .filter(({ retracted }) => !retracted)
    .map(lineOf)
    .toSorted();
}

/** Takes so many random orders of a day with repeats; each must give what the true order gives. */
export function checkOrders(day: Day, orders: number, seed: number): void {
  // Whatever comes last is still within grace, so that it counts in every order.
  const expected = standing(day, 64);
  assert.ok(expected.length > 5, `${expected.length} events`);
  const random = seededRandom(seed);
  for (let order = 0; order < orders; order += 1) {
    const repeats = day.positions.filter(() => random() < 0.1);
    const again = repeats.map((each) => ({
      ...each,
      provider_time: each.provider_time + 30_000,
      trace: { ...each.trace, partition: 1 },
    }));
    const positions = shuffled([...day.positions, ...again], random);
    const found = standing({ ...day, positions }, 1 + Math.floor(random() * 400));
    const at = found.findIndex((line, i) => line !== expected[i]);
    const about = `${day.name}, order ${order} of seed ${seed}`;
    assert.equal(found[at], expected[at], about);
    assert.equal(found.length, expected.length, about);
  }
}
