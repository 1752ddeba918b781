import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PositionRecorded, ProposalChanged, RangeReread } from '@waybill/contracts';
import { ARCHIVE_DAYS, type PublishedFacts } from './core/archive.ts';
import { RULES } from './core/rule-list.ts';
import { settle } from './core/settle.ts';
import { newUnit } from './core/unit.ts';
import { openLateStore, type LateStore, type LateUnit } from './late-store.ts';
import { fix, rules } from './testing/fixes.ts';
import { position, signal } from './testing/messages.ts';

const DAY_S = 86_400;
const DAY = 86_400_000;
const MOST_FIXES = 3000;

/** A store, and the same opened again from what was written. */
function opened(): { readonly late: LateStore; readonly of: LateUnit; again: () => LateUnit } {
  const entries = new Map<string, Uint8Array>();
  const store = {
    get: (key: string) => entries.get(key),
    put: (key: string, value: Uint8Array) => void entries.set(key, value),
    delete: (key: string) => void entries.delete(key),
    entries: () => entries.entries(),
  };
  const late = openLateStore(store);
  const again = (): LateUnit => openLateStore(store).of('bay-cabs', 'wialon:7001');
  return { late, of: late.of('bay-cabs', 'wialon:7001'), again };
}

function at(t: number, wishes: { lat?: number; rt?: number } = {}): PositionRecorded {
  return position({ t, lat: 37.7, lon: -122.4, ...wishes });
}

/** What was published of a trip of five minutes that began on that day, twelve minutes before its end. */
function tripOf(day: number, latitudes = [0, 2, 4, 6, 8, 10]): PublishedFacts {
  const unit = newUnit('bay-cabs', 'wialon:7001');
  const start = (day + 1) * DAY_S - 720;
  for (const [i, lat] of latitudes.entries()) {
    unit.timeline.insert(fix({ t: start + i * 60, lat: lat / 1000, lon: 0.0001 }), rules());
  }
  const clock = (day + 2) * DAY;
  settle(unit, rules(), { arrivals: [], clock, progress: undefined, binding: undefined });
  return unit.facts.map(({ published }) => published);
}

const marker: RangeReread = {
  ...{ tenant_id: 'bay-cabs', unit: 'wialon:7001', request_id: 'e'.repeat(32) },
  ...{ from_time: 0, to_time: 1, preview: false, complete: true, reason: null, received_time: 5 },
};

test('re-read positions come back in their range, once each, over a restart', () => {
  const { late, of, again } = opened();
  for (const t of [1800, 0, 899, 900, 0]) assert.equal(late.collect(of, at(t)), true);
  late.flush();
  late.collect(of, at(899));
  late.collect(of, at(899, { rt: 5000 }));
  late.flush();
  const times = (from: number, to: number): readonly number[] =>
    late.collected(of, from * 1000, to * 1000).map(({ event_time }) => event_time / 1000);
  assert.deepEqual(times(0, 2700), [0, 899, 899, 900, 1800], 'a copy registered later is another');
  assert.deepEqual(times(900, 1800), [900], 'by quarters of an hour');
  assert.deepEqual(times(2700, 9999), []);
  const blocks = [...again().blocks].toSorted(([a], [b]) => a - b);
  assert.deepEqual(blocks, [
    [0, 3],
    [1, 1],
    [2, 1],
  ]);
});

test('a quarter of an hour takes so many positions, whether they were written or not; then the range is too long', () => {
  const { late, of, again } = opened();
  for (let i = 0; i < MOST_FIXES; i += 1) {
    if (i === MOST_FIXES / 2) late.flush();
    assert.equal(late.collect(of, at(i % 900, { lat: i / 1e4 })), true);
  }
  assert.equal(of.overflowed, false);
  assert.equal(late.collect(of, at(0)), false);
  assert.equal(late.collect(of, at(900)), true, 'the next one has room');
  late.flush();
  assert.equal(again().overflowed, true);
  late.forgetCollected(of);
  assert.deepEqual([of.overflowed, again().overflowed, again().blocks.size], [false, false, 0]);
});

test('end markers wait over a restart, with when the newest position came', () => {
  const { late, of, again } = opened();
  assert.equal(again().collectedAt, -Infinity);
  late.collect(of, at(0));
  of.collectedAt = 77;
  of.markers.push(marker);
  late.flush();
  assert.deepEqual([again().collectedAt, again().markers], [77, [marker]]);
  of.markers.length = 0;
  late.putMarkers(of);
  assert.deepEqual([again().collectedAt, again().markers], [77, []], 'positions are still there');
  late.forgetCollected(of);
  assert.equal(again().collectedAt, -Infinity);
});

test('what was published is found where it reaches into a range, for ten days', () => {
  const { late, of, again } = opened();
  for (const day of [10, 12]) late.archive(of, tripOf(day), (day + 1) * DAY);
  const found = (from: number, to: number): number =>
    late.archived(of, from * DAY, to * DAY).flat().length;
  assert.deepEqual([found(10, 10.5), found(10, 12), found(12, 12)], [1, 2, 2]);
  assert.equal(found(8, 9), 0);
  assert.equal(found(20, 20), 2, 'a fact may have begun days before');
  assert.equal(found(21, 21), 1);
  late.archive(of, [], (10 + ARCHIVE_DAYS) * DAY);
  assert.equal(again().archiveDays.size, 2);
  late.archive(of, [], (11 + ARCHIVE_DAYS) * DAY);
  assert.deepEqual([...again().archiveDays], [12]);
  assert.deepEqual([...of.archiveDays], [12]);
  assert.equal(late.archived(of, 10 * DAY, 10.5 * DAY).length, RULES.length);
});

test('a newer version takes the place of an older one', () => {
  const { late, of } = opened();
  const facts = tripOf(10);
  const newer = facts.map((entries) => entries.map((entry) => ({ ...entry, revision: 99 })));
  late.archive(of, newer, undefined);
  late.archive(of, facts, undefined);
  const revisions = late.archived(of, 10 * DAY, 11 * DAY).flat();
  assert.deepEqual(
    revisions.map(({ revision }) => revision),
    [99],
  );
});

test('re-read messages without a position come back as such', () => {
  const { late, of } = opened();
  const [placed, dark] = [at(10), signal({ t: 20, signals: { ignition: true } })];
  late.collect(of, placed);
  late.collect(of, dark);
  late.flush();
  const plain = late
    .collected(of, 0, 900_000)
    .map((fix) => JSON.parse(JSON.stringify(fix)) as unknown);
  assert.deepEqual(plain, [placed, dark]);
});

test('a proposal stands by its day over a restart, until it is dropped', () => {
  const { late, of, again } = opened();
  const event: ProposalChanged = {
    ...{ tenant_id: 'bay-cabs', unit: 'wialon:7001', business_date: '2008-05-20', revision: 1 },
    ...{ proposal_id: 'f'.repeat(32), status: 'PENDING', reason: null, from_time: 0, to_time: 1 },
    ...{ late_fixes: 3, fixes: 40, settings_version: 1, changes: [], decided_by: null },
    changed_time: 9,
  };
  late.putProposal(of, { event, versions: [] });
  assert.deepEqual([...again().proposals], [['2008-05-20', { event, versions: [] }]]);
  late.dropProposal(of, '2008-05-20');
  assert.deepEqual([again().proposals.size, of.proposals.size], [0, 0]);
});
