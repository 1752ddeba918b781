import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIdempotencyKey } from './idempotency-key.ts';

test('quoted and bare are the same key', () => {
  assert.deepEqual(parseIdempotencyKey('"8e03978e"'), { kind: 'key', key: '8e03978e' });
  assert.deepEqual(parseIdempotencyKey(' 8e03978e '), { kind: 'key', key: '8e03978e' });
});

test('one pair of quotes is taken off, not more', () => {
  assert.deepEqual(parseIdempotencyKey('""a""'), { kind: 'key', key: '"a"' });
  assert.deepEqual(parseIdempotencyKey('"'), { kind: 'key', key: '"' });
});

test('a missing key and an impossible key are told apart', () => {
  for (const header of [undefined, '', '  ']) {
    assert.deepEqual(parseIdempotencyKey(header), {
      kind: 'refused',
      code: 'IDEMPOTENCY_KEY_MISSING',
    });
  }
  for (const header of ['""', 'k'.repeat(256), 'schlüssel', 'a\tb']) {
    assert.deepEqual(parseIdempotencyKey(header), {
      kind: 'refused',
      code: 'IDEMPOTENCY_KEY_INVALID',
    });
  }
});
