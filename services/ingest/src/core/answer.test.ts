import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedAnswer, keptAnswer, refusalAnswer } from './answer.ts';

test('who is not authenticated learns the status and nothing else', () => {
  const answer = refusalAnswer({ kind: 'refused', code: 'UNAUTHENTICATED', reason: 'too_old' });
  assert.deepEqual(answer, { status: 401, headers: {}, body: '' });
});

test('a refused event is a problem with its violations', () => {
  const violations = [{ path: 'data.ts', message: 'expected x, found y' }];
  const answer = refusalAnswer({ kind: 'refused', code: 'EVENT_INVALID', violations });
  assert.equal(answer.status, 422);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.deepEqual(JSON.parse(answer.body), {
    type: 'urn:waybill:problem:event-invalid',
    title: 'The event breaks its contract',
    status: 422,
    code: 'EVENT_INVALID',
    violations,
  });
});

test('what may be repeated says when', () => {
  for (const code of ['UNAVAILABLE', 'OVERLOADED', 'REQUEST_IN_FLIGHT'] as const) {
    assert.match(refusalAnswer({ kind: 'refused', code }).headers['retry-after'] ?? '', /^[1-9]/);
  }
});

test('the kept answer is given again, marked as a repeat', () => {
  const kept = acceptedAnswer('evt_1');
  assert.equal(keptAnswer(kept, false).body, '{"accepted":"evt_1"}');
  assert.equal(keptAnswer(kept, true).body, '{"accepted":"evt_1"}');
  assert.equal(keptAnswer(kept, false).headers['idempotent-replayed'], undefined);
  assert.equal(keptAnswer(kept, true).headers['idempotent-replayed'], 'true');
});
