import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { madeUpFleets } from '../made-up.ts';
import { malformedKinds } from '../malformed.ts';
import { startTestTwin, type TestTwin } from '../test-twin.ts';
import { tokenOf } from '../token.ts';
import { isWellFormed } from '../well-formed.ts';
import { messageFaults } from './messages.ts';
import { faultKinds } from './order-fault.ts';
import { limitReasons } from './reasons.ts';

/** Answers as they come: the assertions below are what checks their shape. */
type Json = ReturnType<typeof JSON.parse>;

const running: TestTwin[] = [];
after(() => Promise.all(running.map(({ twin }) => twin.close())));

const BASE = Date.parse('2025-01-06T00:00:00Z') / 1000;
const UNIT = 100_001;
const RESOURCE = 600;
const account = 'fleet';
const scenario = madeUpFleets({
  accounts: [account],
  fleet: { units: 3, every_s: 60 },
  baseTime: new Date(BASE * 1000).toISOString(),
  durationS: 864_000,
});

async function start(...options: Parameters<typeof startTestTwin>): Promise<TestTwin> {
  const twin = await startTestTwin({ scenario, ...options[0] });
  running.push(twin);
  twin.runTo(3600);
  return twin;
}

/** What was ordered in this file, by kind, reason and message. */
const seen = new Set<unknown>();

/** Orders a fault as anybody does. */
async function order(twin: TestTwin, fault: object): Promise<Json> {
  const { kind, reason, message } = fault as Readonly<Record<string, unknown>>;
  for (const one of [kind, reason, message]) seen.add(one);
  return twin.control('POST', '/twin/fault', fault);
}

const search = { id: UNIT, flags: 1 };
const everything = { itemId: UNIT, timeFrom: 0, timeTo: 0xffff_ffff, loadCount: 0xffff_ffff };

async function raw(twin: TestTwin, svc: string, sid: string): Promise<Response> {
  const body = new URLSearchParams({ svc, params: JSON.stringify(search), sid });
  return fetch(`${twin.twin.url}/wialon/ajax.html`, { method: 'POST', body });
}

test('every sub-reason of 1003 can be ordered, and an unknown one is refused', async () => {
  const twin = await start();
  const sid = await twin.login(account);
  for (const reason of limitReasons) {
    await order(twin, { kind: 'limit', svc: 'core/search_item', reason });
    assert.deepEqual(await twin.call('core/search_item', search, sid), { error: 1003, reason });
  }
  const unknown = await twin.control('POST', '/twin/fault', {
    kind: 'limit',
    svc: '*',
    reason: 'x',
  });
  assert.match((unknown as Json).error, /one of LIMIT/);
  assert.equal(twin.twin.calls().faults['error 1003 NO_SESSION'], 1);
});

test('every code can be ordered, for one service and so many calls; of a batch, as a whole', async () => {
  const twin = await start();
  const sid = await twin.login(account);
  for (const code of [1, 4, 5, 6, 8, 9, 10, 1002, 1004, 1005, 1011, 424_242]) {
    await order(twin, { kind: 'error', svc: 'core/search_item', code, times: 2 });
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(await twin.call('core/search_item', search, sid), { error: code });
    }
  }
  assert.equal((await twin.poll(sid)).error, undefined);
  const batch = [{ svc: 'core/search_item', params: search }];
  await order(twin, { kind: 'error', svc: '*', code: 5 });
  assert.deepEqual(await twin.call('core/batch', batch, sid), [{ error: 5 }]);
  await order(twin, { kind: 'error', svc: 'core/batch', code: 6 });
  assert.deepEqual(await twin.call('core/batch', batch, sid), { error: 6 });
  assert.equal(((await twin.call('core/batch', batch, sid)) as Json)[0].error, undefined);
});

test('all sessions of an account end at once; the client may log in again', async () => {
  const twin = await start();
  const sids = [await twin.login(account), await twin.login(account, 2)];
  assert.deepEqual(await order(twin, { kind: 'expire_sessions', account }), { expired: 2 });
  for (const sid of sids) assert.equal((await twin.poll(sid)).error, 1);
  assert.equal((await twin.poll(await twin.login(account))).error, undefined);
});

test('a changed address answers 1011 until the client logs in again', async () => {
  const twin = await start();
  const sid = await twin.login(account);
  await order(twin, { kind: 'ip_changed' });
  assert.deepEqual(await twin.call('core/search_item', search, sid), { error: 1011 });
  assert.deepEqual(await twin.poll(sid), { error: 1011 });
  assert.equal((await twin.poll(await twin.login(account))).error, undefined);
  assert.equal(twin.twin.calls().accounts[0]?.ended.address, 1);
});

test('a session expires in mid-page: `after` lets calls pass first', async () => {
  const twin = await start();
  const sid = await twin.login(account);
  await twin.call('messages/load_interval', { ...everything, loadCount: 0 }, sid);
  await order(twin, { kind: 'expire', svc: 'messages/get_messages', after: 1 });
  const page = { indexFrom: 0, indexTo: 4 };
  assert.ok(Array.isArray(await twin.call('messages/get_messages', page, sid)));
  assert.deepEqual(await twin.call('messages/get_messages', page, sid), { error: 1 });
});

