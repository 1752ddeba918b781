import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { shortMac } from './hmac-sha256.ts';

const LONGEST = 8 * 1024;

test('the MAC is that of createHmac, for keys and messages of any length around the block', () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const prefix = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  const body = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(key, prefix, body, (secret, before, bytes) => {
      const expected = createHmac('sha256', secret).update(before, 'latin1').update(bytes).digest();
      assert.deepEqual(shortMac(secret).of(before, bytes), expected);
    }),
  );
});

test('the longest message is taken, one byte more is not', () => {
  const mac = shortMac(Buffer.from('geheim'));
  const body = Buffer.alloc(LONGEST - 2, 'x');
  const expected = createHmac('sha256', 'geheim').update('1.').update(body).digest();
  assert.deepEqual(mac.of('1.', body), expected);
  assert.equal(mac.of('12.', body), undefined);
});

test('a MAC that was handed out is not overwritten by the next', () => {
  const mac = shortMac(Buffer.from('geheim'));
  const first = mac.of('1.', Buffer.from('a'));
  const copy = Buffer.from(first ?? []);
  mac.of('2.', Buffer.from('b'));
  assert.deepEqual(first, copy);
});
