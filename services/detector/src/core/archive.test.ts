import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix, plain, rules, track } from '../testing/fixes.ts';
import {
  archiveDay,
  byDay,
  intervalOf,
  merged,
  readArchive,
  writeArchive,
  type PublishedFacts,
} from './archive.ts';
import { RULES } from './rule-list.ts';
import { settle } from './settle.ts';
import { newUnit } from './unit.ts';

const DAY = 86_400_000;

/** What was published of a trip that began at minute 10 of a day since 1970. */
function publishedOn(day: number): PublishedFacts {
  const unit = newUnit('bay-cabs', 'wialon:7001');
  const given = rules();
  const steps = [...Array<number>(11).fill(0), 2, 4, 6, 8, ...Array<number>(7).fill(8)];
  for (const { time, latitude } of track(steps)) {
    unit.timeline.insert(fix({ t: day * 86_400 + time / 1000, lat: latitude, lon: 0.0001 }), given);
  }
  const clock = (day + 1) * DAY;
  settle(unit, given, { arrivals: [], clock, progress: undefined, binding: undefined });
  return unit.facts.map(({ published }) => published);
}

function revised(facts: PublishedFacts, revision: number): PublishedFacts {
  return facts.map((entries) => entries.map((entry) => ({ ...entry, revision })));
}

function revisions(facts: PublishedFacts): readonly number[] {
  return facts.flat().map(({ revision }) => revision);
}

test('facts come back from their bytes as they were; nothing is kept of nothing', () => {
  const facts = publishedOn(3);
  assert.equal(facts.flat().length, 1);
  assert.deepEqual(plain(readArchive(writeArchive(facts))), plain(facts));
  assert.deepEqual(
    readArchive(undefined),
    RULES.map(() => []),
  );
  assert.throws(() => readArchive(writeArchive(facts).slice(0, -3)), RangeError);
});

test('of two versions of one fact the newer counts, whichever list it stands in', () => {
  const facts = publishedOn(3);
  for (const [old, added] of [
    [1, 2],
    [2, 1],
    [2, 2],
  ] as const) {
    assert.deepEqual(revisions(merged(revised(facts, old), revised(facts, added))), [2]);
  }
  assert.equal(merged(publishedOn(3), publishedOn(4)).flat().length, 2);
  assert.equal(merged([], facts).flat().length, 1);
});

test('a fact is kept under the UTC day on which it begins', () => {
  const facts = merged(publishedOn(3), publishedOn(5));
  const days = byDay(facts);
  assert.deepEqual([...days.keys()], [3, 5]);
  const [trip] = days.get(5)?.[0] ?? [];
  assert.ok(trip);
  assert.deepEqual(intervalOf(0, trip), { from: 5 * DAY + 600_000, to: 5 * DAY + 840_000 });
  assert.equal(days.get(5)?.length, RULES.length);
  assert.deepEqual([archiveDay(DAY - 1), archiveDay(DAY)], [0, 1]);
});
