import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { throttle, type Policy } from './throttle.ts';
import type { Bucket } from './token-bucket.ts';

const source: Policy = {
  name: 'source',
  owner: 'bay-cabs/dispatch',
  limit: { requests_per_s: 2, burst: 3 },
};
const tenant: Policy = {
  name: 'tenant',
  owner: 'bay-cabs',
  limit: { requests_per_s: 10, burst: 4 },
};

test('a burst goes through, then one per interval, with the headers of the draft', () => {
  const buckets = new Map<string, Bucket>();
  const first = throttle(buckets, [source], 0);
  assert.deepEqual(first, {
    allowed: true,
    violated: [],
    retryAfterS: 0,
    headers: { 'ratelimit-policy': '"source";q=3;w=2', ratelimit: '"source";r=2;t=1' },
  });
  assert.equal(throttle(buckets, [source], 0).allowed, true);
  assert.equal(throttle(buckets, [source], 0).allowed, true);
  const fourth = throttle(buckets, [source], 0);
  assert.equal(fourth.allowed, false);
  assert.deepEqual(fourth.violated, ['source']);
  assert.equal(fourth.retryAfterS, 1);
  assert.equal(fourth.headers['ratelimit'], '"source";r=0;t=2');
  assert.equal(throttle(buckets, [source], 499).allowed, false);
  assert.equal(throttle(buckets, [source], 500).allowed, true);
});

test('what one limit refuses does not use up the other', () => {
  const buckets = new Map<string, Bucket>();
  for (let count = 0; count < 3; count += 1) throttle(buckets, [source, tenant], 0);
  for (let count = 0; count < 9; count += 1) {
    assert.deepEqual(throttle(buckets, [source, tenant], 0).violated, ['source']);
  }
  assert.equal(buckets.get('tenant bay-cabs')?.tokens, 1);
});

test('never more than the burst plus the rate times the time, whatever comes when', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -500, max: 2000 }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (gaps, rate, burst) => {
        const buckets = new Map<string, Bucket>();
        const policy: Policy = { ...source, limit: { requests_per_s: rate, burst } };
        let now = 0;
        let latest = 0;
        let allowed = 0;
        for (const gap of gaps) {
          now += gap;
          latest = Math.max(latest, now);
          if (throttle(buckets, [policy], now).allowed) allowed += 1;
        }
        const span = Math.max(0, latest - Math.min(0, gaps[0] ?? 0)) / 1000;
        assert.ok(allowed <= burst + span * rate + 1e-6, `${allowed} in ${span} s`);
      },
    ),
  );
});
