import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Dialect, Headers, Stamp } from './dialect.ts';
import { dialects } from './dialects.ts';
import type { Key } from './key.ts';
import { sign } from './sign.ts';
import { verify, type Verdict } from './verify.ts';

const all: readonly Dialect[] = Object.values(dialects);

const t = fc.integer({ min: 0, max: 999_999_999_999 });
const id = fc.stringMatching(/^[\x21-\x2d\x2f-\x7e]{1,60}$/);
const body = fc.uint8Array({ maxLength: 400 });
/** Base64 of 24 to 64 bytes is a secret of every dialect. */
const secret = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));

function keyOf(dialect: Dialect, text: string): Key {
  const key = dialect.key(text);
  assert.ok(key);
  return key;
}

function stampOf(dialect: Dialect, seconds: number, message: string): Stamp {
  const whole: Required<Stamp> = { t: String(seconds), id: message };
  return Object.fromEntries(dialect.stamp.map((part) => [part, whole[part]]));
}

function check(
  dialect: Dialect,
  headers: Headers,
  bytes: Uint8Array,
  key: Key,
  seconds: number,
): Verdict {
  const clock = { nowMs: seconds * 1000, toleranceS: 300 };
  return verify(dialect, { headers, body: bytes }, [{ keyId: 'k', key }], clock);
}

for (const dialect of all) {
  test(`${dialect.name}: what is signed is valid, and read as it was written`, () => {
    fc.assert(
      fc.property(t, id, body, secret, (seconds, message, bytes, text) => {
        const key = keyOf(dialect, text);
        const stamp = stampOf(dialect, seconds, message);
        const headers = sign(dialect, stamp, [key], bytes);
        const reading = dialect.read(headers);
        assert.ok(reading.kind === 'read');
        assert.deepEqual(reading.stamp, stamp);
        assert.equal(check(dialect, headers, bytes, key, seconds).kind, 'valid');
      }),
    );
  });

  test(`${dialect.name}: another byte, another secret or another stamp is not`, () => {
    fc.assert(
      fc.property(t, id, body, secret, fc.nat(), (seconds, message, bytes, text, at) => {
        const key = keyOf(dialect, text);
        const headers = sign(dialect, stampOf(dialect, seconds, message), [key], bytes);
        const changed = Uint8Array.from([...bytes, 0]);
        changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ 1;
        assert.equal(check(dialect, headers, changed, key, seconds).kind, 'invalid');
        const other = keyOf(dialect, Buffer.from(`${text}other`).toString('base64').slice(0, 32));
        assert.equal(check(dialect, headers, bytes, other, seconds).kind, 'invalid');
      }),
    );
  });

  test(`${dialect.name}: whatever stands in the headers is refused, never thrown at`, () => {
    const names = [...dialect.headers, 'webhook-id', 'webhook-timestamp', 'x-samsara-timestamp'];
    const piece = fc.constantFrom('t=', ',', 's=sha256=', 'v1=', 'v1,', 'v1a,', ' ', '.', '=', '0');
    const soup = fc.array(fc.oneof(piece, fc.string(), fc.stringMatching(/^[0-9a-f]{64}$/)));
    const headers = fc.record(
      Object.fromEntries(names.map((name) => [name, soup.map((parts) => parts.join(''))])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(headers, body, secret, (values, bytes, text) => {
        const verdict = check(dialect, values, bytes, keyOf(dialect, text), 1_698_570_000);
        assert.equal(verdict.kind, 'invalid');
      }),
      { numRuns: 500 },
    );
  });
}

test('no text makes a key function throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), secret),
      fc.constantFrom('', 'whsec_', 'whsk_', 'whpk_'),
      (text, prefix) => {
        for (const dialect of all) dialect.key(`${prefix}${text}`);
      },
    ),
  );
});
