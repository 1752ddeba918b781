import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProposalChanged } from '@waybill/contracts';
import { rules, track } from '../testing/fixes.ts';
import type { PublishedFacts } from './archive.ts';
import { acceptedOf, byBusinessDate, proposalOf } from './proposal.ts';
import { recompute, type Difference } from './recompute.ts';
import type { Announcement } from './rule.ts';
import { RULES } from './rule-list.ts';
import { settle } from './settle.ts';
import { newUnit } from './unit.ts';

const MINUTE = 60_000;
const ZONE = 'America/Los_Angeles';
const given = rules();

/** Minutes 10 to 14 and 30 to 34 are trips: four steps of 222 m each. */
const TWO = track([
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6, 8, 8, 8, 8, 8, 8, 8],
  ...[8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 10, 12, 14, 16, 16, 16, 16, 16, 16, 16],
]);

/** What is published when only the fixes of these minutes are known. */
function publishedOf(known: (minute: number) => boolean): PublishedFacts {
  const before = newUnit('bay-cabs', 'wialon:7001');
  for (const fix of TWO) if (known(fix.time / MINUTE)) before.timeline.insert(fix, given);
  const clock = 90 * MINUTE;
  settle(before, given, { arrivals: [], clock, progress: undefined, binding: undefined });
  return before.facts.map(({ published }) => published);
}

function differencesTo(published: PublishedFacts, requestedTime = 5): readonly Difference[] {
  const arrivals = TWO.map((fix) => ({ fix, receivedTime: 0, isLate: false }));
  return recompute({
    ...{ tenantId: 'bay-cabs', unit: 'wialon:7001', arrivals, published, rules: given },
    ...{ core: { from: 0, to: 60 * MINUTE }, clock: 90 * MINUTE, settledTo: 60 * MINUTE },
    requestedTime,
  }).differences;
}

const NOTHING: PublishedFacts = RULES.map(() => []);

const about: Parameters<typeof proposalOf>[0] = {
  ...{ tenant_id: 'bay-cabs', unit: 'wialon:7001', business_date: '1969-12-31', revision: 1 },
  ...{ status: 'PENDING', reason: null, from_time: 0, to_time: 1, late_fixes: 0, fixes: 41 },
  ...{ settings_version: 1, changed_time: 9 },
};

function changesOf(differences: readonly Difference[]): ProposalChanged['changes'] {
  return proposalOf(about, differences).event.changes;
}

test('a change says what will stand where, and what stood there', () => {
  const [first, second] = changesOf(differencesTo(publishedOf((minute) => minute < 34)));
  assert.equal(second, undefined);
  assert.deepEqual(
    { ...first, event_id: first?.event_id.length, entity_id: first?.entity_id.length },
    {
      ...{ entity: 'trip', change: 'UPDATE', event_id: 32, entity_id: 32 },
      ...{ from_time: 30 * MINUTE, to_time: 34 * MINUTE },
      ...{ before_from_time: 30 * MINUTE, before_to_time: 33 * MINUTE },
      detail:
        'trip updated: 1970-01-01T00:30:00Z to 1970-01-01T00:34:00Z, 0.89 km; was 1970-01-01T00:30:00Z to 1970-01-01T00:33:00Z',
    },
  );
  const [inserted] = changesOf(differencesTo(NOTHING));
  assert.deepEqual(
    [inserted?.change, inserted?.before_from_time, inserted?.before_to_time],
    ['INSERT', null, null],
  );
  assert.equal(
    inserted?.detail,
    'trip inserted: 1970-01-01T00:10:00Z to 1970-01-01T00:14:00Z, 0.89 km',
  );
});

test('changes stand in order of time, whatever the rules that they come from', () => {
  const [early, late] = differencesTo(NOTHING);
  assert.ok(early && late);
  const times = [...byBusinessDate([late, early], ZONE).values()].map((found) =>
    found.map(({ interval }) => interval.from / MINUTE),
  );
  assert.deepEqual(times, [[10, 30]]);
});

test('a difference belongs to the day that its event is booked on', () => {
  const differences = differencesTo(NOTHING);
  assert.deepEqual([...byBusinessDate(differences, ZONE).keys()], ['1969-12-31']);
  assert.deepEqual([...byBusinessDate(differences, 'UTC').keys()], ['1970-01-01']);
});

