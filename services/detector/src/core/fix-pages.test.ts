import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fields, fix } from '../testing/fixes.ts';
import { position } from '../testing/messages.ts';
import { marksOf } from './accepted.ts';
import { CHUNK_MS, chunkIndexOf, type Insertion } from './chunk.ts';
import { fixOf, outranks, secondOf, type Fix } from './fix.ts';
import { FixPages } from './fix-pages.ts';
import { memoryPages } from './pages.ts';

const INDEX = 1_345_900;
const START_S = (INDEX * CHUNK_MS) / 1000;

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { nil: null });

const level = fc.integer({ min: 0, max: 100_000 }).map((hundredths) => hundredths / 100);

/** Fixes of an hour, in ms, with and without position and signals, often alike. */
const anyFix: fc.Arbitrary<Fix> = fc
  .record({
    ms: fc.integer({ min: 0, max: 4 * CHUNK_MS - 1 }),
    isWhole: fc.boolean(),
    lat: fc.oneof(fc.constant(52.1), fc.double({ min: -90, max: 90, noNaN: true })),
    lon: fc.oneof(fc.constant(-21.5), fc.double({ min: -180, max: 180, noNaN: true })),
    isLocated: fc.integer({ min: 0, max: 5 }).map((die) => die > 0),
    lateness: fc.integer({ min: -120_000, max: 864_000_000 }),
    offset: fc.oneof(
      fc.constant(7),
      fc.maxSafeNat().map((offset) => offset % 2 ** 50),
    ),
    signals: fc.record({
      speed_kmh: maybe(fc.oneof(fc.constant(0), level)),
      satellites: maybe(fc.integer({ min: 0, max: 30 })),
      ignition: maybe(fc.boolean()),
      fuel_level_l: maybe(level),
      fuel_level_percent: maybe(level),
      odometer_km: maybe(fc.integer({ min: 0, max: 99_999_999 }).map((km) => km / 10)),
      engine_hours_h: maybe(level),
      driver_code: maybe(fc.constantFrom('D-1', 'D-2')),
      is_private: maybe(fc.boolean()),
    }),
  })
  .map(({ ms, isWhole, lat, lon, isLocated, lateness, offset, signals }) => {
    const time = START_S * 1000 + (isWhole ? Math.floor(ms / 1000) * 1000 : ms);
    const recorded = {
      ...position({ t: 0, lat, lon, offset }),
      ...signals,
      event_time: time,
      provider_time: time + lateness,
    };
    const { latitude: _latitude, longitude: _longitude, ...signal } = recorded;
    return fixOf(isLocated ? recorded : signal);
  });

/** Puts a fix as the timeline does. */
function put(pages: FixPages, given: Fix): Insertion {
  const index = chunkIndexOf(given.time);
  const newest = pages.chunks.at(-1);
  const last = newest?.fixes.at(-1);
  if (last !== undefined && secondOf(given.time) <= secondOf(last.time)) {
    return pages.insert(given, index, 0);
  }
  if (newest?.index !== index) pages.begin(index, 0);
  pages.append([given]);
  return 'added';
}

/** The one that counts of each second, in order. */
function counting(fixes: readonly Fix[]): readonly Fix[] {
  const bySecond = new Map<number, Fix>();
  for (const each of fixes) {
    const there = bySecond.get(secondOf(each.time));
    if (there === undefined || outranks(each, there)) bySecond.set(secondOf(each.time), each);
  }
  return [...bySecond.values()].toSorted((a, b) => a.time - b.time);
}

test('pages hold the fixes that count, to the last bit, whatever the order and after a restart', () => {
  fc.assert(
    fc.property(fc.array(anyFix, { minLength: 1, maxLength: 40 }), (fixes) => {
      const pages = memoryPages();
      const written = new FixPages(pages);
      for (const each of fixes) put(written, each);
      const expected = counting(fixes);
      for (const read of [written, new FixPages(pages)]) {
        const found = read.chunks.flatMap((chunk) => chunk.fixes);
        assert.deepEqual(
          found.map(({ time, latenessMs }) => [time, latenessMs]),
          expected.map(({ time, latenessMs }) => [time, latenessMs]),
        );
        assert.deepEqual(found.map(fields), expected.map(fields));
        assert.deepEqual(
          read.chunks.map(({ count }) => count),
          read.chunks.map((chunk) => chunk.fixes.length),
        );
        for (const chunk of read.chunks) {
          const { seconds } = marksOf(read.unpack(chunk), chunk);
          assert.deepEqual(read.secondsOf(chunk), seconds);
        }
      }
      const again = new FixPages(pages);
      const later = fix({ t: START_S + 7200, lat: 1, lon: 1 });
      put(again, later);
      assert.deepEqual(
        again.chunks.flatMap((chunk) => chunk.fixes).map(fields),
        [...expected, later].map(fields),
        'it goes on where it stood',
      );
    }),
    { numRuns: 300 },
  );
});

