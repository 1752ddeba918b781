import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { bayUnits, startTestTwin } from './test-twin.ts';
import { tokenOf } from './token.ts';

const twin = await startTestTwin();
after(() => twin.twin.close());
const sid = await twin.login('bay-cabs');
const base = Date.parse('2008-05-20T19:00:00Z') / 1000;

const field = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], value);

test('requests that cannot be served answer with the documented code', async () => {
  const call = (svc: string, params: unknown = {}, session = sid) =>
    twin.call(svc, params, session);
  const cases: readonly (readonly [name: string, ask: () => Promise<unknown>, code: number])[] = [
    ['no session', () => call('core/search_item', { id: 7001, flags: 1 }, ''), 1],
    ['text None as session', () => call('core/search_item', { id: 7001, flags: 1 }, 'None'), 1],
    ['unknown session', () => call('core/search_item', { id: 7001, flags: 1 }, 'f'.repeat(32)), 1],
    ['unknown service', () => call('core/nonsense'), 2],
    ['a name that every object has', () => call('constructor'), 2],
    ['no service', () => call(''), 2],
    ['parameters that are a number', () => call('core/search_item', 5), 4],
    ['fractional id', () => call('core/search_item', { id: 7001.5 }), 4],
    ['text as flags', () => call('core/search_item', { id: 7001, flags: '0x1' }), 4],
    ['search without spec', () => call('core/search_items', { flags: 1 }), 4],
    [
      'search for an unknown type',
      () => call('core/search_items', { spec: { itemsType: 'truck' } }),
      4,
    ],
    ['item of another account', () => call('core/search_item', { id: 8001, flags: 1 }), 7],
    ['messages of another account', () => call('messages/load_interval', { itemId: 8001 }), 7],
    [
      'interval that ends before it begins',
      () => call('messages/load_interval', { itemId: 7001, timeFrom: 2, timeTo: 1 }),
      4,
    ],
    ['messages when nothing is loaded', () => call('messages/get_messages', { indexTo: 1 }), 4],
    ['unload when nothing is loaded', () => call('messages/unload'), 4],
    ['zones of a unit', () => call('resource/get_zone_data', { itemId: 7001 }), 7],
    ['subscription without list', () => call('core/update_data_flags', {}), 4],
    [
      'subscription to an unknown item',
      () => call('core/update_data_flags', { spec: [{ type: 'id', data: 1, flags: 1 }] }),
      4,
    ],
    ['token of a wrong length', () => call('token/login', { token: 'short' }, ''), 4],
    ['unknown token', () => call('token/login', { token: '0'.repeat(72) }, ''), 8],
    [
      'unknown sub-user',
      () => call('token/login', { token: tokenOf('bay-cabs'), operateAs: 'x' }, ''),
      8,
    ],
  ];
  for (const [name, ask, code] of cases) assert.equal(field(await ask(), 'error'), code, name);
});

test('text that is no JSON is bad input', async () => {
  const url = `${twin.twin.url}/wialon/ajax.html?svc=core/search_item&params={&sid=${sid}`;
  assert.deepEqual(await (await fetch(url)).json(), { error: 4 });
});

test('login gives what known clients insist on, and the data clock', async () => {
  const answer = await twin.call('token/login', { token: tokenOf('hudson-waste', 2), fl: '4' });
  assert.match(String(field(answer, 'eid')), /^[0-9a-f]{32}$/);
  assert.equal(field(answer, 'tm'), Date.parse('2015-12-10T03:39:00Z') / 1000);
  assert.equal(field(answer, 'user', 'bact'), 700);
  assert.equal(field(answer, 'user', 'nm'), 'hudson-waste');
  assert.equal(field(answer, 'classes', 'avl_unit'), 2);
  assert.equal(typeof field(answer, 'features', 'svcs'), 'object');
  assert.equal(typeof field(answer, 'host'), 'string');
});

