import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createQuarantineBudget, quarantineLimits } from './quarantine-budget.ts';

test('a source keeps 60 bodies a minute, whatever another one does', () => {
  const budget = createQuarantineBudget();
  for (let i = 0; i < quarantineLimits.bodies; i += 1) assert.ok(budget('a', 10, 1000 + i));
  assert.equal(budget('a', 10, 60_999), false);
  assert.ok(budget('b', 10, 60_999));
  assert.ok(budget('a', 10, 61_000));
});

test('no minute holds more bodies or bytes than the limits', () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 3_000_000 }), fc.nat({ max: 5000 })), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(steps, (bodies) => {
      const budget = createQuarantineBudget();
      let now = 0;
      let kept: { readonly at: number; readonly bytes: number }[] = [];
      let windowStart: number | undefined;
      for (const [bytes, pause] of bodies) {
        now += pause;
        if (windowStart === undefined || now - windowStart >= quarantineLimits.windowMs) {
          windowStart = now;
          kept = [];
        }
        if (budget('a', bytes, now)) kept.push({ at: now, bytes });
        assert.ok(kept.length <= quarantineLimits.bodies);
        assert.ok(kept.reduce((sum, { bytes: b }) => sum + b, 0) <= quarantineLimits.bytes);
      }
    }),
  );
});