test('of several fixes in one second the smallest (provider_time, identity) counts', () => {
  const pages = new FixPages(memoryPages());
  const t = START_S + 5;
  const results: Insertion[] = [
    put(pages, fix({ t, lat: 1, lon: 1, rt: t + 50 })),
    put(pages, fix({ t, lat: 2, lon: 2, rt: t + 60 })),
    put(pages, fix({ t, lat: 2, lon: 2, rt: t + 70 })),
    put(pages, fix({ t, lat: 1, lon: 1, rt: t + 80 })),
    put(pages, fix({ t, lat: 1, lon: 1, rt: t + 45 })),
    put(pages, fix({ t, lat: 2, lon: 2, rt: t + 40 })),
    put(pages, fix({ t: t + 1, lat: 2, lon: 2, rt: t + 40 })),
  ];
  assert.deepEqual(results, [
    'added',
    'outranked',
    'repeat',
    'repeat',
    'refined',
    'replaced',
    'added',
  ]);
  assert.deepEqual(
    pages.chunks.flatMap((chunk) => chunk.fixes).map((each) => [each.latitude, each.latenessMs]),
    [
      [2, 40_000],
      [2, 39_000],
    ],
  );
});

test('which fix of a second counts follows neither from their order nor from when they were received', () => {
  const t = START_S + 5;
  const copies = [
    { lat: 1, speed: 10, rt: t + 50 },
    { lat: 1, speed: 11, rt: t + 50 },
    { lat: 1, speed: 12, rt: t + 60 },
    { lat: 2, speed: 9, rt: t + 50 },
  ].map((copy) => ({ ...copy, t, lon: 1 }));
  for (let start = 0; start < 24; start += 1) {
    const rest = [...copies];
    const order = [start % 4, Math.floor(start / 4) % 3, Math.floor(start / 12), 0].map(
      (at) => rest.splice(at, 1)[0] as (typeof copies)[number],
    );
    const pages = new FixPages(memoryPages());
    for (const [i, copy] of order.entries()) {
      put(pages, fix({ ...copy, received: (t + 100 + ((i * 7 + start) % 5)) * 1000 }));
    }
    const found = pages.chunks.flatMap((chunk) => chunk.fixes);
    assert.deepEqual(
      found.map(({ latitude, speedKmh, latenessMs }) => [latitude, speedKmh, latenessMs]),
      [[2, 9, 50_000]],
      JSON.stringify(order),
    );
  }
});

test('a device clock that stands costs no more than three fixes', () => {
  const pages = new FixPages(memoryPages());
  for (let i = 0; i < 1000; i += 1) {
    put(pages, fix({ t: START_S, lat: i / 1000, lon: 1, rt: START_S + i }));
  }
  assert.equal(pages.chunks[0]?.count, 1);
  assert.ok(pages.bytes < 80, `${pages.bytes} bytes`);
});

test('a moving fix takes under 24 bytes, a vehicle that stands next to nothing', () => {
  const bytesPerFix = (fixes: readonly Fix[]): number => {
    const pages = new FixPages(memoryPages());
    for (const each of fixes) put(pages, each);
    return pages.bytes / fixes.length;
  };
  const every5s = (wishes: (i: number) => object): Fix[] =>
    Array.from({ length: 4320 }, (_, i) =>
      fix({ t: START_S + 5 * i, lat: 52, lon: 21, ...wishes(i) }),
    );
  const moving = every5s((i) => ({
    lat: 52 + i * 0.000_451_3,
    lon: 21 + Math.sin(i) / 100,
    speed: (i * 7) % 90,
    rt: START_S + 5 * i + 1 + (i % 5),
    offset: i * 3 + (i % 4),
  }));
  const parked = every5s((i) => ({ speed: 0, offset: i }));
  const parkedUneven = every5s((i) => ({
    speed: 0,
    rt: START_S + 5 * i + 1 + (i % 3),
    offset: i * 3 + (i % 4),
  }));
  assert.ok(bytesPerFix(moving) < 16, `moving ${bytesPerFix(moving)}`);
  assert.ok(bytesPerFix(parked) < 0.5, `parked ${bytesPerFix(parked)}`);
  assert.ok(bytesPerFix(parkedUneven) < 5, `parked, uneven delay ${bytesPerFix(parkedUneven)}`);
});

test('runs that were written in pieces are one when their quarter ends, and hold the same fixes', () => {
  const evenly = Array.from({ length: 180 }, (_, i) =>
    fix({ t: START_S + 5 * i, lat: 52, lon: 21, speed: i % 60 === 59 ? 9 : 0, offset: i }),
  );
  const sized = (pieces: number): number => {
    const pages = new FixPages(memoryPages());
    pages.begin(INDEX, 0);
    const length = evenly.length / pieces;
    for (let from = 0; from < evenly.length; from += length) {
      pages.append(evenly.slice(from, from + length));
    }
    pages.begin(INDEX + 1, 0);
    assert.deepEqual(pages.chunks[0]?.fixes.map(fields), evenly.map(fields));
    return pages.chunks[0]?.size ?? NaN;
  };
  for (const pieces of [18, 36, 180]) assert.equal(sized(pieces), sized(1), `${pieces} pieces`);
});
