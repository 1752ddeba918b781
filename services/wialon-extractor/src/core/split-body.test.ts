import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PART_BYTES, splitBody } from './split-body.ts';

const FEED = { member: 'events', repeated: 'tm' };

test('an answer within the limit is untouched', () => {
  const body = Buffer.from('{ "tm": 5, "events":[ ] ,"sensors":[]}');
  assert.equal(splitBody(body, FEED, 0)[0]?.body, body);
});

test('parts repeat the provider’s clock and keep the very text of their elements', () => {
  const body = Buffer.from('{"tm":1760000005, "events":[{"i":1 ,"d":9007199254740993}, {"i":2}]}');
  const parts = splitBody(body, FEED, 2, 50).map((part) => part.body.toString());
  assert.deepEqual(parts, [
    '{"tm":1760000005,"events":[{"i":1 ,"d":9007199254740993}]}',
    '{"tm":1760000005,"events":[{"i":2}]}',
  ]);
});

test('parts together are the whole, in order, and none is larger than the limit unless one element is', () => {
  const element = fc.oneof(
    fc.record({ i: fc.nat(), s: fc.string({ unit: 'grapheme', maxLength: 40 }) }),
    fc.constant(null),
    fc.integer(),
  );
  fc.assert(
    fc.property(
      fc.array(element, { maxLength: 40 }),
      fc.boolean(),
      fc.integer({ min: 40, max: 400 }),
      fc.constantFrom(0, 2),
      (elements, isFeed, limit, indent) => {
        const whole = isFeed ? { tm: 7, events: elements, sensors: [] } : elements;
        const body = Buffer.from(JSON.stringify(whole, null, indent));
        const shape = isFeed ? FEED : { member: null };
        const parts = splitBody(body, shape, elements.length, limit);
        let next = 0;
        const collected = parts.flatMap((part) => {
          const parsed = JSON.parse(part.body.toString()) as { tm: number; events: unknown[] };
          const own: unknown[] = isFeed ? parsed.events : (parsed as unknown as unknown[]);
          if (isFeed) assert.equal(parsed.tm, 7);
          assert.equal(part.firstIndex, next);
          assert.equal(part.count, own.length);
          next += own.length;
          assert.ok(part.body.length <= limit || own.length <= 1 || parts.length === 1);
          return own;
        });
        assert.deepEqual(collected, JSON.parse(JSON.stringify(elements)));
      },
    ),
  );
});

test('a large answer falls into parts of half a mebibyte', () => {
  const messages = Array.from({ length: 6000 }, (_value, index) => ({
    t: index,
    pos: { y: 52.123456, x: 21.123456 },
    p: { text: 'x'.repeat(150) },
  }));
  const parts = splitBody(Buffer.from(JSON.stringify(messages)), { member: null }, messages.length);
  assert.ok(parts.length >= 3);
  assert.ok(parts.every((part) => part.body.length <= PART_BYTES));
});
