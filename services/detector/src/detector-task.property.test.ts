import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { tenantModel, type Detection } from '@waybill/tenant';
import { createDriver, type Driver, type Input } from './testing/driver.ts';
import { position, progress, square, UNIT, type Fixture } from './testing/messages.ts';
import { expectedOf, type Expected } from './testing/oracle.ts';
import { tenant } from './testing/tenant.ts';

const GRACE_H = 1;
const BASE_S = 1_211_310_000;
const config = tenant({ graceHours: GRACE_H });
const rule: Detection = tenantModel.parse(JSON.parse(config.document)).detection;
const everything = tenant({ graceHours: GRACE_H, events: { geofence: 'detected' } });
const zones = [square('zone-a', 37.7, -122.4, 0.01), square('zone-b', 37.712, -122.4, 0.004)];

/** One step of a vehicle that stays or drives, near two zones, with all that goes wrong on the way. */
interface Step {
  readonly dt: number;
  readonly move: readonly [number, number];
  /** Seconds until the provider registered it. */
  readonly delay: number;
  /** Registered again after so many seconds more. */
  readonly again: number | undefined;
  readonly order: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  dt: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 20, max: 90 }) },
    { weight: 2, arbitrary: fc.integer({ min: 200, max: 700 }) },
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 3000, max: 6000 }) },
    { weight: 1, arbitrary: fc.constant(6 * 86_400) },
  ),
  move: fc.oneof(
    fc.constant<readonly [number, number]>([0, 0]),
    fc.tuple(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -40, max: 40 })),
  ),
  delay: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }) },
    { weight: 2, arbitrary: fc.integer({ min: 60, max: GRACE_H * 3600 }) },
    { weight: 1, arbitrary: fc.integer({ min: GRACE_H * 3600 + 1, max: 4 * 3600 }) },
  ),
  again: fc.option(fc.integer({ min: 0, max: 3 * 3600 }), { nil: undefined }),
  order: fc.nat({ max: 1000 }),
});

function fixturesOf(steps: readonly Step[]): (Fixture & { rt: number; order: number })[] {
  let t = BASE_S;
  let [lat, lon] = [37.69, -122.4];
  return steps.flatMap(({ dt, move, delay, again, order }, i) => {
    t += dt;
    lat = Math.round((lat + move[0] * 1e-4) * 1e5) / 1e5;
    lon = Math.round((lon + move[1] * 1e-4) * 1e5) / 1e5;
    const fixture = { t, lat, lon, rt: t + delay, order, offset: i };
    return again === undefined
      ? [fixture]
      : [fixture, { ...fixture, rt: fixture.rt + again, order: (order * 7919) % 1000 }];
  });
}

/** How the log is cut and read; every list is used over and over. */
interface Course {
  readonly batches: readonly number[];
  /** How far progress stays behind what it could say, s; null = no progress after this batch. */
  readonly progress: readonly (number | null)[];
  readonly incidents: readonly ('none' | 'abort' | 'restart' | 'snapshot')[];
  /** 0: by registration; 1: anyhow. */
  readonly disorder: 0 | 1;
  /** 0: the unit is packed at the end of each call. */
  readonly unpackedUnits: 0 | 1;
}

const course: fc.Arbitrary<Course> = fc.record({
  batches: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
  progress: fc.array(fc.option(fc.integer({ min: 0, max: 900 }), { nil: null }), {
    minLength: 1,
    maxLength: 5,
  }),
  incidents: fc.array(fc.constantFrom('none', 'none', 'abort', 'restart', 'snapshot'), {
    minLength: 1,
    maxLength: 4,
  }),
  disorder: fc.constantFrom(0, 1),
  unpackedUnits: fc.constantFrom(0, 1),
});

function arranged(steps: readonly Step[], disorder: 0 | 1): ReturnType<typeof fixturesOf> {
  return fixturesOf(steps).toSorted((a, b) =>
    disorder === 1 ? a.order - b.order : a.rt - b.rt || a.order - b.order,
  );
}

async function play(steps: readonly Step[], how: Course, endS: number): Promise<Driver> {
  const driver = await createDriver(config, how);
  for (const zone of zones) await driver.setZone(zone);
  const records = arranged(steps, how.disorder);
  let at = 0;
  for (let turn = 0; at < records.length; turn += 1) {
    const size = how.batches[turn % how.batches.length] ?? 1;
    const inputs: Parameters<Driver['process']>[0][number][] = records
      .slice(at, at + size)
      .map(position);
    at += size;
    const behind = how.progress[turn % how.progress.length] ?? null;
    // The promise: everything registered up to T stands before the progress record.
    const next = Math.min(...records.slice(at).map(({ rt }) => rt), endS);
    if (behind !== null) inputs.push(progress(next - 1 - behind));
    const incident = how.incidents[turn % how.incidents.length];
    await driver.process(inputs, { abort: incident === 'abort' });
    if (incident === 'restart') await driver.restart();
    // What a later start finds is older than the state by then.
    if (incident === 'snapshot') driver.snapshot();
  }
  await driver.process([progress(endS)]);
  return driver;
}

