import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readScenario } from './scenario.ts';
import { startTestTwin, type TestTwin } from './test-twin.ts';
import { tokenOf } from './token.ts';

const running: TestTwin[] = [];
after(() => Promise.all(running.map(({ twin }) => twin.close())));

async function start(...options: Parameters<typeof startTestTwin>): Promise<TestTwin> {
  const twin = await startTestTwin(...options);
  running.push(twin);
  return twin;
}

interface CallsReport {
  calls: Record<string, { total: number; errors: Record<string, number> }>;
  refused_logins: Record<string, number>;
  accounts: {
    account: string;
    logins: number;
    by_token: Record<string, number>;
    ended: Record<string, number>;
    live: number;
  }[];
}

const calls = async (twin: TestTwin): Promise<CallsReport> =>
  (await twin.control('GET', '/twin/calls')) as CallsReport;
const interval = { itemId: 7001, timeFrom: 0, timeTo: 0xffff_ffff, loadCount: 0 };
const errorOf = (answer: unknown): unknown => (answer as { error?: number }).error;

test('a session ends after five minutes of wall time without a request; any request keeps it', async () => {
  const twin = await start();
  const sid = await twin.login('bay-cabs');
  twin.passMs(299_000);
  assert.equal((await twin.poll(sid)).error, undefined);
  twin.passMs(299_000);
  assert.equal(errorOf(await twin.call('messages/load_interval', interval, sid)), undefined);
  twin.passMs(300_000);
  assert.deepEqual(await twin.poll(sid), { error: 1 });
  assert.equal((await calls(twin)).accounts[0]?.ended['idle'], 1);
});

test('data time does not age sessions', async () => {
  const twin = await start();
  const sid = await twin.login('bay-cabs');
  twin.runTo(40_000);
  assert.equal((await twin.poll(sid)).error, undefined);
});

test('the plan expires the session between load_interval and the second get_messages', async () => {
  const twin = await start({ scenario: readScenario('short') });
  const sid = await twin.login('bay-cabs');
  const page = { indexFrom: 0, indexTo: 9 };
  await twin.call('messages/load_interval', interval, sid);
  assert.ok(Array.isArray(await twin.call('messages/get_messages', page, sid)));
  assert.deepEqual(await twin.call('messages/get_messages', page, sid), { error: 1 });
  assert.deepEqual(await twin.call('messages/unload', {}, sid), { error: 1 });
  const again = await twin.login('bay-cabs');
  await twin.call('messages/load_interval', interval, again);
  assert.ok(Array.isArray(await twin.call('messages/get_messages', page, again)));
  assert.equal((await calls(twin)).accounts[0]?.ended['script'], 1);
});

test('the plan expires a session in the middle of its polls, once per account', async () => {
  const twin = await start({ scenario: readScenario('short') });
  for (const [account, nth] of [
    ['bay-cabs', 4],
    ['hudson-waste', 5],
  ] as const) {
    const sid = await twin.subscribe(account);
    for (let poll = 1; poll < nth; poll++) {
      assert.equal((await twin.poll(sid)).error, undefined, `${account} poll ${poll}`);
    }
    assert.equal((await twin.poll(sid)).error, 1);
    const again = await twin.login(account);
    assert.equal((await twin.poll(again)).error, undefined);
  }
});

test('the eleventh poll within ten seconds is refused, one a second is not', async () => {
  const twin = await start();
  const sid = await twin.login('hudson-waste');
  for (let poll = 0; poll < 10; poll++) assert.equal((await twin.poll(sid)).error, undefined);
  assert.deepEqual(await twin.poll(sid), { error: 1003, reason: 'LIMIT avl_evts' });
  twin.passMs(10_000);
  for (let poll = 0; poll < 25; poll++) {
    assert.equal((await twin.poll(sid)).error, undefined);
    twin.passMs(999);
  }
});

/** A twin whose calls wait, once the gate is shut, until it is opened. */
async function gated(): Promise<{ twin: TestTwin; shut: () => void; open: () => void }> {
  let gate = Promise.resolve();
  let open = (): void => undefined;
  const twin = await start({ pause: () => gate });
  const shut = (): void => {
    gate = new Promise((resolve) => {
      open = resolve;
    });
  };
  return { twin, shut, open: () => open() };
}

/** Resolves with the answers that come first, as many as `count`; the others are still under way. */
function first(answers: readonly Promise<unknown>[], count: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const early: unknown[] = [];
    for (const answer of answers) {
      answer.then((value) => {
        early.push(value);
        if (early.length === count) resolve([...early]);
      }, reject);
    }
  });
}

test('calls of one session at the same time are limited, another session is not touched', async () => {
  const { twin, shut, open } = await gated();
  const [sid, other] = [await twin.login('bay-cabs'), await twin.login('bay-cabs')];
  shut();
  const search = (session: string) =>
    twin.call('core/search_item', { id: 7001, flags: 1 }, session);
  const mine = Array.from({ length: 12 }, () => search(sid));
  const limit = { error: 1003, reason: 'LIMIT api_concurrent' };
  assert.deepEqual(await first(mine, 2), [limit, limit]);
  const theirs = search(other);
  open();
  const answers = [...(await Promise.all(mine)), await theirs];
  assert.equal(answers.filter((answer) => errorOf(answer) === undefined).length, 11);
  assert.equal(errorOf(await search(sid)), undefined);
});

