import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonMember, jsonSpans } from './index.ts';

function pieces(text: string): string[] {
  return jsonSpans(text).map((span) => text.slice(span.start, span.end));
}

test('an array falls into the very text of its elements', () => {
  assert.deepEqual(pieces(' [ 1 , "a,]b\\"" ,{"x":[1,{}]}, null,9007199254740993 ] '), [
    '1',
    '"a,]b\\""',
    '{"x":[1,{}]}',
    'null',
    '9007199254740993',
  ]);
  assert.deepEqual(pieces('[]'), []);
  assert.deepEqual(pieces('12'), []);
});

test('a member is found by its name and the last repeat counts', () => {
  const text = '{"tm": 5, "events" : [ {"d":1} ], "tm":6}';
  const span = jsonMember(text, 'tm');
  assert.equal(text.slice(span?.start, span?.end), '6');
  const events = jsonMember(text, 'events');
  assert.equal(text.slice(events?.start, events?.end), '[ {"d":1} ]');
  assert.equal(jsonMember(text, 'd'), undefined);
});

test('the pieces of any JSON array or object parse to its children, at any indentation', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      ),
      fc.constantFrom(0, 1, 3),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const parsed: unknown = JSON.parse(text);
        assert.deepEqual(
          pieces(text).map((piece): unknown => JSON.parse(piece)),
          Object.values(parsed as object),
        );
      },
    ),
  );
});