function found(driver: Driver): Expected {
  const s = (ms: number): number => ms / 1000;
  return {
    trips: driver
      .standingTrips()
      .toSorted((a, b) => a.start_time - b.start_time)
      .map(
        (trip) =>
          `${s(trip.start_time)}-${s(trip.end_time)} ${trip.distance_km} km, ${trip.fix_count} fixes`,
      ),
    visits: driver
      .standingVisits()
      .map(({ geofence_id, entered_time, left_time, status }) => {
        const left = left_time === null ? '' : s(left_time);
        return `${geofence_id} ${s(entered_time)}-${left} ${status}`;
      })
      .toSorted(),
    tasks: driver
      .openTasks()
      .map((raised) => `${raised.business_date}: ${raised.fix_count}`)
      .toSorted(),
  };
}

function endOf(steps: readonly Step[], afterS: number): number {
  return Math.max(...fixturesOf(steps).map(({ rt }) => rt)) + afterS;
}

test('the final set depends on the fixes alone: not on order, batches, progress, aborts or restarts', async () => {
  const after = fc.constantFrom(700, 3 * 3600, 6 * 86_400);
  const steps = fc.array(step, { minLength: 1, maxLength: 90 });
  await fc.assert(
    fc.asyncProperty(steps, course, after, async (given, how, afterS) => {
      const endS = endOf(given, afterS);
      const expected = expectedOf(fixturesOf(given), {
        tenantId: 'bay-cabs',
        unit: UNIT,
        timeZone: 'America/Los_Angeles',
        graceS: GRACE_H * 3600,
        clockS: endS,
        rule,
        zones,
      });
      assert.deepEqual(found(await play(given, how, endS)), expected);
    }),
    { numRuns: 400 },
  );
});

/** The log of one arrival order: where it is cut decides nothing. */
function logOf(steps: readonly Step[], { disorder, progress: behind }: Course): Input[] {
  const records = arranged(steps, disorder);
  const inputs: Input[] = [];
  for (const [i, record] of records.entries()) {
    inputs.push(position(record));
    const lag = behind[i % behind.length] ?? null;
    const next = Math.min(...records.slice(i + 1).map(({ rt }) => rt), endOf(steps, 0) + 1);
    if (lag !== null) inputs.push(progress(next - 1 - lag));
  }
  inputs.push(progress(endOf(steps, 3 * 3600)));
  return inputs;
}

/** Ids and starts of all that stands in the end. */
async function idsOf(log: readonly Input[], how: Course): Promise<readonly string[]> {
  const driver = await createDriver(everything, how);
  for (const zone of zones) await driver.setZone(zone);
  let at = 0;
  for (let turn = 0; at < log.length; turn += 1) {
    const size = how.batches[turn % how.batches.length] ?? 1;
    const incident = how.incidents[turn % how.incidents.length];
    await driver.process(log.slice(at, at + size), { abort: incident === 'abort' });
    if (incident === 'restart') await driver.restart();
    // What a later start finds is older than the state by then.
    if (incident === 'snapshot') driver.snapshot();
    at += size;
  }
  const crossings = new Map(driver.crossings.map((each) => [each.event_id, each]));
  return [
    ...driver.standingTrips().map((each) => `trip ${each.start_time} ${each.trip_id}`),
    ...driver.standingVisits().map((each) => `visit ${each.entered_time} ${each.visit_id}`),
    ...[...crossings.values()]
      .filter(({ retracted }) => !retracted)
      .map((each) => `${each.crossing} ${each.event_time} ${each.event_id}`),
  ].toSorted();
}

test('ids follow from the order of the log: not from batches, aborts or restarts', async () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, course, course, async (given, one, other) => {
      const log = logOf(given, one);
      assert.deepEqual(await idsOf(log, one), await idsOf(log, other));
    }),
    { numRuns: 100 },
  );
});

test('an aborted call that is handled again publishes the very same records', async () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 12 }), async (given, size) => {
      const plain = await createDriver(config);
      const shaken = await createDriver(config, { unpackedUnits: 0 });
      const records = arranged(given, 0);
      for (let at = 0; at < records.length; at += size) {
        const inputs = records.slice(at, at + size).map(position);
        const next = records[at + size]?.rt ?? endOf(given, 700);
        const all = [...inputs, progress(next - 1)];
        const again = await shaken.process(all, { abort: true });
        assert.deepEqual((await plain.process(all)).records, again.records);
      }
      assert.deepEqual(await shaken.saved(), await plain.saved());
    }),
    { numRuns: 100 },
  );
});
