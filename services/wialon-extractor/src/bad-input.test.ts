import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageFetched } from '@waybill/contracts';
import { assertNothingLost, bench, MESSAGES, nowS, START_MS } from './testing/bench.ts';
import { assertProgressIsTrue, committed, untilTurn } from './testing/owner.ts';

const T = START_MS / 1000 - 50;

/** Messages as a device or provider might send them, as text: some are no value that JSON.stringify would write. */
const messages: Readonly<Record<string, string>> = {
  'a time of the wrong type': `{"t":"${T}","tp":"ud","pos":null,"p":{}}`,
  'a position of the wrong type': `{"t":${T},"tp":"ud","pos":"here","p":{}}`,
  'parameters of the wrong type': `{"t":${T},"tp":"ud","pos":null,"p":[1,"x"]}`,
  'nothing at all': 'null',
  'a number in place of a message': '17',
  'a list in place of a message': '[[]]',
  'no time': '{"tp":"ud","pos":{"y":52,"x":21}}',
  'no fields': '{}',
  'half a position': `{"t":${T},"tp":"ud","pos":{"y":52.1}}`,
  'unknown flags': `{"t":${T},"f":18446744073709551615,"tp":"ud","pos":{"y":52,"x":21}}`,
  'an unknown type': `{"t":${T},"tp":"zz","pos":{"y":52,"x":21}}`,
  'absurd coordinates': `{"t":${T},"tp":"ud","pos":{"y":1e308,"x":-999}}`,
  'a time in the future': '{"t":4294967295,"tp":"ud","pos":{"y":52,"x":21}}',
  'a time before all': '{"t":-1,"tp":"ud","pos":{"y":52,"x":21}}',
  'a time beyond all': '{"t":1e300,"tp":"ud","pos":{"y":52,"x":21}}',
  'a registration in the future': `{"t":${T},"rt":4294967295,"tp":"ud","pos":{"y":52,"x":21}}`,
  'a name that objects have': `{"t":${T},"__proto__":{"t":1},"constructor":null,"tp":"ud"}`,
  'one key twice': `{"t":${T},"t":1,"tp":"ud","pos":{"y":52,"x":21}}`,
};

/** Whole answers of the feed. */
const polls: Readonly<Record<string, string>> = {
  'events of the wrong type': `{"tm":${T},"events":{}}`,
  'no events': `{"tm":${T}}`,
  'no clock': '{"events":[{"i":7001,"t":"m","d":{"t":1}}]}',
  'a clock of the wrong type': '{"tm":"now","events":[{"i":7001,"t":"m","d":{"t":1}}]}',
  'a clock in the future': '{"tm":4294967295,"events":[{"i":7001,"t":"m","d":{"t":1}}]}',
  'an event that is none': `{"tm":${T},"events":[null,7,"x",[]]}`,
  'an event without its message': `{"tm":${T},"events":[{"i":7001,"t":"m"}]}`,
  'a unit that is no number': `{"tm":${T},"events":[{"i":"7001","t":"m","d":{"t":${T}}}]}`,
  'an unknown unit': `{"tm":${T},"events":[{"i":999999,"t":"m","d":{"t":${T}}}]}`,
  'an unknown kind of event': `{"tm":${T},"events":[{"i":7001,"t":"q","d":{}}]}`,
  HTML: '<html>maintenance</html>',
};

/** What the provider has of the unit that is read first, with one message more. */
const asPage = (message: string): string =>
  `[${[300, 200, 100].map((age) => `{"t":${START_MS / 1000 - age}}`).join(',')},${message}]`;
const asEvent = (message: string): string =>
  `{"tm":${T},"events":[{"i":7001,"t":"m","d":${message}}]}`;

/** Whole answers to calls that read intervals. */
const intervals: readonly (readonly [title: string, service: string, text: string])[] = [
  ['a page of HTML', 'messages/get_messages', '<html></html>'],
  ['a page that is no list', 'messages/get_messages', '{"0":{}}'],
  ['a count below zero', 'messages/load_interval', '{"count":-1,"messages":[]}'],
  ['a count of the wrong type', 'messages/load_interval', '{"count":"many","messages":[]}'],
  ['a count without end', 'messages/load_interval', '{"count":1e400,"messages":[]}'],
  ['a listing without items', 'core/search_items', '{"totalItemsCount":2}'],
  ['items that are none', 'core/search_items', '{"totalItemsCount":2,"items":[null,{"id":"x"}]}'],
];

const answers = [
  ...Object.entries(messages).flatMap(([title, text]) => [
    [`feed: ${title}`, 'avl_evts', asEvent(text)] as const,
    [`interval: ${title}`, 'messages/get_messages', asPage(text)] as const,
  ]),
  ...Object.entries(polls).map(([title, text]) => [`feed: ${title}`, 'avl_evts', text] as const),
  ...intervals,
];

for (const [title, service, text] of answers) {
  test(`${title}: its bytes are kept, and the account goes on`, async (t) => {
    const b = await bench(t, { wants: MESSAGES, pageMessages: 1000 });
    const isPage = text.startsWith('[');
    let isCounted = !isPage;
    let isSent = false;
    b.provider.intercept = (call) => {
      if (!isCounted && call.service === 'messages/load_interval') {
        isCounted = true;
        return { status: 200, text: '{"count":4,"messages":[]}' };
      }
      const isIt = !isSent && call.service === service;
      isSent ||= isIt;
      return isIt ? { status: 200, text } : undefined;
    };
    b.start();
    await untilTurn('the answer', () => isSent);
    const kept = (): PageFetched | undefined =>
      committed<PageFetched>(b.owner.log, 'PageFetched').find(
        ({ call, body }) => call === service && body.toString() === text,
      );
    await untilTurn('its page', () => kept() !== undefined);
    b.register(7001, nowS(b.clock));
    await b.live();
    await b.live();
    assertNothingLost(b);
    assertProgressIsTrue(b.owner.log, b.registered);
  });
}

test('a page that is empty though messages were counted is kept, and loaded again', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  let left = 2;
  b.provider.intercept = ({ service }) => {
    if (service !== 'messages/get_messages' || left === 0) return undefined;
    left -= 1;
    return { status: 200, text: '[]' };
  };
  b.start();
  await b.live();
  assertNothingLost(b);
  const [page] = committed<PageFetched>(b.owner.log, 'PageFetched').filter(
    ({ unusable_reason: reason }) => reason !== null,
  );
  assert.equal(page?.body.toString(), '[]');
  assert.match(page?.unusable_reason ?? '', /expected messages 0 to 1 of 3/);
});

test('an answer of no bytes leaves nothing to keep, and is logged and repeated', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  const left = new Set(['avl_evts', 'messages/get_messages', 'core/search_items']);
  b.provider.intercept = ({ service }) =>
    left.delete(service) ? { status: 200, text: '' } : undefined;
  b.start();
  await untilTurn('all of them', () => left.size === 0);
  await b.live();
  assertNothingLost(b);
  assert.equal(b.lines.filter((line) => line.includes('found 0 bytes')).length, 3);
});
