import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './testing/judge.ts';
import { simulate } from './testing/simulation.ts';

/** `SEED=<number>` takes another one. */
const SEED = Number(process.env['SEED'] ?? 20_250_106);
const HOURS = 200;
const TIMES = 24;
/** The last late message comes after 9 days, the last proof of its day after 10. */
const DRAIN_HOURS = 12 * 24;

/** About 5 minutes of a core. */
test(
  '200 hours, 500 units, every kind of fault 20 times: what was extracted is what the provider has',
  { timeout: 5_400_000 },
  async (t) => {
    const simulated = await simulate({
      seed: SEED,
      hours: HOURS,
      drainHours: DRAIN_HOURS,
      fleet: {
        units: 500,
        every_s: 1800,
        history_s: 3600,
        stop_s: HOURS * 3600,
        late_share: 0.02,
        silent_share: 0.5,
        repeat_share: 0.01,
      },
      faults: TIMES,
      pollIntervalMs: 60_000,
      lookbackHours: 2,
      onHour: (hour) => {
        if (hour % 25 === 0) console.error(`${hour} of ${HOURS + DRAIN_HOURS} h`);
      },
    });
    t.after(simulated.stop);
    const judged = judge(simulated);
    t.diagnostic(JSON.stringify({ seed: SEED, ...judged }));
    const rare = [...simulated.ordered].filter((kind) => (judged.faults[kind] ?? 0) < 20);
    assert.deepEqual(rare, [], 'kinds of faults that came less than 20 times');
    assert.ok(simulated.ordered.size >= 40, 'kinds of faults');
    assert.ok(judged.units >= 500, `${judged.units} units`);
    assert.ok(judged.late >= 0.019 * judged.messages && judged.silent > 100);
  },
);

test(
  'messages that no poll shows, up to 9 days late, are in after the proofs',
  { timeout: 900_000 },
  async (t) => {
    const simulated = await simulate({
      seed: SEED,
      hours: 30,
      drainHours: DRAIN_HOURS,
      fleet: {
        units: 10,
        every_s: 300,
        stop_s: 30 * 3600,
        late_share: 0.04,
        silent_share: 0.5,
      },
      faults: [],
      pollIntervalMs: 60_000,
    });
    t.after(simulated.stop);
    const judged = judge(simulated);
    t.diagnostic(JSON.stringify({ seed: SEED, ...judged }));
    assert.ok(judged.silent > 50);
  },
);
