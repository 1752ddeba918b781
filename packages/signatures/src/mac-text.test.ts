import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from './mac-text.ts';

test('a signature in hexadecimal has its length and nothing but digits', () => {
  const digits = '0aF9'.repeat(16);
  assert.deepEqual(fromHex('sha256', digits)?.bytes, Buffer.from(digits, 'hex'));
  for (const wrong of ['g', '\u00e1', '\u0130', ' ', '']) {
    assert.equal(fromHex('sha256', digits.slice(1) + wrong), undefined, JSON.stringify(wrong));
    assert.equal(fromHex('sha256', wrong + digits.slice(1)), undefined, JSON.stringify(wrong));
  }
});
