import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { assertFolded } from '../testing/checkpoints.ts';
import { everyRule, fix, plain, rules } from '../testing/fixes.ts';
import type { Chunk } from './chunk.ts';
import type { Fix } from './fix.ts';
import { memoryPages } from './pages.ts';
import { RULES } from './rule-list.ts';
import { Timeline } from './timeline.ts';
import type { Area } from './zone-shape.ts';

const zone: Area = {
  zoneId: 'z',
  shape: 'CIRCLE',
  widthM: 400,
  points: [{ latitude: 0, longitude: 0 }],
  validFrom: -Infinity,
  validTo: Infinity,
};
const simple = rules([zone]);
const thousandths = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -6, max: 6 }) },
  // Far enough to be impossible, but for a pause of some minutes.
  { weight: 1, arbitrary: fc.constantFrom(-300, 300) },
);

const point = fc.record({
  t: fc.integer({ min: 0, max: 9000 }),
  lat: thousandths.map((thousandth) => thousandth / 1000),
  // Sums of these run on over quarters: a reading now and then, an engine that hardly ever is off.
  odometer: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
  ignition: fc.constantFrom(true, true, true, true, true, false),
  speed: fc.constantFrom(undefined, 0, 0, 40),
});

type Example = [
  { t: number; lat: number; odometer: undefined; ignition: boolean; speed: 0 | undefined }[],
  boolean[],
];

/** An engine that runs on over quarters while the unit stands, and then a fix more at their beginning. */
const longStanding: Example = [
  [...Array.from({ length: 30 }, (_, i) => i * 100), 150].map((t) => ({
    ...{ t, lat: 0, odometer: undefined, ignition: true, speed: 0 },
  })),
  [true],
];

/** A state within a quarter that is none of the newest any more, which a late fix makes wrong. */
const behindTheFine: Example = [
  [1, 301, 0, 7425, 300].map((t) => ({
    ...{ t, lat: t === 0 ? -0.3 : 0 },
    ...{ odometer: undefined, ignition: true, speed: undefined },
  })),
  [false, true],
];

const settings = { simple, 'with filter, crossings and every confirmation': everyRule([zone]) };
for (const [name, given] of Object.entries(settings)) {
  test(`inserting and folding in any order and rhythm is folding the sorted fixes once: ${name}`, () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(point, { selector: ({ t }) => t, minLength: 1, maxLength: 80 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
        (points, folds) => {
          const fixes = points.map(({ t, lat, odometer, ignition, speed }) =>
            fix({
              ...{ t, lat, lon: 0.0001, ...(speed !== undefined && { speed }) },
              signals: {
                ignition,
                odometer_km:
                  odometer === undefined ? null : Math.floor(t / 40) / 10 + odometer / 100,
              },
            }),
          );
          const pages = memoryPages();
          const timeline = new Timeline(pages);
          for (const [i, each] of fixes.entries()) {
            timeline.insert(each, given);
            if (!folds[i % folds.length]) continue;
            timeline.fold(given);
            timeline.flush();
          }
          timeline.fold(given);

          assertFolded(timeline, pages, fixes, given);
        },
      ),
      { numRuns: 300, examples: [behindTheFine, longStanding] },
    );
  });
}

const given = simple;

test('trimming moves whole chunks into the base and changes neither head nor later cuts', () => {
  const timeline = new Timeline();
  for (let minute = 0; minute < 120; minute += 1) {
    timeline.insert(fix({ t: minute * 60, lat: (minute % 20) / 1000, lon: 0.0001 }), given);
  }
  timeline.fold(given);
  const { head } = timeline;
  const closedIn = ({ closed }: Chunk): unknown => RULES.map((_, rule) => plain(closed.of(rule)));
  const later = timeline.chunks.slice(4).map(closedIn);
  assert.equal(timeline.trim(3_599_999, given).length, 3, 'the fourth chunk ends at 3,600 s');
  assert.equal(timeline.trim(3_600_000, given).length, 1);
  assert.equal(timeline.trimmedTo, 3_600_000);
  assert.equal(timeline.base.last?.time, 59 * 60_000);
  assert.equal(timeline.count, 60);
  timeline.rebase(timeline.base);
  timeline.fold(given);
  assert.deepEqual(plain(timeline.head), plain(head));
  assert.deepEqual(timeline.chunks.map(closedIn), later);
});

test('a late fix folds again only until the state is as it was', () => {
  const timeline = new Timeline();
  for (let minute = 0; minute < 240; minute += 2) {
    timeline.insert(fix({ t: minute * 60, lat: 0.1, lon: 0.0001 }), given);
  }
  timeline.fold(given);
  let folded = 0;
  const counting = {
    ...given,
    zones: {
      ...given.zones,
      containing: () => {
        folded += 1;
        return [];
      },
    },
  };
  timeline.insert(fix({ t: 3660, lat: 0.1, lon: 0.0001 }), counting);
  timeline.fold(counting);
  assert.equal(
    folded,
    4,
    'two of its quarter before it, the fix itself, and one behind it with and without it',
  );
});

test('a late fix that begins a quarter may be the first one after a restart', () => {
  // Standing ends the trip in a quarter behind the one that gets a new neighbour.
  const drive = Array.from({ length: 20 }, (_, i) =>
    fix({ t: 7200 + 60 * i, lat: 0.006 * Math.min(i, 8), lon: 0 }),
  );
  const late = fix({ t: 0, lat: 0, lon: 0 });
  const pages = memoryPages();
  const before = new Timeline(pages);
  for (const each of drive) before.insert(each, given);
  before.fold(given);
  before.flush();
  const after = new Timeline(pages, before.saved);
  after.insert(late, given);
  after.fold(given);
  const whole = new Timeline();
  for (const each of [late, ...drive]) whole.insert(each, given);
  whole.fold(given);
  const found = ({ head, chunks }: Timeline): unknown =>
    plain([head, chunks.map(({ index, closed }) => [index, closed])]);
  assert.ok(whole.chunks.some(({ closed }) => !closed.isEmpty));
  assert.deepEqual(found(after), found(whole));
});

test('fixes that wait to be folded count, are known, and stand in their quarter', () => {
  const pages = memoryPages();
  const timeline = new Timeline(pages);
  const fixes = [0, 60, 120].map((t) => fix({ t, lat: t / 1e5, lon: 0 }));
  for (const [i, each] of fixes.entries()) {
    timeline.insert(each, given);
    assert.equal(timeline.count, i + 1);
    assert.ok(timeline.knows(each));
  }
  assert.equal(timeline.insert(fixes[1] as Fix, given), 'repeat');
  assert.deepEqual(
    timeline.chunks.map(({ count }) => count),
    [3],
  );
});

test('a fix that comes back after a restart is packed at once: nobody may write the pages later', () => {
  const pages = memoryPages();
  new Timeline(pages).insert(fix({ t: 60, lat: 1, lon: 0 }), undefined);
  assert.deepEqual(
    new Timeline(pages).chunks.map(({ count }) => count),
    [1],
  );
});