test('the id of a proposal names its content: what was compared, what will stand, not when', () => {
  const idOf = (differences: readonly Difference[], wishes = {}): string =>
    proposalOf({ ...about, ...wishes }, differences).event.proposal_id;
  const [one, two] = differencesTo(NOTHING);
  assert.ok(one && two);
  const id = idOf([one, two]);
  assert.equal(idOf(differencesTo(NOTHING, 77), { revision: 5, changed_time: 10 }), id);
  assert.notEqual(idOf([one]), id);
  assert.notEqual(idOf([one, two], { unit: 'wialon:7002' }), id);
  assert.notEqual(idOf([one, two], { business_date: '1970-01-01' }), id);
  const before = { entry: { ...one.decision.entry, revision: 3 }, interval: one.interval };
  assert.notEqual(idOf([{ ...one, before }, two]), id);
});

/** Topic, revision and cause of an event. */
function saidBy({ topic, message }: Announcement): unknown[] {
  const { revision, cause } = message.value as Record<string, unknown>;
  return [topic.name, revision, cause];
}

test('an acceptance publishes newer than all before, with a cause, and remembers what it published', () => {
  const [difference] = differencesTo(publishedOf((minute) => minute < 34));
  assert.ok(difference);
  const [version] = proposalOf(about, [difference]).versions;
  assert.ok(version);
  const known = difference.before?.entry.revision ?? NaN;
  assert.equal(version.beforeRevision, known);
  for (const judged of [known - 1, known + 50]) {
    const revision = Math.max(known + 1, judged);
    const { published, announcements } = acceptedOf(version, judged);
    const remembered = published.map((entries) => entries.map((entry) => entry.revision));
    assert.deepEqual(
      remembered,
      RULES.map(({ name }) => (name === 'trip' ? [revision] : [])),
    );
    assert.equal(published[0]?.[0]?.id, difference.decision.entry.id);
    assert.deepEqual(announcements.map(saidBy), [
      ['fleet.trip.event.v1', revision, 'recomputed'],
      ...announcements.slice(1).map(({ topic }) => [topic.name, revision, 'recomputed']),
    ]);
  }
  const late = version.announcements.map(({ topic, message }) => ({
    topic,
    message: { ...message, value: { ...(message.value as object), cause: 'late_fix' } },
  }));
  const { announcements } = acceptedOf({ ...version, announcements: late }, 1);
  assert.deepEqual(announcements.slice(0, 1).map(saidBy), [
    ['fleet.trip.event.v1', known + 1, 'accepted_late'],
  ]);
});

test('a change without an end, without a distance or withdrawn is said without them', () => {
  const [one] = differencesTo(NOTHING);
  assert.ok(one);
  const { entry, announcements } = one.decision;
  const still = announcements.map(({ topic, message }) => {
    const { distance_km: _, ...value } = message.value as Record<string, unknown>;
    return { topic, message: { ...message, value } };
  });
  const [from, to] = [10 * MINUTE, Infinity];
  const open = {
    ...one,
    interval: { from, to },
    decision: { ...one.decision, announcements: still },
  };
  const [said] = changesOf([open]);
  assert.deepEqual(
    [said?.to_time, said?.detail],
    [null, 'trip inserted: 1970-01-01T00:10:00Z to open'],
  );

  const before = { entry: { ...entry, revision: 3 }, interval: { from, to } };
  const gone = { ...one, before, decision: { ...one.decision, change: 'retracted' as const } };
  const { event, versions } = proposalOf(about, [gone]);
  assert.deepEqual(
    [
      event.changes[0]?.change,
      event.changes[0]?.before_from_time,
      event.changes[0]?.before_to_time,
    ],
    ['RETRACT', from, null],
  );
  assert.doesNotMatch(event.changes[0]?.detail ?? '', /was/);
  assert.equal(versions[0]?.beforeRevision, 3);
  const moved = { ...one, before, decision: { ...one.decision, change: 'updated' as const } };
  assert.match(changesOf([moved])[0]?.detail ?? '', /; was 1970-01-01T00:10:00Z to open$/);
});

test('a fact over midnight belongs to the day of its event', () => {
  const [one] = differencesTo(NOTHING);
  assert.ok(one);
  const since = { ...one, interval: { from: one.interval.from - 86_400_000, to: one.interval.to } };
  assert.deepEqual([...byBusinessDate([since], 'UTC').keys()], ['1970-01-01']);
});
