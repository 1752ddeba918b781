import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, ClaimRequest } from '../ports.ts';
import { followerClaim, planBatch } from './claim-batch.ts';

function request(key: string, body: string, signed?: string): ClaimRequest {
  return {
    requestId: `id of ${key}`,
    bodySha256: body,
    signed: signed === undefined ? undefined : { id: signed, signedTime: 1 },
    receivedTime: 0,
  };
}

test('no key is claimed twice in one statement, and keys come in the order of their ids', () => {
  const second = request('b', 'body', 's1');
  const first = request('a', 'body', 's2');
  const repeat = request('b', 'body', 's1');
  const signedAnew = request('b', 'body', 's3');
  const unsigned = request('c', 'body');
  const batch = planBatch([second, first, repeat, signedAnew, unsigned]);
  assert.deepEqual(batch.leaders, [first, second, unsigned]);
  assert.deepEqual(batch.followers, [repeat, signedAnew]);
});

test('a follower learns from its leader, and tries itself where the leader says nothing', () => {
  const leader = request('a', 'body');
  const done: Claim = { kind: 'done' };
  const cases: readonly (readonly [Claim, same: Claim | undefined, other: Claim | undefined])[] = [
    [
      { kind: 'granted', attempt: 1, receivedTime: 0, committed: Promise.resolve() },
      { kind: 'running' },
      { kind: 'other_body' },
    ],
    [{ kind: 'running' }, { kind: 'running' }, { kind: 'other_body' }],
    [done, done, { kind: 'other_body' }],
    [{ kind: 'other_body' }, { kind: 'other_body' }, undefined],
    [{ kind: 'replayed' }, undefined, undefined],
  ];
  for (const [claim, same, other] of cases) {
    assert.deepEqual(followerClaim(leader, claim, request('a', 'body')), same);
    assert.deepEqual(followerClaim(leader, claim, request('a', 'another')), other);
  }
});
