import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { recorded, bodyOf } from './webhook-recording.ts';
import { replayPlan, type Injection } from './webhook-replay-plan.ts';

const share = fc.constantFrom(0, 0.1, 0.5, 1);
const injection: fc.Arbitrary<Injection> = fc.record({
  seed: fc.nat(),
  duplicates: share,
  replays: share,
  corrupt: share,
  skewed: share,
  skewS: fc.constantFrom(0, 299, 301),
  toleranceS: fc.constant(300),
  reorder: fc.nat({ max: 5 }),
  delayMs: fc.nat({ max: 100 }),
});

const request = fc
  .tuple(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(null, 200, 422))
  .map(([bytes, status]) =>
    recorded({ at: new Date(0), url: '/w', headers: {}, body: Buffer.from(bytes) }, status),
  );

test('a recording holds the bytes, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const body = Buffer.from(bytes);
      const written = recorded({ at: new Date(0), url: '/w', headers: {}, body }, null);
      const line = JSON.stringify(written);
      assert.doesNotMatch(line, /\n/);
      assert.deepEqual(bodyOf(JSON.parse(line) as typeof written), body);
    }),
  );
});

test('credentials, path secrets and queries are not recorded', () => {
  const { path, headers } = recorded(
    {
      at: new Date(0),
      url: '/webhooks/telematics/bay-cabs/gps/geheim?token=geheim',
      headers: {
        authorization: 'Bearer geheim',
        cookie: 'geheim',
        'x-signature': 't=1,s=sha256=geheim',
        'webhook-signature': 'v1,geheim',
        'content-type': 'application/json',
        host: 'example',
      },
      body: Buffer.from('{}'),
    },
    200,
  );
  assert.equal(path, '/webhooks/telematics/bay-cabs/gps');
  assert.deepEqual(headers, { 'content-type': 'application/json' });
});

test('the plan sends everything, is the same for the same seed, and moves nothing too far', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), injection, (recording, how) => {
      const plan = replayPlan(recording, 'run', how);
      assert.deepEqual(replayPlan(recording, 'run', how), plan);
      const firsts = plan.filter(({ kind }) => kind !== 'duplicate' && kind !== 'replayed');
      assert.deepEqual(
        firsts.map(({ index }) => index).toSorted((a, b) => a - b),
        recording.map((_, index) => index),
      );
      for (const [place, { index }] of firsts.entries()) {
        assert.ok(Math.abs(place - index) <= how.reorder, `${index} stands at ${place}`);
      }
      for (const step of plan) {
        assert.ok(step.pauseMs <= how.delayMs);
        const same = step.sentBody === undefined || step.sentBody.equals(step.body);
        assert.equal(same, step.kind !== 'corrupt');
        const follows = step.kind === 'duplicate' || step.kind === 'replayed';
        assert.ok(
          !follows || plan.indexOf(step) > firsts.findIndex((first) => first.index === step.index),
        );
      }
    }),
  );
});

test('a share of 1 touches all that it can, 0 none', () => {
  const all = Array.from({ length: 50 }, (_, i) =>
    recorded({ at: new Date(0), url: '/w', headers: {}, body: Buffer.from(`${i}`) }, 200),
  );
  const none: Injection = {
    ...{ seed: 1, duplicates: 0, replays: 0, corrupt: 0, skewed: 0 },
    ...{ skewS: 400, toleranceS: 300, reorder: 0, delayMs: 0 },
  };
  const kinds = (how: Partial<Injection>): Set<string> =>
    new Set(replayPlan(all, 'run', { ...none, ...how }).map(({ kind }) => kind));
  assert.deepEqual(kinds({}), new Set(['plain']));
  assert.deepEqual(kinds({ corrupt: 1 }), new Set(['corrupt']));
  assert.deepEqual(kinds({ skewed: 1 }), new Set(['skewed']));
  assert.deepEqual(
    kinds({ duplicates: 1, replays: 1 }),
    new Set(['plain', 'duplicate', 'replayed']),
  );
  assert.equal(replayPlan(all, 'run', { ...none, duplicates: 1 }).length, 100);
  assert.equal(
    replayPlan(all, 'run', { ...none, corrupt: 0.5 }).some((s) => s.kind === 'plain'),
    true,
  );
});
