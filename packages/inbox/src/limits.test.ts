import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DEFAULT_LIMITS, retryDelayMs } from './limits.ts';

test('retries wait 1, 2, 4, 8, 16 s, and never more than 60', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 20].map((n) =>
    retryDelayMs(n, 0, DEFAULT_LIMITS, undefined),
  );
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test('a longer wish of the far end wins, a shorter one does not', () => {
  assert.equal(retryDelayMs(1, 0, DEFAULT_LIMITS, 90_000), 90_000);
  assert.equal(retryDelayMs(3, 0, DEFAULT_LIMITS, 10), 4000);
});

test('property: jitter only lengthens, by at most 30 %, up to the cap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, r) => {
        const plain = retryDelayMs(n, 0, DEFAULT_LIMITS, undefined);
        const delay = retryDelayMs(n, r, DEFAULT_LIMITS, undefined);
        assert.ok(delay >= plain && delay <= Math.min(plain * 1.3 + 1, 60_000));
      },
    ),
  );
});
