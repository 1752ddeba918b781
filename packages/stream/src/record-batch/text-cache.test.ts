import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { TextCache } from './text-cache.ts';

describe('TextCache', () => {
  it('gives the text of the bytes, whatever was read before', () => {
    const cache = new TextCache();
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.string().map((text) => Buffer.from(text)),
      fc.string({ unit: 'binary', maxLength: 80 }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(bytes), (list) => {
        for (const input of [...list, ...list]) {
          const framed = Buffer.concat([Buffer.from('<'), input, Buffer.from('>')]);
          assert.equal(cache.read(framed, 1, input.length), Buffer.from(input).toString());
        }
      }),
    );
  });

  it('takes a missing key as the empty text', () => {
    assert.equal(new TextCache().read(Buffer.from('abc'), 1, -1), '');
  });
});
