import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32c, viewOf } from './crc32c.ts';

const of = (bytes: Buffer): number => crc32c(viewOf(bytes), 0, bytes.length);

describe('crc32c', () => {
  it('has the values of the published test vectors', () => {
    // RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms.
    assert.equal(of(Buffer.from('123456789')), 0xe3069283);
    assert.equal(of(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(of(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(of(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
    assert.equal(of(Buffer.alloc(0)), 0);
  });

  it('is the same at every start and length', () => {
    const bytes = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz'.repeat(3));
    for (let start = 0; start < 20; start += 1) {
      for (let end = start; end < bytes.length; end += 1) {
        const copy = Buffer.from(bytes.subarray(start, end));
        assert.equal(crc32c(viewOf(bytes), start, end), of(copy));
      }
    }
  });
});
