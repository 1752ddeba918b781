import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAccount } from '../testing/account.ts';
import { topics } from '@waybill/contracts';
import { pageRecords, publicParameters, type Fetched } from './page.ts';

const account = testAccount({ url: 'http://127.0.0.1:1' });

const fetched: Fetched = {
  call: 'messages/get_messages',
  parameters: { indexFrom: 1000, indexTo: 1999, sid: '0f3c9a77be1d4c02a1b2c3d4e5f60718' },
  shape: { member: null },
  body: Buffer.from('[{"t":1},{"t":2}]'),
  count: 2,
  firstIndex: 1000,
  unit: 'wialon:7001',
  windowFromTime: 5_000,
  windowToTime: 4_294_967_295_000,
  sessionHash: '0123456789abcdef',
  receivedTime: 1_760_000_000_000,
  providerNowTime: null,
};

test('a page keeps the contract and the bytes', () => {
  const [page, ...more] = pageRecords(account, fetched);
  assert.equal(more.length, 0);
  assert.deepEqual(topics.wialonPage.contracts.PageFetched.violations(page), []);
  assert.equal(page?.body, fetched.body);
  assert.equal(page.first_index, 1000);
});

test('the parts of a large answer are numbered and say where they begin', () => {
  const elements = Array.from({ length: 3000 }, (_value, t) => ({ t, text: 'x'.repeat(400) }));
  const pages = pageRecords(account, {
    ...fetched,
    body: Buffer.from(JSON.stringify(elements)),
    count: elements.length,
  });
  assert.ok(pages.length > 1);
  assert.deepEqual(
    pages.map((page) => [page.part, page.parts]),
    pages.map((_page, index) => [index, pages.length]),
  );
  assert.equal(pages[1]?.first_index, 1000 + (pages[0]?.message_count ?? 0));
  assert.equal(new Set(pages.map((page) => page.page_id)).size, pages.length);
  assert.equal(new Set(pages.map((page) => page.body_sha256)).size, 1);
});

test('a repeated read of an equal answer has the same id, another body or window another', () => {
  const idOf = (change: Partial<Fetched>) =>
    pageRecords(account, { ...fetched, ...change })[0]?.page_id;
  assert.equal(idOf({}), idOf({ receivedTime: 1, sessionHash: 'ffffffffffffffff' }));
  assert.notEqual(idOf({}), idOf({ windowFromTime: 6_000 }));
  assert.notEqual(idOf({}), idOf({ body: Buffer.from('[]') }));
});

test('neither session id nor token stands in the parameters, at any depth', () => {
  const text = publicParameters({ sid: 'secret-sid', spec: [{ token: 'secret-token', fl: 1 }] });
  assert.doesNotMatch(text, /secret/);
  assert.match(text, /"sid":"sha256:[0-9a-f]{16}"/);
  assert.match(text, /"fl":1/);
});
