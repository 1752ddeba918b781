import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { dialectNames, dialects, isDialectName } from './dialects.ts';
import { makeVectors, type Vector } from './testing/vectors.ts';
import { verify, type KeyedKey } from './verify.ts';

const file = new URL('../testdata/signature-vectors.json', import.meta.url);
const made = { description: 'see packages/signatures/README.md', vectors: makeVectors() };
if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] };

function outcome(vector: Vector): Vector['expected'] {
  assert.ok(isDialectName(vector.dialect));
  const dialect = dialects[vector.dialect];
  const keys = Object.entries(vector.secrets).flatMap(([keyId, secret]): KeyedKey[] => {
    const key = dialect.key(secret);
    return key === undefined ? [] : [{ keyId, key }];
  });
  const { headers, body, now, tolerance_s: toleranceS } = vector;
  const request = { headers, body: Buffer.from(body, 'utf8') };
  const verdict = verify(dialect, request, keys, { nowMs: now * 1000 + 999, toleranceS });
  return verdict.kind === 'valid' ? { key_id: verdict.keyId } : { refused: verdict.reason };
}

test('the file holds what the independent generator makes', () => {
  assert.deepEqual(vectors, JSON.parse(JSON.stringify(made.vectors)));
  assert.deepEqual(new Set(vectors.map((vector) => vector.dialect)), new Set(dialectNames));
  assert.equal(new Set(vectors.map((vector) => vector.name)).size, vectors.length);
});

test('every published example is among the vectors, unchanged', () => {
  const published = vectors.filter((vector) => vector.published !== undefined);
  assert.deepEqual(
    published.map(({ dialect, body, headers }) => [dialect, body, Object.values(headers).at(-1)]),
    [
      [
        'standard-webhooks',
        '{"test": 2432232314}',
        'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      ],
      [
        'standard-webhooks',
        '{"test": 2432232314}',
        'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==',
      ],
      [
        'github',
        'Hello, World!',
        'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      ],
      ['motive', '["fault_code_closed"]', 'f04a8386a21a6cba0447024e83b3f0983352bb72'],
    ],
  );
});

for (const vector of vectors) {
  test(vector.name, () => assert.deepEqual(outcome(vector), vector.expected));
}
