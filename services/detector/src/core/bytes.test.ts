import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ByteReader, ByteWriter, wordOf } from './bytes.ts';

test('what is written is read back, and a writer starts over', () => {
  const writer = new ByteWriter();
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 2000 }), { maxLength: 5 }),
      fc.option(fc.double({ noNaN: true }), { nil: undefined }),
      fc.stringMatching(/^[0-9a-f]{32}$/),
      fc.integer(),
      (texts, number, id, whole) => {
        writer.list(texts, (text) => writer.text(text));
        writer.optional(number, (value) => writer.f64(value));
        writer.real(number ?? 0);
        writer.real(whole / 100);
        writer.real(whole / 1024);
        writer.id(id);
        writer.i32(whole);
        const reader = new ByteReader(writer.finish());
        assert.deepEqual(
          reader.list(() => reader.text()),
          texts,
        );
        assert.deepEqual(
          reader.optional(() => reader.f64()),
          number,
        );
        assert.ok(Object.is(reader.real(), number ?? 0));
        assert.equal(reader.real(), whole / 100);
        assert.equal(reader.real(), whole / 1024);
        assert.equal(reader.id(), id);
        assert.equal(reader.i32(), whole);
      },
    ),
  );
});

test('eight hex digits are a word', () => {
  assert.equal(wordOf('ffffffff00000000', 0), 0xffff_ffff);
  assert.equal(wordOf('0000000080a1b2c3', 8), 0x80a1_b2c3);
});

test('a value that ends early is refused', () => {
  const writer = new ByteWriter();
  writer.text('whole');
  const bytes = writer.finish();
  assert.throws(() => new ByteReader(bytes.subarray(0, 5)).text(), RangeError);
});
