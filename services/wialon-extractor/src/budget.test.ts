import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBudget, type Lane } from './budget.ts';
import { createClock } from './testing/owner.ts';

const signal = new AbortController().signal;
const limits = {
  callsPerS: 10,
  messagesPer2Min: 1000,
  messagesPerHour: 10_000,
  messagesPerDay: 100_000,
};

test('calls go at the rate of the account after a burst of two seconds', async () => {
  const clock = createClock(0);
  const budget = createBudget(limits, clock);
  for (let call = 0; call < 120; call += 1) await budget.enter('live', 1, signal);
  assert.ok(clock.now() >= 9_900 && clock.now() <= 10_500, `${clock.now()} ms for 100 calls`);
});

test('a back-fill waits at half of a limit, a gap at nine tenths, live data never', async () => {
  const clock = createClock(0);
  const waited: string[] = [];
  const budget = createBudget(limits, clock, (lane, ms) => waited.push(`${lane} ${ms}`));
  const enters = async (lane: Lane): Promise<boolean> => {
    const before = clock.now();
    await budget.enter(lane, 1, signal);
    return clock.now() - before < 1000;
  };
  budget.loaded(499);
  assert.ok(await enters('backfill'));
  budget.loaded(200);
  assert.ok(await enters('gap'));
  assert.ok(await enters('dirty'));
  assert.ok(await enters('live'));
  assert.ok(!(await enters('backfill')), 'held until the window has slid on');
  assert.ok(clock.now() >= 118_000 && clock.now() <= 123_000, `${clock.now()} ms`);
  assert.match(waited.at(-1) ?? '', /^backfill \d{6}$/);
});

test('the last calls of a burst are for more urgent lanes', async () => {
  const clock = createClock(0);
  const budget = createBudget(limits, clock);
  for (let call = 0; call < 12; call += 1) await budget.enter('backfill', 1, signal);
  const held = clock.now();
  assert.ok(held > 0, 'half of the burst is left to the others');
  for (let call = 0; call < 9; call += 1) await budget.enter('live', 1, signal);
  assert.equal(clock.now(), held);
});

test('the forecast carries the newest use on to the end of the window', () => {
  const clock = createClock(0);
  const budget = createBudget(limits, clock);
  budget.loaded(100);
  const { messages_per_2_min: soon, messages_per_hour: hour } = budget.forecast();
  assert.equal(soon, 0.6, '100 in the newest 20 s are 600 in 2 min');
  assert.equal(hour, 0.06);
});