test('a revoked token ends its sessions and logs in no more, the other one does', async () => {
  const twin = await start();
  const [first, second] = [await twin.login(account, 1), await twin.login(account, 2)];
  const revoked = await order(twin, { kind: 'revoke_token', account, token: 1 });
  assert.deepEqual(revoked, { expired: 1 });
  assert.equal((await twin.poll(first)).error, 1);
  assert.equal((await twin.poll(second)).error, undefined);
  const login = { token: tokenOf(account, 1) };
  assert.deepEqual(await twin.call('token/login', login), { error: 8 });
  await order(twin, { kind: 'restore_token', account, token: 1 });
  assert.equal(((await twin.call('token/login', login)) as Json).error, undefined);
});

test('transport faults: HTML, 502, a truncated answer, a cut connection', async () => {
  const twin = await start();
  const sid = await twin.login(account);
  const svc = 'core/search_item';
  for (const kind of ['html', 'http', 'truncate', 'cut']) await order(twin, { kind, svc });
  const html = await raw(twin, svc, sid);
  assert.equal(html.status, 200);
  assert.equal(html.headers.get('content-type'), 'text/html');
  assert.equal((await raw(twin, svc, sid)).status, 502);
  const half = await raw(twin, svc, sid);
  assert.equal(half.headers.get('content-type'), 'application/json');
  await assert.rejects(half.json(), SyntaxError);
  await assert.rejects(raw(twin, svc, sid));
  assert.equal(((await twin.call(svc, search, sid)) as Json).error, undefined);
  const met = twin.twin.calls().faults;
  assert.deepEqual(met, { cut: 1, html: 1, http: 1, truncate: 1 });
});

test('a slow answer is held back, and holds its place among concurrent calls', async () => {
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
  };
  const twin = await start({ sleep });
  const sid = await twin.login(account);
  await order(twin, { kind: 'slow', svc: '*', ms: 70_000 });
  assert.equal(((await twin.call('core/search_item', search, sid)) as Json).error, undefined);
  assert.deepEqual(waits, [70_000]);
});

test('injected messages are polled once, found by interval and counted as what they are', async () => {
  const twin = await start();
  const sid = await twin.subscribe(account);
  await twin.poll(sid);
  const before = twin.twin.store().accounts[0]?.units[0];
  const { item } = (await twin.call('core/search_item', { id: UNIT, flags: 0x400 }, sid)) as Json;
  const { t, pos } = item.lmsg;
  const now = BASE + 3600;
  for (const message of messageFaults) {
    await order(twin, { kind: 'message', account, unit: UNIT, message, age_s: 1800 });
  }
  const { events } = await twin.poll(sid);
  assert.deepEqual(
    events.map(({ i, t: type }) => [i, type]),
    messageFaults.map(() => [UNIT, 'm']),
  );
  const [duplicate, late, jump, future, noPosition, ...malformed] = events.map(({ d }): Json => d);
  assert.deepEqual([duplicate.t, duplicate.pos, duplicate.rt], [t, pos, now]);
  assert.deepEqual([late.t, late.rt], [now - 1800, now]);
  assert.ok(Math.abs(jump.pos.y - pos.y) > 1.9 && jump.t === now, 'some 200 km off');
  assert.equal(new Date(future.t * 1000).getUTCFullYear(), 2099);
  assert.deepEqual([noPosition.t, noPosition.pos], [now, null]);
  assert.equal(malformed.length, malformedKinds.length);
  for (const body of malformed) assert.ok(!isWellFormed(body), JSON.stringify(body));
  assert.deepEqual((await twin.poll(sid)).events, []);
  const store = twin.twin.store().accounts[0]?.units[0];
  assert.ok(before && store);
  assert.equal(store.registered, before.registered + messageFaults.length);
  // The late one and the jump are new places; the message from 2099 as well.
  assert.equal(store.distinct, before.distinct + 3);
  assert.deepEqual(
    [store.malformed, store.future, store.no_position],
    [malformedKinds.length, 1, 1],
  );
  const { messages } = (await twin.call('messages/load_interval', everything, sid)) as Json;
  assert.equal(messages.length, store.registered);
  twin.runTo(3700);
  assert.ok((await twin.poll(sid)).events.every((event) => event.t === 'm'));
});

test('a silent late message is in intervals and in no poll', async () => {
  const twin = await start();
  const sid = await twin.subscribe(account);
  await twin.poll(sid);
  await order(twin, { kind: 'message', account, unit: UNIT, message: 'late', silent: true });
  assert.deepEqual((await twin.poll(sid)).events, []);
  const { count } = (await twin.call('messages/load_interval', everything, sid)) as Json;
  assert.equal(count, twin.twin.store().accounts[0]?.units[0]?.registered);
});

