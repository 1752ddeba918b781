import { test } from 'node:test';
import * as fc from 'fast-check';
import { assertFolded } from '../testing/checkpoints.ts';
import { everyRule, fix, rules } from '../testing/fixes.ts';
import type { LocatedFix } from './fix.ts';
import { memoryPages } from './pages.ts';
import { Timeline } from './timeline.ts';
import type { Area } from './zone-shape.ts';

const zone: Area = {
  zoneId: 'z',
  shape: 'CIRCLE',
  widthM: 700,
  points: [{ latitude: 0.004, longitude: 0 }],
  validFrom: -Infinity,
  validTo: Infinity,
};

const wider: Area = {
  ...zone,
  zoneId: 'wider',
  widthM: 2500,
  points: [{ latitude: 0.024, longitude: 0 }],
};
const wide: Area = { ...wider, zoneId: 'wide', widthM: 1800 };

/** So many fixes in a row that do the same. */
const phase = fc.record({
  kind: fc.constantFrom('drive', 'drive', 'stand', 'idle', 'silent', 'lost', 'refuel', 'drain'),
  count: fc.integer({ min: 1, max: 60 }),
});
type Phase = typeof phase extends fc.Arbitrary<infer P> ? P : never;

/** A vehicle with every signal that reports at a steady pace, to and fro through the zone. */
function tour(phases: readonly Phase[], everyS: number): LocatedFix[] {
  const fixes: LocatedFix[] = [];
  let [t, driven, fuel, step] = [700, 0, 120, 0.0006];
  for (const { kind, count } of phases) {
    const isDriving = kind === 'drive';
    if (kind === 'silent') t += count * 20;
    if (kind === 'refuel') fuel += 40;
    if (kind === 'drain') fuel -= 30;
    if (isDriving && count % 3 === 0) step = -step;
    for (let i = 0; i < count; i += 1) {
      t += everyS;
      if (isDriving) driven += step;
      // A single position is far off.
      const lat = driven + (kind === 'lost' && i === count >> 1 ? 0.4 : 0);
      const signals = {
        ignition: isDriving || kind === 'idle',
        odometer_km: Math.round(7000 + t * 0.01),
        fuel_level_l: fuel - Math.floor(t / 90) / 10,
      };
      fixes.push(fix({ t, lat, lon: 0.0001, speed: isDriving ? 45 : 0, signals }));
    }
  }
  return fixes;
}

const settings = {
  simple: rules([zone]),
  'with filter, crossings and every confirmation': everyRule([zone], {
    fuel: { ...rules().fuel, confirmMs: 60_000 },
  }),
  'with stays in two zones at once that time alone confirms': everyRule([wide, wider], {
    visit: { ...rules().visit, ...{ confirmFixes: 99, confirmMs: 40_000, dwellMs: 200_000 } },
  }),
};
for (const [name, given] of Object.entries(settings)) {
  test(`fixes added late to a vehicle that reports steadily change what folding all of them once gives: ${name}`, () => {
    fc.assert(
      fc.property(
        fc.array(phase, { minLength: 2, maxLength: 9 }),
        fc.constantFrom(5, 10, 20),
        // Which fixes come late, by how many others, and where a turn ends.
        fc.array(fc.nat({ max: 29 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 12 }),
        (phases, everyS, lates, delays, perTurn) => {
          const fixes = tour(phases, everyS);
          const arrivals = fixes
            .map((each, i) => {
              const isLate = (lates[i % lates.length] ?? 1) < 3;
              return { each, at: i + (isLate ? (delays[i % delays.length] ?? 0) : 0) };
            })
            .toSorted((a, b) => a.at - b.at);
          const pages = memoryPages();
          const timeline = new Timeline(pages);
          for (const [i, { each }] of arrivals.entries()) {
            timeline.insert(each, given);
            if (i % perTurn > 0) continue;
            timeline.fold(given);
            timeline.flush();
          }
          timeline.fold(given);
          assertFolded(timeline, pages, fixes, given);
        },
      ),
      { numRuns: 100 },
    );
  });
}
