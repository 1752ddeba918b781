import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assess, summaryOf, type KnownHour } from './completeness.ts';

const hour: KnownHour = {
  tenant_id: 'bay-cabs',
  hour_time: Date.parse('2008-05-20T19:00:00Z'),
  revision: 1,
  fixes: 40,
  late_fixes: 2,
  beyond_grace_fixes: 1,
  units_heard: 4,
  units_silent: 1,
  pending_proposals: 0,
  provider_messages: null,
  extracted_messages: null,
  units_without_engine: 0,
  final: true,
};

test('without an engine signal idling is not measurable, and that is said', () => {
  const cases: readonly [Partial<KnownHour>, string][] = [
    [{ units_without_engine: null }, 'NOT_WANTED'],
    [{ units_without_engine: 0 }, 'MEASURED'],
    [{ units_without_engine: 3 }, 'PARTLY_MEASURABLE'],
    [{ units_without_engine: 4 }, 'NOT_MEASURABLE'],
    [{ units_heard: 0, units_without_engine: 0 }, 'NO_UNIT_HEARD'],
  ];
  for (const [change, idle] of cases) assert.equal(assess({ ...hour, ...change }).idle, idle);
});

test('an hour is final when its counts are and no proposal is awaited', () => {
  assert.equal(assess(hour).final, true);
  assert.equal(assess({ ...hour, pending_proposals: 1 }).final, false);
  assert.equal(assess({ ...hour, final: false }).final, false);
});

test('a summary compares with the provider only hours of which both numbers are known', () => {
  assert.equal(summaryOf([]), undefined);
  const hours = [
    { ...hour, units_heard: 0, units_silent: 5, provider_messages: 10, final: false },
    { ...hour, units_without_engine: 4, provider_messages: 7, extracted_messages: 6 },
    { ...hour, pending_proposals: 2, provider_messages: 5, extracted_messages: 5 },
  ].map(assess);
  assert.deepEqual(summaryOf(hours), {
    ...{ hours: 3, final_hours: 1, fixes: 120, late_fixes: 6, beyond_grace_fixes: 3 },
    ...{ units_heard: 0, units_silent: 5, pending_proposals: 2 },
    ...{ provider_messages: 12, extracted_messages: 11 },
    ...{ idle: 'NOT_MEASURABLE', units_without_engine: 4 },
  });
  assert.equal(summaryOf([assess(hour)])?.provider_messages, null);
});