test('a unit changes its sensors: polls tell it, the item shows it', async () => {
  const twin = await start();
  const sid = await twin.login(account);
  const spec = [{ type: 'id', data: UNIT, flags: 0x1001, mode: 0 }];
  await twin.call('core/update_data_flags', { spec }, sid);
  await order(twin, { kind: 'change_sensors', account, unit: UNIT });
  const { events } = await twin.poll(sid);
  assert.deepEqual(
    events.map(({ i, t, d }: Json) => [i, t, d.sensu[0], d.sensu[1]?.n]),
    [
      [UNIT, 'u', 3, undefined],
      [UNIT, 'u', 11, 'Fuel level 2'],
    ],
  );
  const { item } = (await twin.call('core/search_item', { id: UNIT, flags: 0x1000 }, sid)) as Json;
  assert.equal(item.sens[3], undefined);
  assert.equal(item.sens[11].n, 'Fuel level 2');
});

test('a renamed report column stands in the header and changes the checksum of the template', async () => {
  const twin = await start();
  const sid = await twin.login(account);
  const rep = async (): Promise<Json> =>
    ((await twin.call('core/search_item', { id: RESOURCE, flags: 0x2000 }, sid)) as Json).item.rep;
  const before = (await rep())[1].c;
  const rename = { kind: 'rename_column', account, report: 'Trips', column: 'Mileage' };
  await order(twin, { ...rename, name: 'Distance' });
  assert.notEqual((await rep())[1].c, before);
  const interval = { from: BASE, to: BASE + 3600, flags: 0 };
  const run = { reportResourceId: RESOURCE, reportTemplateId: 1, reportObjectId: UNIT, interval };
  const { reportResult } = (await twin.call('report/exec_report', run, sid)) as Json;
  assert.deepEqual(reportResult.tables[0].header.slice(2), ['Duration', 'Distance', 'Max speed']);
  assert.match((await order(twin, { ...rename, column: 'x', name: 'y' })).error, /no column x/);
});

test('counters are reset, zones edited, units taken away and given back', async () => {
  const twin = await start();
  const sid = await twin.subscribe(account);
  await twin.poll(sid);
  const unit = (): Promise<Json> => twin.call('core/search_item', { id: UNIT, flags: 0x2000 }, sid);
  assert.ok((await unit()).item.cnm > 0);
  await order(twin, { kind: 'reset_counter', account, unit: UNIT });
  assert.equal((await unit()).item.cnm, 0);
  const zones = (): Promise<Json> =>
    twin.call('resource/get_zone_data', { itemId: RESOURCE, col: [1] }, sid);
  const before = (await zones())[0].p[0].y;
  await order(twin, { kind: 'edit_zone', account, zone: 1 });
  assert.ok((await zones())[0].p[0].y > before);
  await order(twin, { kind: 'remove_unit', account, unit: UNIT });
  assert.equal((await unit()).error, 7);
  await order(twin, { kind: 'restore_unit', account, unit: UNIT });
  assert.equal((await unit()).error, undefined);
  const { events } = await twin.poll(sid);
  assert.deepEqual(
    events.map(({ i, t, d }) => [i, t, d]),
    [
      [UNIT, 'd', undefined],
      [-5, 'u', { r: [UNIT], a: [] }],
      [-5, 'u', { r: [], a: [{ ids: [UNIT] }] }],
    ],
  );
});

test('a script is carried out when the clock comes to it; what the moment does not allow is named', async () => {
  const faults = [
    { at_s: 7200, kind: 'error', svc: 'avl_evts', code: 6 },
    { at_s: 4000, kind: 'expire_sessions' },
    { at_s: 4000, kind: 'change_sensors', account: 'bay-cabs', unit: 7001 },
  ];
  // Its units have no equipment.
  const twin = await startTestTwin({ faults });
  running.push(twin);
  const sid = await twin.login('bay-cabs');
  assert.equal((await twin.poll(sid)).error, undefined);
  twin.runTo(4000);
  assert.equal((await twin.poll(sid)).error, 1);
  twin.runTo(7200);
  assert.equal((await twin.poll(await twin.login('bay-cabs'))).error, 6);
  const { script_failed } = (await twin.control('GET', '/twin/calls')) as Json;
  assert.deepEqual(script_failed, [
    'order 3, at 4000 s: units have sensors only with full equipment',
  ]);
});

test('a virtual clock stands until it is moved; sessions and limits follow it', async () => {
  const twin = await start({ virtual: true, speed: 1, startHeld: false });
  const elapsed = async (): Promise<number> =>
    ((await twin.control('GET', '/twin/clock')) as Json).elapsed_s;
  assert.equal(await elapsed(), 0);
  const sid = await twin.login(account);
  await twin.control('POST', '/twin/clock', { advance_s: 120 });
  assert.equal(await elapsed(), 120);
  twin.twin.advance(60);
  assert.equal((await twin.poll(sid)).tm, BASE + 180);
  twin.twin.advance(300);
  assert.equal((await twin.poll(sid)).error, 1);
  const refused = (await twin.control('POST', '/twin/clock', { advance_s: -1 })) as Json;
  assert.match(refused.error, /0 or above/);
});

test('every kind of fault, reason and message was ordered here, and its effect seen', () => {
  for (const one of [...faultKinds, ...limitReasons, ...messageFaults])
    assert.ok(seen.has(one), one);
});
