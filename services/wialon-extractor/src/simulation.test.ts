import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './testing/judge.ts';
import { simulate } from './testing/simulation.ts';

const SEED = 20_250_106;

test('hours full of every kind of fault lose no message and double no fix (short form)', async (t) => {
  const simulated = await simulate({
    seed: SEED,
    hours: 3,
    drainHours: 1,
    fleet: {
      units: 4,
      every_s: 120,
      history_s: 1800,
      stop_s: 3 * 3600,
      late_share: 0.02,
      late_max_s: 7200,
      repeat_share: 0.01,
    },
    faults: 1,
    pollIntervalMs: 20_000,
  });
  t.after(simulated.stop);
  const judged = judge(simulated);
  t.diagnostic(JSON.stringify({ seed: SEED, ...judged }));
  assert.deepEqual(Object.keys(judged.faults), [...simulated.ordered].sort());
  assert.ok(simulated.ordered.size >= 40, 'kinds of faults');
});

test('a lost answer of the feed loses nothing, although the session goes on', async (t) => {
  const lost = ['cut', 'truncate', 'html', 'http', 'error'].map((kind, index) => ({
    at_s: 600 + index * 600,
    kind,
    svc: 'avl_evts',
    ...(kind === 'error' && { code: 6 }),
  }));
  const simulated = await simulate({
    seed: SEED,
    hours: 1,
    drainHours: 1,
    fleet: { units: 4, every_s: 10, stop_s: 3600 },
    faults: lost,
    pollIntervalMs: 20_000,
  });
  t.after(simulated.stop);
  const judged = judge(simulated);
  t.diagnostic(JSON.stringify({ seed: SEED, ...judged }));
  assert.equal(Object.keys(judged.faults).length, lost.length);
});

test('two instances that die in turn lose nothing either (short form)', async (t) => {
  const simulated = await simulate({
    seed: SEED,
    hours: 2,
    drainHours: 1,
    fleet: { units: 4, every_s: 60, stop_s: 7200, late_share: 0.02, late_max_s: 3600 },
    faults: [],
    kills: 10,
    pollIntervalMs: 20_000,
  });
  t.after(simulated.stop);
  t.diagnostic(JSON.stringify({ seed: SEED, ...judge(simulated) }));
});
