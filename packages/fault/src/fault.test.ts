import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault, isFault, toFault } from './index.ts';

test('a fault keeps kind, code, stage and cause, and derives its category', () => {
  const cause = new Error('socket closed');
  const fault = new Fault('no answer in 5 s', {
    kind: 'transient',
    code: 'TIMEOUT',
    stage: 'deliver',
    cause,
  });
  assert.equal(fault.category, 'network');
  assert.equal(fault.cause, cause);
  assert.ok(isFault(fault));
});

test('whatever is thrown becomes a fault; the unknown is a bug', () => {
  for (const thrown of [new TypeError('x is not a function'), 'text', null, undefined, 7]) {
    const fault = toFault(thrown, 'decide');
    assert.equal(fault.kind, 'bug');
    assert.equal(fault.code, 'UNEXPECTED');
  }
  const original = new Fault('locked', { kind: 'transient', code: 'DB_BUSY', stage: 'deliver' });
  assert.equal(toFault(original, 'commit'), original);
});
