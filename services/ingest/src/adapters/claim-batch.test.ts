import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, ClaimRequest } from '../ports.ts';
import { followerClaim, planBatch } from './claim-batch.ts';

function request(key: string, body: string, signed?: string): ClaimRequest {
  return {
    requestId: `id of ${key}`,
    bodySha256: body,
    signed: signed === undefined ? undefined : { id: signed, endsTime: 1 },
    receivedTime: 0,
    answer: '{}',
  };
}

test('no key is claimed and no signed bytes are bound twice in one statement', () => {
  const first = request('a', 'body', 's1');
  const repeat = request('a', 'body', 's1');
  const signedAnew = request('a', 'body', 's2');
  const replay = request('b', 'body', 's1');
  const unsigned = request('c', 'body');
  const batch = planBatch([first, repeat, signedAnew, replay, unsigned]);
  assert.deepEqual(batch.leaders, [first, unsigned]);
  assert.deepEqual(batch.followers, [repeat, signedAnew]);
  assert.deepEqual(batch.signers, [first, signedAnew]);
  assert.deepEqual(batch.deferred, [replay]);
});

test('a follower learns from its leader, and tries itself where the leader says nothing', () => {
  const leader = request('a', 'body');
  const done: Claim = { kind: 'done', answer: '{}' };
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
