import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageFetched } from '@waybill/contracts';
import { bodyHash, shortHash } from '@waybill/domain';
import { assertNothingLost, bench, nowS, TOKEN, type Bench } from './testing/bench.ts';
import { assertProgressIsTrue, committed, untilTurn } from './testing/owner.ts';
import type { Instead } from './testing/provider.ts';

function unusableOf({ owner }: Bench): PageFetched[] {
  return committed<PageFetched>(owner.log, 'PageFetched').filter(
    ({ unusable_reason: reason }) => reason !== null,
  );
}

/** Answers the first calls of these services otherwise; resolves when all had their answer and the account is live. */
async function disturbed(
  t: Parameters<typeof bench>[0],
  answers: Readonly<Record<string, Instead>>,
): Promise<Bench> {
  const b = await bench(t);
  const left = new Map(Object.entries(answers));
  b.provider.intercept = ({ service }) => {
    const instead = left.get(service);
    left.delete(service);
    return instead;
  };
  b.start();
  await untilTurn('all answers', () => left.size === 0);
  await b.live();
  assertNothingLost(b);
  assertProgressIsTrue(b.owner.log, b.registered);
  return b;
}

test('what comes instead of an answer is kept with its bytes, and the account goes on', async (t) => {
  const html = '<html>502 Bad Gateway</html>';
  const b = await disturbed(t, {
    'core/search_items': { status: 502, text: html },
    'core/update_data_flags': { status: 200, text: '<html>maintenance</html>' },
    avl_evts: { status: 200, text: '{"tm":1760011200,"events":[{"i":7001,"t":"m","d":{"t":17' },
    'messages/load_interval': { status: 200, text: '[]' },
    'messages/get_messages': { status: 200, text: '{"messages":[]}' },
    'resource/get_zone_data': { status: 200, text: '"none"' },
    'messages/unload': { status: 200, text: '0'.repeat(1000), isCutOff: true },
  });
  const pages = new Map(unusableOf(b).map((page) => [page.call, page]));
  assert.deepEqual(
    [...pages]
      .map(([call, page]) => [call, page.unusable_reason?.replace(`${call}: `, '')])
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    [
      ['avl_evts', 'expected JSON, found 56 bytes of something else'],
      ['core/search_items', 'expected HTTP 200, found 502'],
      ['core/update_data_flags', 'expected JSON, found 24 bytes of something else'],
      ['messages/get_messages', 'expected an array'],
      ['messages/load_interval', 'expected a count'],
      ['messages/unload', 'no complete answer (ECONNRESET)'],
      ['resource/get_zone_data', 'expected an array'],
    ],
  );
  const search = pages.get('core/search_items');
  assert.equal(search?.body.toString(), html);
  assert.equal(search?.http_status, 502);
  assert.equal(search?.content_type, 'text/html');
  assert.equal(search?.body_sha256, bodyHash(Buffer.from(html)));
  assert.equal(pages.get('messages/unload')?.body.length, 500, 'what had come of it');
  assert.match(pages.get('messages/load_interval')?.parameters ?? '', /"itemId":700[12]/);
});

test('of a large answer the start is kept, with its size and hash', async (t) => {
  const text = `<html>${'x'.repeat(600_000)}`;
  const b = await disturbed(t, { avl_evts: { status: 200, text } });
  const [page] = unusableOf(b);
  assert.equal(page?.body.length, 524_288);
  assert.equal(page?.body_bytes, text.length);
  assert.equal(page?.body_sha256, bodyHash(Buffer.from(text)));
});

test('secrets are not kept with the bytes', async (t) => {
  const sid = 'e'.repeat(32);
  const b = await disturbed(t, {
    'token/login': { status: 200, text: `{"eid":"${sid}","th":"${TOKEN}","tm":"soon"}` },
    'core/search_items': { status: 403, text: '<a href="/?token=abcdef">log in</a>' },
  });
  const [login, search] = unusableOf(b);
  assert.equal(login?.session_hash, 'none');
  assert.equal(
    login?.body.toString(),
    `{"eid":"sha256:${shortHash(sid)}","th":"sha256:${shortHash(TOKEN)}","tm":"soon"}`,
  );
  assert.equal(
    search?.body.toString(),
    `<a href="/?token=sha256:${shortHash('abcdef')}">log in</a>`,
  );
  const everything = JSON.stringify(committed(b.owner.log, 'PageFetched')) + b.lines.join('\n');
  for (const secret of [sid, TOKEN, 'abcdef', ...b.provider.sids]) {
    assert.ok(!everything.includes(secret));
    assert.ok(!everything.includes(Buffer.from(secret).toJSON().data.join(',')));
  }
});

test('an outage keeps its page once, and says of each further one that it was not kept', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  let refused = 0;
  b.provider.intercept = ({ service }) => {
    if (service !== 'avl_evts' || refused >= 10) return undefined;
    refused += 1;
    b.register(7001, nowS(b.clock));
    return { status: 502 };
  };
  await untilTurn('the outage', () => refused === 10);
  b.provider.intercept = () => undefined;
  await b.live();
  assertNothingLost(b);
  assert.equal(unusableOf(b).length, 1);
  const said = b.lines.filter((line) => line.includes('answer.unusable'));
  assert.equal(said.length, 10);
  assert.equal(said.filter((line) => line.includes('"outcome":"repeated"')).length, 9);
});