test('a session has one message loader: two loads at a time are refused', async () => {
  const { twin, shut, open } = await gated();
  const sid = await twin.login('bay-cabs');
  shut();
  const loads = [interval, { ...interval, itemId: 7002 }].map((params) =>
    twin.call('messages/load_interval', params, sid),
  );
  assert.deepEqual(await first(loads, 1), [{ error: 1003, reason: 'LOCKER_ERROR' }]);
  open();
  const accepted = (await Promise.all(loads)).filter((one) => errorOf(one) === undefined);
  assert.equal(accepted.length, 1);
});

test('more than three heavy calls at a time are refused', async () => {
  const { twin, shut, open } = await gated();
  const sid = await twin.login('bay-cabs');
  await twin.call('messages/load_interval', interval, sid);
  shut();
  const pages = Array.from({ length: 5 }, () =>
    twin.call('messages/get_messages', { indexFrom: 0, indexTo: 0 }, sid),
  );
  assert.deepEqual((await first(pages, 2)).map(errorOf), [1003, 1003]);
  open();
  assert.equal((await Promise.all(pages)).filter(Array.isArray).length, 3);
});

test('ten refused logins in a minute block the address for the rest of it', async () => {
  const twin = await start();
  const wrong = { token: '0'.repeat(72) };
  for (let attempt = 0; attempt < 10; attempt++) {
    assert.deepEqual(await twin.call('token/login', wrong), { error: 8 });
  }
  const right = { token: tokenOf('bay-cabs') };
  assert.deepEqual(await twin.call('token/login', right), { error: 1003, reason: 'LIMIT login' });
  twin.passMs(60_000);
  assert.equal(errorOf(await twin.call('token/login', right)), undefined);
  assert.deepEqual((await calls(twin)).refused_logins, { 8: 10, 1003: 1 });
});

test('an account has a limited number of live sessions', async () => {
  const twin = await start({ limits: { sessions: 2 } });
  await twin.login('bay-cabs');
  const sid = await twin.login('bay-cabs');
  const third = { token: tokenOf('bay-cabs') };
  assert.equal(errorOf(await twin.call('token/login', third)), 1003);
  await twin.call('core/logout', {}, sid);
  assert.equal(errorOf(await twin.call('token/login', third)), undefined);
});

test('messages that an account loads are limited per 2 min, hour and day', async () => {
  const twin = await start({
    limits: { messagesPer2Min: 5, messagesPerHour: 9, messagesPerDay: 12 },
    sessionIdleS: 1_000_000,
  });
  const [sid, other] = [await twin.login('bay-cabs'), await twin.login('bay-cabs')];
  const load = async (session: string, lastCount: number): Promise<unknown> => {
    const last = { itemId: 7001, lastTime: 0, lastCount, loadCount: 0 };
    const answer = await twin.call('messages/load_last', last, session);
    return errorOf(answer) === undefined ? (answer as { count: number }).count : answer;
  };
  const refused = { error: 1003, reason: 'limit exceeded' };
  const login = await twin.login('hudson-waste');
  assert.deepEqual([await load(sid, 3), await load(other, 2)], [3, 2]);
  assert.deepEqual(await load(sid, 1), refused);
  twin.passMs(2 * 60_000);
  assert.deepEqual(
    [await load(sid, 4), await load(sid, 1)],
    [4, refused],
    'of the hour 9 are used',
  );
  const theirs = { itemId: 8001, lastTime: 0, lastCount: 1, loadCount: 0 };
  assert.notDeepEqual(await twin.call('messages/load_last', theirs, login), refused);
  twin.passMs(60 * 60_000);
  assert.deepEqual(
    [await load(sid, 3), await load(sid, 1)],
    [3, refused],
    'of the day 12 are used',
  );
  twin.passMs(1440 * 60_000);
  assert.equal(await load(sid, 1), 1);
});

test('the sessions of an account hold a limited number of messages loaded together', async () => {
  const twin = await start({ limits: { messagesHeld: 5 } });
  const [sid, other] = [await twin.login('bay-cabs'), await twin.login('bay-cabs')];
  const last = (lastCount: number) => ({ itemId: 7001, lastTime: 0, lastCount, loadCount: 0 });
  await twin.call('messages/load_last', last(3), sid);
  assert.deepEqual(await twin.call('messages/load_last', last(3), other), { error: 1004 });
  assert.equal(errorOf(await twin.call('messages/load_last', last(5), sid)), undefined);
  await twin.call('messages/unload', {}, sid);
  assert.equal(errorOf(await twin.call('messages/load_last', last(3), other)), undefined);
});

test('checks of names are limited per minute', async () => {
  const twin = await start({ limits: { uniqueChecks: 2 } });
  const sid = await twin.login('bay-cabs');
  const check = async (): Promise<unknown> =>
    errorOf(await twin.call('core/check_unique', { type: 'avl_unit', value: 'x' }, sid));
  assert.deepEqual([await check(), await check(), await check()], [undefined, undefined, 1003]);
  twin.passMs(60_000);
  assert.equal(await check(), undefined);
});

test('both tokens of an account log in, and the audit tells them apart', async () => {
  const twin = await start();
  await twin.login('bay-cabs', 1);
  await twin.login('bay-cabs', 2);
  await twin.login('bay-cabs', 2);
  const [bay, hudson] = (await calls(twin)).accounts;
  assert.deepEqual(bay?.by_token, { 1: 1, 2: 2 });
  assert.equal(bay?.live, 3);
  assert.equal(hudson?.logins, 0);
  assert.equal(tokenOf('bay-cabs').length, 72);
  assert.notEqual(tokenOf('bay-cabs', 1), tokenOf('bay-cabs', 2));
});
