import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

const hex = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => !/^0+$/.test(text));

test('a sampled context survives formatting and parsing', () => {
  fc.assert(
    fc.property(hex(32), hex(16), (traceId, spanId) => {
      const text = formatTraceparent({ traceId, spanId, traceFlags: 1 });
      assert.ok(text !== undefined);
      assert.deepEqual(parseTraceparent(text), { traceId, spanId, traceFlags: 1, isRemote: true });
    }),
  );
});

test('an unsampled context has no traceparent, and text of another form has no context', () => {
  const traceId = 'a'.repeat(32);
  const spanId = 'b'.repeat(16);
  assert.equal(formatTraceparent({ traceId, spanId, traceFlags: 0 }), undefined);
  for (const text of [
    '',
    `01-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-01 `,
  ]) {
    assert.equal(parseTraceparent(text), undefined, text);
  }
});
