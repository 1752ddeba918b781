import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startTestTwin } from './test-twin.ts';
import { tokenOf } from './token.ts';

const twin = await startTestTwin();
after(() => twin.twin.close());
const search = { id: 7001, flags: 1 };

test('sessions of one account, or all, can be expired', async () => {
  const [bay, hudson] = [await twin.login('bay-cabs'), await twin.login('hudson-waste')];
  const order = { kind: 'expire_sessions', account: 'bay-cabs' };
  assert.deepEqual(await twin.control('POST', '/twin/fault', order), { expired: 1 });
  assert.deepEqual(await twin.call('core/search_item', search, bay), { error: 1 });
  assert.ok(
    'item' in ((await twin.call('core/search_item', { ...search, id: 700 }, hudson)) as object),
  );
  assert.deepEqual(await twin.control('POST', '/twin/fault', { kind: 'expire_sessions' }), {
    expired: 1,
  });
});

test('an ordered error meets the next calls of its service and no other', async () => {
  const sid = await twin.login('bay-cabs');
  const order = { kind: 'error', svc: 'core/search_item', code: 1003, reason: 'LIMIT', times: 2 };
  await twin.control('POST', '/twin/fault', order);
  assert.deepEqual(await twin.call('core/update_data_flags', { spec: [] }, sid), []);
  for (let time = 0; time < 2; time++) {
    const answer = await twin.call('core/search_item', search, sid);
    assert.deepEqual(answer, { error: 1003, reason: 'LIMIT' });
  }
  assert.ok('item' in ((await twin.call('core/search_item', search, sid)) as object));
});

test('a login can be refused by order', async () => {
  await twin.control('POST', '/twin/fault', { kind: 'error', svc: 'token/login', code: 8 });
  const params = { token: tokenOf('bay-cabs') };
  assert.deepEqual(await twin.call('token/login', params), { error: 8 });
  assert.match(await twin.login('bay-cabs'), /^[0-9a-f]{32}$/);
});

test('a transport failure is a page of HTML with its status, or a connection that is cut', async () => {
  const sid = await twin.login('bay-cabs');
  const url = `${twin.twin.url}/avl_evts?sid=${sid}`;
  await twin.control('POST', '/twin/fault', { kind: 'http', svc: 'avl_evts', status: 502 });
  const page = await fetch(url);
  assert.equal(page.status, 502);
  assert.match(await page.text(), /<html>/);
  await twin.control('POST', '/twin/fault', { kind: 'cut', svc: 'avl_evts' });
  await assert.rejects(fetch(url));
  assert.equal((await fetch(url)).status, 200);
});

test('an answer that is cut off is lost: the messages do not come again', async () => {
  const sid = await twin.subscribe('hudson-waste');
  twin.runTo(100);
  await twin.control('POST', '/twin/fault', { kind: 'cut', svc: 'avl_evts' });
  await assert.rejects(twin.poll(sid));
  assert.deepEqual((await twin.poll(sid)).events, []);
});

test('the clock is held, sped up and released; what it cannot do is refused with a reason', async () => {
  const clock = async (body: object) =>
    (await twin.control('POST', '/twin/clock', body)) as Record<string, unknown>;
  const held = await clock({ hold_at_s: 500 });
  assert.equal(held['hold_at_s'], 500);
  twin.passMs(10_000);
  const now = (await twin.control('GET', '/twin/clock')) as Record<string, unknown>;
  assert.equal(now['elapsed_s'], 500);
  assert.deepEqual(now['accounts'], [
    { account: 'bay-cabs', now_s: 1_211_310_500 },
    { account: 'hudson-waste', now_s: 1_449_719_240 },
  ]);
  assert.match(String((await clock({ hold_at_s: 499 }))['error']), /before the clock/);
  assert.match(String((await clock({ speed: 0 }))['error']), /above 0/);
  assert.match(String((await clock({ sped: 1 }))['error']), /unknown field sped/);
  const free = await clock({ hold_at_s: null, speed: 1000 });
  assert.equal(free['held'], false);
  assert.equal(free['speed'], 1000);
});

test('orders that make no sense are refused with status 400', async () => {
  const cases: readonly (readonly [body: string, message: RegExp])[] = [
    ['{', /JSON/],
    ['5', /object/],
    ['{"kind":"explode"}', /kind must be/],
    ['{"kind":"error","code":4}', /svc is missing/],
    ['{"kind":"error","svc":"avl_evts"}', /code is missing/],
    ['{"kind":"error","svc":"avl_evts","code":"4"}', /code must be a number/],
    ['{"kind":"cut","svc":"x"}', /svc must be \* or one of .*; found x/],
    ['{"kind":"cut","svc":"avl_evts","tiems":2}', /unknown field tiems; known are svc, account/],
    ['{"kind":"cut","svc":"avl_evts","times":1.5}', /times must be a whole number from 0 on/],
    ['{"kind":"cut","svc":"token/login","account":"bay-cabs"}', /leave account out/],
    ['{"kind":"http","svc":"avl_evts","status":99}', /status must be from 200 to 599/],
    ['{"kind":"remove_unit","account":"bay-cabs"}', /unit is missing/],
    [
      '{"kind":"remove_unit","account":"bay-cabs","unit":5}',
      /unknown unit 5; they begin with 7001/,
    ],
    ['{"kind":"edit_zone","account":"bay-cabs","zone":99}', /unknown zone 99; there are 1, 2/],
    ['{"kind":"revoke_token","account":"bay-cabs","token":3}', /token must be 1 or 2/],
    ['{"kind":"message","account":"bay-cabs","unit":7001,"message":"x"}', /message must be one of/],
    [
      '{"kind":"rename_column","account":"bay-cabs","report":"x","column":"y","name":"z"}',
      /unknown report x; there are Trips/,
    ],
    ['[{"kind":"expire_sessions"},{"kind":"explode"}]', /kind must be one of .*; found explode/],
    ['{"kind":"expire_sessions","account":"nobody"}', /unknown account nobody/],
  ];
  for (const [body, message] of cases) {
    const response = await fetch(`${twin.twin.url}/twin/fault`, { method: 'POST', body });
    assert.equal(response.status, 400, body);
    assert.match(((await response.json()) as { error: string }).error, message);
  }
});
