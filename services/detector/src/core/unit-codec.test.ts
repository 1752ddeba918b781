import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix, plain, rules, track } from '../testing/fixes.ts';
import { position } from '../testing/messages.ts';
import { Bucket } from './beyond-grace.ts';
import { fixOf } from './fix.ts';
import { sameState } from './fold.ts';
import { memoryPages, type UnitPages } from './pages.ts';
import { settle, trim } from './settle.ts';
import type { Run } from './trip-fold.ts';
import type { Facts } from './facts.ts';
import { newUnit, type Unit } from './unit.ts';
import { decodeUnit, encodeHead, type PartName } from './unit-codec.ts';
import type { Presence } from './visit-fold.ts';
import type { Area } from './zone-shape.ts';

const zones: Area[] = ['a', 'b', 'c'].map((zoneId, i) => ({
  zoneId,
  shape: 'CIRCLE',
  widthM: 300,
  points: [{ latitude: 0.002 * i, longitude: 0 }],
  validFrom: -Infinity,
  validTo: Infinity,
}));

function partsOf(unit: Unit): Map<PartName, Uint8Array> {
  const parts = new Map<PartName, Uint8Array>([['', encodeHead(unit)]]);
  for (const index of unit.seen.indexes) {
    parts.set(`#s/${index}`, unit.seen.block(index) ?? new Uint8Array(0));
  }
  for (const bucket of unit.buckets.values()) parts.set(`#b/${bucket.date}`, bucket.save());
  return parts;
}

/** A unit with everything: an open run with a pending stretch, presences, publications, a bucket. */
function richUnit(pages: UnitPages, beforeTrim?: (unit: Unit) => void): Unit {
  const unit = newUnit('bay-cabs', 'wialon:7001', pages);
  const given = rules(zones, { graceMs: 900_000 });
  const lats = [-9, -9, -7, -5, -3, -1, 0, 0, 0, 0, 0, 0, 2, 4, 4.01, 4.02, 4.02, 6, 8, 10];
  for (const each of track(lats, { driver: 'D-1', speed: 12.5 })) unit.timeline.insert(each, given);
  unit.timeline.insert(fix({ t: 23 * 60, lat: 0.012, lon: 0 }), given);
  const late = new Bucket('1970-01-01');
  const record = position({ t: 60, lat: 1, lon: 1, rt: 99_999 });
  late.add(record.event_id, fixOf(record));
  unit.buckets.set(late.date, late);
  (unit.facts[0] as Facts).refused = [5000];
  const occasion = { arrivals: [], clock: undefined, progress: undefined, binding: undefined };
  settle(unit, given, occasion);
  beforeTrim?.(unit);
  trim(unit, given, 900_000 + 900_000 + given.marginMs);
  return unit;
}

test('a unit is what its parts say', () => {
  const pages = memoryPages();
  const unit = richUnit(pages);
  unit.timeline.flush();
  const { base } = unit.timeline;
  const [run, presences] = base.states as [Run, readonly Presence[]];
  assert.ok(run.toEnd !== run.toLast, 'a pending stretch is in the base');
  assert.ok(presences.length > 0 && unit.seen.indexes.length > 0);
  assert.ok(unit.facts.some(({ published }) => published.length > 0));
  const parts = partsOf(unit);
  const part = (name: PartName): Uint8Array | undefined => parts.get(name);
  const { unit: restored, named } = decodeUnit('bay-cabs', 'wialon:7001', { pages, part });
  assert.deepEqual(
    named.map(({ index }) => index),
    unit.timeline.chunks.map(({ index }) => index),
  );
  assert.deepEqual(plain(restored.timeline.base), plain(base));
  assert.equal(restored.timeline.trimmedTo, unit.timeline.trimmedTo);
  const given = rules(zones, { graceMs: 900_000 });
  restored.timeline.fold(given);
  assert.ok(sameState(restored.timeline.head, unit.timeline.head));
  const published = ({ facts }: Unit): unknown =>
    facts.map(({ published: entries, refused }) => ({
      refused,
      entries: entries.map((entry) => ({
        ...entry,
        cut: { ...(entry.cut as object), closing: undefined },
      })),
    }));
  assert.deepEqual(plain(published(restored)), plain(published(unit)));
  assert.deepEqual(partsOf(restored), parts);
});

test('pages that are older than the head give up what is folded into its base', () => {
  const snapshot = memoryPages();
  const unit = richUnit(memoryPages());
  const older = memoryPages();
  richUnit(older, ({ timeline }) => {
    timeline.flush();
    for (const name of ['sealed', 'open', 'checkpoints'] as const) {
      snapshot[name].set(older[name].read(0, older[name].length()));
    }
  });
  const parts = partsOf(unit);
  const part = (name: PartName): Uint8Array | undefined => parts.get(name);
  const restored = decodeUnit('bay-cabs', 'wialon:7001', { pages: snapshot, part }).unit;
  assert.deepEqual(
    restored.timeline.chunks.map(({ index, count }) => [index, count]),
    unit.timeline.chunks.map(({ index, count }) => [index, count]),
  );
  assert.equal(restored.timeline.count, unit.timeline.count);
  const given = rules(zones, { graceMs: 900_000 });
  unit.timeline.fold(given);
  restored.timeline.fold(given);
  assert.ok(sameState(restored.timeline.head, unit.timeline.head));
});

test('a missing or cut part is refused', () => {
  const parts = partsOf(richUnit(memoryPages()));
  for (const [name, bytes] of parts) {
    for (const broken of [undefined, bytes.subarray(0, bytes.length - 3)]) {
      if (name.startsWith('#s/') && broken !== undefined) continue;
      const read = (part: PartName): Uint8Array | undefined =>
        part === name ? broken : parts.get(part);
      assert.throws(
        () => decodeUnit('bay-cabs', 'wialon:7001', { pages: memoryPages(), part: read }),
        RangeError,
        name,
      );
    }
  }
});
