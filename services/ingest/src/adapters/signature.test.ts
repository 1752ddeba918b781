import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSignature } from '../core/x-signature.ts';
import { matchingKey, sha256, signedSha256 } from './signature.ts';

const body = Buffer.from(
  '{"event":"trip.status.changed","id":"evt_123","data":{"trip_id":"T-9001","status":"arrived","site_id":"CUST-77","ts":"2025-10-29T14:01:00Z"}}',
);
const t = '1698570000';
const first = 'ae74c21dffaaa10c3f4f780af711a5a671db5cbe4550e7959e655c3a1986bbdf';
const second = '00897aa38fb1d52e3cafa3d54f00572f87a48ac4824edc3253bcad5e04b0a492';
const secrets = [
  { keyId: 'k1', secret: 'whk_test_secret_0123456789abcdef' },
  { keyId: 'k2', secret: 'whk_test_secret_rotated_9876543210' },
];

function match(header: string, bytes: Uint8Array = body, known = secrets): string | undefined {
  const parsed = parseSignature(header);
  assert.ok(parsed);
  return matchingKey(parsed, bytes, known);
}

test('published vectors name the secret that made them', () => {
  assert.equal(sha256(body), '8f6bc29a16ebc24b6960a99ccad7c5a1b807e50f19b56ab288a3b81631f343eb');
  assert.equal(match(`t=${t},s=sha256=${first}`), 'k1');
  assert.equal(match(`t=${t},s=sha256=${second}`), 'k2');
  assert.equal(match(`t=${t},s=sha256=${first.toUpperCase()}`), 'k1');
});

test('one good MAC among several is enough', () => {
  assert.equal(match(`t=${t},s=sha256=${'0'.repeat(64)},s=sha256=${second}`), 'k2');
});

test('another time, another body, another secret do not match', () => {
  assert.equal(match(`t=1698570001,s=sha256=${first}`), undefined);
  assert.equal(
    match(`t=${t},s=sha256=${first}`, Buffer.concat([body, Buffer.from(' ')])),
    undefined,
  );
  assert.equal(match(`t=${t},s=sha256=${first}`, body, secrets.slice(1)), undefined);
  assert.equal(match(`t=${t},s=sha256=${first}`, body, []), undefined);
});

test('the identity of signed bytes does not depend on who signed', () => {
  assert.equal(signedSha256(t, body), signedSha256(t, Buffer.from(body)));
  assert.notEqual(signedSha256(t, body), signedSha256('1698570001', body));
});
