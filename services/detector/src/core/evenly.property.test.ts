import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ServiceInterval } from '@waybill/contracts';
import { everyRule, fix, plain, rules } from '../testing/fixes.ts';
import type { Fix } from './fix.ts';
import { Closed, START, type FoldState } from './fold.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { NO_SETTINGS } from './unit-settings.ts';
import { walked } from './walk.ts';
import type { Area } from './zone-shape.ts';

const zone: Area = {
  zoneId: 'z',
  shape: 'CIRCLE',
  widthM: 400,
  points: [{ latitude: 0, longitude: 0 }],
  validFrom: -Infinity,
  validTo: Infinity,
};
const wide: Area = { ...zone, zoneId: 'wide', widthM: 900 };

/** A stop or a move: so many like fixes, and when each comes after the one before, s. */
const leg = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  everyS: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 2, arbitrary: fc.constantFrom(90, 299, 301, 590, 610) },
    { weight: 1, arbitrary: fc.constant(7000) },
  ),
  /** Tells the same as the leg before. */
  isLike: fc.boolean(),
  pauseS: fc.constantFrom(1, 1, 5, 30, 61, 299, 301, 700, 90_000),
  lat: fc.constantFrom(0, 0, 0.001, 0.003, 0.05, 2),
  speed: fc.constantFrom(undefined, 0, 0, 40),
  ignition: fc.constantFrom(null, true, true, false),
  fuel: fc.constantFrom(null, 50, 50, 50.5, 80, 0),
  odometer: fc.constantFrom(null, 10, 10, 10.4, 3, 1499, 1900),
  hours: fc.constantFrom(null, null, 7),
  driver: fc.constantFrom(null, null, 'D1'),
  isPrivate: fc.constantFrom(false, false, false, true),
  satellites: fc.constantFrom(null, 3, 9),
});

function fixesOf(legs: readonly (typeof leg extends fc.Arbitrary<infer L> ? L : never)[]): Fix[] {
  const fixes: Fix[] = [];
  let t = 0;
  let told = legs[0];
  for (const next of legs) {
    const { count, everyS, pauseS, isLike } = next;
    if (!isLike || told === undefined) told = next;
    const { lat, speed, satellites, ...rest } = told;
    t += pauseS;
    for (let i = 0; i < count; i += 1) {
      const made = fix({
        ...{ t, lat, lon: 0.0001, ...(speed !== undefined && { speed }) },
        signals: {
          ignition: rest.ignition,
          fuel_level_l: rest.fuel,
          odometer_km: rest.odometer,
          engine_hours_h: rest.hours,
          driver_code: rest.driver,
          is_private: rest.isPrivate,
        },
      });
      fixes.push({ ...made, satellites: satellites ?? undefined });
      t += everyS;
    }
  }
  return fixes;
}

function foldOf(
  runs: readonly (readonly Fix[])[],
  given: Rules,
): { readonly state: FoldState; readonly closed: Closed } {
  const closed = new Closed();
  let state = START;
  for (const run of runs) state = walked(state, run, given, closed);
  return { state, closed };
}

const provider = {
  trip_detector: null,
  service_intervals: [] as ServiceInterval[],
  plansKmByGps: false,
};
const usual = everyRule([zone, wide]);
const settings: Readonly<Record<string, Rules>> = {
  simple: rules([zone]),
  'with silences that end a trip before the stay does, movement by odometer': everyRule([zone], {
    trip: { ...usual.trip, gapMs: 60_000, movementSource: 'odometer', staysFromStanding: true },
  }),
  'with filter, crossings and every confirmation': usual,
  'with a tank that is exchanged, few satellites left out, drivers by a table and stays from standing':
    everyRule([zone], {
      trip: {
        ...usual.trip,
        minSatellites: 4,
        movementSource: 'ignition',
        staysFromStanding: true,
      },
      fuel: {
        ...usual.fuel,
        tanks: [
          { from: -Infinity, to: fix({ t: 900, lat: 1, lon: 1 }).time, value: 60 },
          { from: fix({ t: 900, lat: 1, lon: 1 }).time, to: Infinity, value: 200 },
        ],
      },
      unit: {
        ...NO_SETTINGS,
        provider: [{ from: -Infinity, to: Infinity, value: provider }],
        assignments: [
          {
            from: fix({ t: 600, lat: 1, lon: 1 }).time,
            to: Infinity,
            value: { driver: 'D2', source: 'PLAN' },
          },
        ],
      },
    }),
};

for (const [name, given] of Object.entries(settings)) {
  test(`a stretch of like fixes folds as its fixes one by one: ${name}`, () => {
    // Where zones may be others at each fix none is taken for like the one before.
    const eachByItself = { ...given, zones: { ...given.zones, stableFrom: Infinity } };
    fc.assert(
      fc.property(
        fc.array(leg, { minLength: 1, maxLength: 9 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
        (legs, sizes) => {
          const fixes = fixesOf(legs);
          const runs: Fix[][] = [];
          for (let at = 0; at < fixes.length;) {
            const size = sizes[runs.length % sizes.length] ?? 1;
            runs.push(fixes.slice(at, at + size));
            at += size;
          }
          const evenly = foldOf(runs, given);
          const expected = foldOf([fixes], eachByItself);
          assert.deepEqual(plain(evenly.state), plain(expected.state));
          for (const rule of RULES.keys()) {
            assert.deepEqual(plain(evenly.closed.of(rule)), plain(expected.closed.of(rule)));
          }
        },
      ),
      { numRuns: 400 },
    );
  });
}
