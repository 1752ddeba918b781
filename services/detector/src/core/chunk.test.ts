import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fields, fix } from '../testing/fixes.ts';
import { Chunk, CHUNK_MS, type Insertion } from './chunk.ts';
import { fixOf, type Fix } from './fix.ts';
import { position } from '../testing/messages.ts';

const INDEX = 1_345_900;
const START_S = (INDEX * CHUNK_MS) / 1000;

const anyFix: fc.Arbitrary<Fix> = fc
  .record({
    t: fc.integer({ min: 0, max: CHUNK_MS / 1000 - 1 }).map((second) => START_S + second),
    lat: fc.double({ min: -90, max: 90, noNaN: true }),
    lon: fc.double({ min: -180, max: 180, noNaN: true }),
    lateness: fc.integer({ min: -120, max: 864_000 }),
    speed: fc.option(fc.double({ min: 0, max: 400, noNaN: true }), { nil: undefined }),
    driver: fc.option(fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/), { nil: undefined }),
    offset: fc.maxSafeNat(),
  })
  .map(({ t, lat, lon, lateness, speed, driver, offset }) => {
    const wishes = {
      ...(speed === undefined ? {} : { speed }),
      ...(driver === undefined ? {} : { driver }),
    };
    return fixOf(position({ t, lat, lon, rt: t + lateness, offset, ...wishes }));
  });

test('a saved chunk is read back to the last bit, whatever the order of insertion', () => {
  fc.assert(
    fc.property(fc.array(anyFix, { minLength: 1, maxLength: 40 }), (fixes) => {
      const chunk = new Chunk(INDEX);
      for (const each of fixes) chunk.insert(each);
      const expected = chunk.fixes.map(fields);
      const saved = chunk.save(false);
      assert.deepEqual(chunk.fixes.map(fields), expected, 'cooled and decoded again');
      const restored = new Chunk(INDEX, saved);
      assert.deepEqual(restored.fixes.map(fields), expected);
      for (const each of fixes) assert.ok(restored.knows(each), 'losers of a second are known too');
      assert.deepEqual(restored.save(true), saved);
    }),
  );
});

test('coordinates of up to seven decimals pass exactly', () => {
  const given = fix({ t: START_S, lat: 37.7515301, lon: -122.3944799 });
  const chunk = new Chunk(INDEX);
  chunk.insert(given);
  const [restored] = new Chunk(INDEX, chunk.save(false)).fixes;
  assert.equal(restored?.latitude, 37.7515301);
  assert.equal(restored?.longitude, -122.3944799);
});

test('of several fixes in one second the smallest (provider_time, event_id) counts', () => {
  const chunk = new Chunk(INDEX);
  const t = START_S + 5;
  const results: Insertion[] = [
    chunk.insert(fix({ t, lat: 1, lon: 1, rt: t + 50 })),
    chunk.insert(fix({ t, lat: 2, lon: 2, rt: t + 60 })),
    chunk.insert(fix({ t, lat: 2, lon: 2, rt: t + 70 })),
    chunk.insert(fix({ t, lat: 1, lon: 1, rt: t + 80 })),
    chunk.insert(fix({ t, lat: 1, lon: 1, rt: t + 45 })),
    chunk.insert(fix({ t, lat: 2, lon: 2, rt: t + 40 })),
    chunk.insert(fix({ t: t + 1, lat: 2, lon: 2, rt: t + 40 })),
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
    chunk.fixes.map(({ latitude, latenessMs }) => [latitude, latenessMs]),
    [
      [2, 40_000],
      [2, 39_000],
    ],
  );
});

test('a value that was handed out is never changed by what comes later', () => {
  const chunk = new Chunk(INDEX);
  chunk.append(fix({ t: START_S, lat: 1, lon: 1 }));
  const saved = chunk.save(true);
  const copy = saved.slice();
  chunk.append(fix({ t: START_S + 10, lat: 2, lon: 2 }));
  chunk.insert(fix({ t: START_S + 5, lat: 3, lon: 3 }));
  chunk.save(false);
  assert.deepEqual(saved, copy);
});