test('fields may come by GET, form, query with form, multipart, and without a content type', async () => {
  const url = `${twin.twin.url}/wialon/ajax.html`;
  const params = JSON.stringify({ id: 7001, flags: 1 });
  const svc = 'core/search_item';
  const multipart = new FormData();
  multipart.set('params', params);
  multipart.set('sid', sid);
  const requests = {
    get: fetch(`${url}?${String(new URLSearchParams({ svc, params, sid }))}`),
    form: fetch(url, { method: 'POST', body: new URLSearchParams({ svc, params, sid }) }),
    mixed: fetch(`${url}?svc=${svc}`, {
      method: 'POST',
      body: new URLSearchParams({ params, sid }),
    }),
    query: fetch(`${url}?svc=${svc}&sid=${sid}&params=${params}&`, { method: 'POST' }),
    multipart: fetch(`${url}?svc=${svc}`, { method: 'POST', body: multipart }),
    untyped: fetch(url, {
      method: 'POST',
      body: new TextEncoder().encode(String(new URLSearchParams({ svc, params, sid }))),
    }),
  };
  for (const [name, request] of Object.entries(requests)) {
    assert.equal(field(await (await request).json(), 'item', 'nm'), 'abboip', name);
  }
});

test('answers are exactly application/json, status 200 even for errors, gzip on request', async () => {
  const url = `${twin.twin.url}/wialon/ajax.html?svc=core/search_items&sid=${sid}&params=`;
  const spec = { itemsType: 'avl_unit', propName: 'sys_name', propValueMask: '*' };
  const params = encodeURIComponent(JSON.stringify({ spec, flags: 1025, from: 0, to: 0 }));
  const zipped = await fetch(url + params, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(zipped.headers.get('content-type'), 'application/json');
  assert.equal(zipped.headers.get('content-encoding'), 'gzip');
  const plain = await fetch(url + params, { headers: { 'accept-encoding': 'identity' } });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.deepEqual(await plain.json(), await zipped.json());
  const refused = await fetch(`${twin.twin.url}/wialon/ajax.html?svc=x&sid=${sid}`);
  assert.equal(refused.status, 200);
  assert.equal(refused.headers.get('content-type'), 'application/json');
});

test('search filters, sorts, pages and echoes its request', async () => {
  const search = async (spec: object, page: object = {}) =>
    twin.call(
      'core/search_items',
      { spec: { itemsType: 'avl_unit', sortType: 'sys_name', ...spec }, flags: 1, ...page },
      sid,
    );
  const names = async (spec: object, page?: object) =>
    (field(await search(spec, page), 'items') as { nm: string }[]).map(({ nm }) => nm);
  const all = { propName: 'sys_name', propValueMask: '*' };
  assert.deepEqual(await names(all), ['abboip', 'aiwalb', 'akgicjud']);
  assert.deepEqual(await names({ ...all, sortType: '!sys_name' }), [
    'akgicjud',
    'aiwalb',
    'abboip',
  ]);
  assert.deepEqual(await names({ ...all, propValueMask: 'A?w*|abb*' }), ['abboip', 'aiwalb']);
  assert.deepEqual(await names({ ...all, propValueMask: '!abb*' }), ['aiwalb', 'akgicjud']);
  assert.deepEqual(await names({ propName: 'sys_id', propValueMask: '>=7002' }), [
    'aiwalb',
    'akgicjud',
  ]);
  assert.deepEqual(await names(all, { from: 1, to: 1 }), ['aiwalb']);
  assert.deepEqual(await names({ ...all, itemsType: 'avl_unit_group' }), []);
  const answer = await search(all, { from: 1, to: 1 });
  assert.equal(field(answer, 'totalItemsCount'), 3);
  assert.equal(field(answer, 'indexTo'), 1);
  assert.equal(field(answer, 'searchSpec', 'or_logic'), '0');
});

test('data flags decide which members an item has', async () => {
  const members = async (id: number, flags: number) =>
    Object.keys(
      field(await twin.call('core/search_item', { id, flags }, sid), 'item') as object,
    ).sort();
  assert.deepEqual(await members(7001, 1), ['cls', 'id', 'mu', 'nm', 'uacl']);
  assert.deepEqual(await members(7001, 0x400), ['lmsg', 'pos']);
  assert.deepEqual(await members(600, 0x100), ['drvrs', 'drvrsmax']);
  assert.deepEqual(await members(600, 0x1000), ['zl', 'zlmax']);
  // All flags of the documentation, as a JavaScript client writes them.
  assert.ok((await members(7001, 4_611_686_018_427_388_000)).includes('pflds'));
});

test('geofences come as summary and in full', async () => {
  const resource = await twin.call('core/search_item', { id: 600, flags: 0x1001 }, sid);
  assert.deepEqual(Object.keys(field(resource, 'item', 'zl') as object), [
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
  ]);
  const [zone, ...others] = (await twin.call(
    'resource/get_zone_data',
    { itemId: 600, col: [2], flags: 31 },
    sid,
  )) as Record<string, unknown>[];
  assert.equal(others.length, 0);
  assert.equal(zone?.['rid'], 600);
  assert.equal(zone?.['t'], 2);
  assert.equal(field(zone, 'p', 'length'), 22);
  // The data set states 37,640 square metres; ours is measured on a plane.
  assert.ok(Math.abs(Number(zone?.['ar']) - 37_640) < 400, String(zone?.['ar']));
  const all = (await twin.call('resource/get_zone_data', { itemId: 600 }, sid)) as object[];
  assert.equal(all.length, 6);
  assert.ok(all.every((one) => 'p' in one && !('ar' in one)));
});

test('nobody was ever bound to a unit', async () => {
  const params = { resourceId: 600, unitId: 0, driverId: 0, timeFrom: 0, timeTo: base };
  assert.deepEqual(await twin.call('resource/get_driver_bindings', params, sid), {});
});

test('a batch runs in order in one session; flag 1 stops it at the first failure', async () => {
  const item = { svc: 'core/search_item', params: { id: 7002, flags: 1 } };
  const bad = { svc: 'core/search_item', params: { id: 1, flags: 1 } };
  const list = (await twin.call('core/batch', [item, bad, item], sid)) as unknown[];
  assert.equal(field(list, 0, 'item', 'id'), 7002);
  assert.deepEqual(list[1], { error: 7 });
  assert.equal(field(list, 2, 'item', 'id'), 7002);
  const stopped = (await twin.call(
    'core/batch',
    { params: [bad, item], flags: 1 },
    sid,
  )) as unknown[];
  assert.deepEqual(stopped, [{ error: 7 }, { error: 10 }]);
  assert.deepEqual(await twin.call('core/batch', { params: 5 }, sid), { error: 4 });
});

test('messages load by interval and are read in slices with both ends included', async () => {
  const session = await twin.login('bay-cabs');
  const load = { itemId: 7001, timeFrom: base - 7200, timeTo: base, flags: 1, flagsMask: 65_281 };
  const loaded = await twin.call('messages/load_interval', { ...load, loadCount: 3 }, session);
  const count = Number(field(loaded, 'count'));
  assert.ok(count > 50);
  const all = (await twin.call(
    'messages/get_messages',
    { indexFrom: 0, indexTo: count - 1 },
    session,
  )) as { t: number; rt: number }[];
  assert.equal(all.length, count);
  assert.deepEqual(field(loaded, 'messages'), all.slice(0, 3));
  for (const [index, { t, rt }] of all.entries()) {
    assert.ok(t >= load.timeFrom && t <= load.timeTo && rt <= base);
    assert.ok(index === 0 || t >= (all[index - 1]?.t ?? 0));
  }
  const read = async (params: object) => twin.call('messages/get_messages', params, session);
  assert.deepEqual(await read({ indexFrom: 1, indexTo: 2 }), all.slice(1, 3));
  const middle = all[10]?.t ?? 0;
  const from = all.filter(({ t }) => t >= middle);
  assert.deepEqual(await read({ timeFrom: middle, loadCount: 4 }), from.slice(0, 4));
  assert.deepEqual(
    await read({ timeTo: middle, loadCount: 2 }),
    all.filter(({ t }) => t <= middle).slice(-2),
  );
  assert.deepEqual(await twin.call('messages/unload', {}, session), {});
  assert.deepEqual(await read({ indexFrom: 0, indexTo: 1 }), { error: 4 });
});

test('loadCount 0 counts only, an empty interval has no messages, a filter for events finds none', async () => {
  const load = async (params: object) =>
    twin.call('messages/load_interval', { itemId: 7001, ...params }, sid);
  const day = { timeFrom: base - 86_400, timeTo: base };
  const counted = await load(day);
  assert.ok(Number(field(counted, 'count')) > 100);
  assert.deepEqual(field(counted, 'messages'), []);
  assert.deepEqual(await load({ timeFrom: 1, timeTo: 2 }), { count: 0, messages: [] });
  const events = await load({ ...day, flags: 1536, flagsMask: 65_280 });
  assert.deepEqual(events, { count: 0, messages: [] });
});

test('the last messages of a unit can be loaded', async () => {
  const params = { itemId: 7002, lastTime: 0, lastCount: 5, loadCount: 0xffffffff };
  const answer = await twin.call('messages/load_last', params, sid);
  assert.equal(field(answer, 'count'), 5);
  const item = await twin.call('core/search_item', { id: 7002, flags: 1024 }, sid);
  assert.deepEqual(field(answer, 'messages', 4), field(item, 'item', 'lmsg'));
  assert.equal(field(item, 'item', 'pos', 't'), field(item, 'item', 'lmsg', 't'));
});

test('loading messages is refused to a client that does not accept gzip', async () => {
  const params = JSON.stringify({ itemId: 7001, timeFrom: 0, timeTo: 1 });
  const response = await fetch(
    `${twin.twin.url}/wialon/ajax.html?svc=messages/load_interval&params=${params}&sid=${sid}`,
    { headers: { 'accept-encoding': 'identity' } },
  );
  assert.equal(field(await response.json(), 'error'), 1003);
});

test('units are subscribed by id, collection, comma list and type; modes set, add and remove', async () => {
  const session = await twin.login('bay-cabs');
  const change = async (spec: object) =>
    twin.call('core/update_data_flags', { spec: [spec] }, session);
  const ids = async (spec: object) => ((await change(spec)) as { i: number }[]).map(({ i }) => i);
  assert.deepEqual(await ids({ type: 'id', data: 7001, flags: 1, mode: 0 }), [7001]);
  assert.deepEqual(await ids({ type: 'col', data: [7001, 7002], flags: 1, mode: 0 }), [7001, 7002]);
  assert.deepEqual(await ids({ type: 'col', data: '7002,7003', flags: 1, mode: 0 }), [7002, 7003]);
  assert.deepEqual(await ids({ type: 'type', data: 'avl_unit', flags: 1, mode: 0 }), bayUnits);
  assert.deepEqual(await ids({ type: 'access', data: 1, flags: 0, mode: 0 }), []);
  const added = await change({ type: 'id', data: 7001, flags: 0x20, mode: 1 });
  assert.equal(field(added, 0, 'f'), 0x21);
  const removed = await change({ type: 'id', data: 7001, flags: 0x20, mode: 2 });
  assert.equal(field(removed, 0, 'f'), 1);
  assert.equal(field(removed, 0, 'd'), null);
});

test('after logout the session is gone', async () => {
  const session = await twin.login('bay-cabs');
  assert.deepEqual(await twin.call('core/logout', {}, session), { error: 0 });
  assert.deepEqual(await twin.call('core/logout', {}, session), { error: 1 });
});

test('an account sees nothing of another one', async () => {
  const session = await twin.login('hudson-waste');
  const spec = {
    itemsType: 'avl_unit',
    propName: 'sys_id',
    propValueMask: '*',
    sortType: 'sys_id',
  };
  const found = await twin.call('core/search_items', { spec, flags: 1, from: 0, to: 0 }, session);
  const ids = (field(found, 'items') as { id: number }[]).map(({ id }) => id);
  assert.equal(ids.length, 68);
  assert.ok(ids.every((id) => id >= 8001 && id <= 8068));
});
