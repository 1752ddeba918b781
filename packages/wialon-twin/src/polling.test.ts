import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { bayUnits, startTestTwin, type PollAnswer, type TestTwin } from './test-twin.ts';

const running: TestTwin[] = [];
after(() => Promise.all(running.map(({ twin }) => twin.close())));

async function start(...options: Parameters<typeof startTestTwin>): Promise<TestTwin> {
  const twin = await startTestTwin(...options);
  running.push(twin);
  return twin;
}

const base = { bay: Date.parse('2008-05-20T19:00:00Z') / 1000, hudson: 1_449_718_740 };
const everything = { timeFrom: 0, timeTo: 0xffff_ffff, loadCount: 0xffff_ffff };

interface StoreReport {
  accounts: { account: string; units: Record<string, number>[] }[];
}

async function storeSum(twin: TestTwin, account: string, field: string): Promise<number> {
  const { accounts } = (await twin.control('GET', '/twin/store')) as StoreReport;
  const units = accounts.find((one) => one.account === account)?.units ?? [];
  return units.reduce((sum, unit) => sum + (unit[field] ?? 0), 0);
}

test('with the clock held at X, tm is base + X and everything registered by then is there', async () => {
  const twin = await start();
  const sid = await twin.subscribe('hudson-waste');
  let received = 0;
  for (const elapsed of [61, 62, 3781, 6660, 40_000]) {
    twin.runTo(elapsed);
    const { tm, events } = await twin.poll(sid);
    received += events.length;
    assert.equal(tm, base.hudson + elapsed);
    assert.equal(received, await storeSum(twin, 'hudson-waste', 'registered'), `at ${elapsed}`);
    const clock = (await twin.control('GET', '/twin/clock')) as Record<string, unknown>;
    assert.equal(clock['elapsed_s'], elapsed);
    assert.equal(clock['held'], true);
  }
});

test('history by intervals and the window by polls give each account its whole store', async () => {
  const twin = await start();
  const sid = await twin.subscribe('bay-cabs');
  let received = 0;
  for (const itemId of bayUnits) {
    const answer = await twin.call('messages/load_interval', { itemId, ...everything }, sid);
    received += (answer as { messages: unknown[] }).messages.length;
  }
  for (const elapsed of [10, 2000, 2001, 17_000, 39_999, 40_000]) {
    twin.runTo(elapsed);
    received += (await twin.poll(sid)).events.length;
  }
  assert.equal(received, await storeSum(twin, 'bay-cabs', 'registered'));
});

test('only subscribed units are heard, from the moment of the subscription', async () => {
  const twin = await start();
  const sid = await twin.login('bay-cabs');
  twin.runTo(5000);
  const spec = [{ type: 'id', data: 7002, flags: 0x21, mode: 0 }];
  await twin.call('core/update_data_flags', { spec }, sid);
  twin.runTo(9000);
  const { events } = await twin.poll(sid);
  assert.ok(events.length > 0);
  for (const { i, t, d } of events) {
    assert.equal(i, 7002);
    assert.equal(t, 'm');
    assert.ok((d as { rt: number }).rt > base.bay + 5000);
  }
  assert.deepEqual((await twin.poll(sid)).events, []);
});

test('a subscription without the flag for messages hears none', async () => {
  const twin = await start();
  const sid = await twin.login('bay-cabs');
  const spec = [{ type: 'type', data: 'avl_unit', flags: 1025, mode: 0 }];
  await twin.call('core/update_data_flags', { spec }, sid);
  twin.runTo(9000);
  assert.deepEqual((await twin.poll(sid)).events, []);
});

test('the malformed messages of the plan are served as they are, by poll and by interval', async () => {
  const twin = await start();
  const sid = await twin.subscribe('bay-cabs');
  twin.runTo(40_000);
  const { events } = await twin.poll(sid);
  const planned = twin.twin.plan.operations.filter(
    (one) => one.op === 'malformed' && one.account === 'bay-cabs',
  );
  assert.equal(planned.length, 5);
  for (const operation of planned) {
    assert.ok(operation.op === 'malformed');
    const { unit, body, t } = operation;
    const served = events.filter(
      ({ i, d }) => i === unit && JSON.stringify(d) === JSON.stringify(body),
    );
    assert.equal(served.length, 1, operation.kind);
    const load = { itemId: unit, ...everything, timeFrom: t, timeTo: t };
    const interval = (await twin.call('messages/load_interval', load, sid)) as {
      messages: unknown[];
    };
    assert.ok(interval.messages.some((one) => JSON.stringify(one) === JSON.stringify(body)));
  }
  assert.equal(await storeSum(twin, 'bay-cabs', 'malformed'), 5);
});

test('the store counts repeats as registered and not as distinct', async () => {
  const twin = await start();
  twin.runTo(40_000);
  for (const account of ['bay-cabs', 'hudson-waste']) {
    const mine = twin.twin.plan.operations.filter((one) => one.account === account);
    const repeats = mine.filter(({ op }) => op === 'repeat').length;
    const [registered, distinct, malformed] = [
      await storeSum(twin, account, 'registered'),
      await storeSum(twin, account, 'distinct'),
      await storeSum(twin, account, 'malformed'),
    ];
    assert.ok(repeats > 0);
    assert.equal(registered, distinct + repeats + malformed, account);
  }
  const future = twin.twin.plan.operations.find(({ op }) => op === 'future');
  assert.equal(await storeSum(twin, future?.account ?? '', 'future'), 1);
});

test('a late message appears when it was registered, not before', async () => {
  const twin = await start();
  const sid = await twin.subscribe('hudson-waste');
  const arrives = Date.parse('2015-12-10T06:15:00Z') / 1000 - base.hudson;
  twin.runTo(arrives - 1);
  await twin.poll(sid);
  twin.runTo(arrives);
  const { events } = await twin.poll(sid);
  const held = events.filter(({ d }) => {
    const { t, rt } = d as { t: number; rt: number };
    return rt === base.hudson + arrives && rt - t > 5000;
  });
  assert.equal(held.length, 12);
});

test('a running clock loses nothing and doubles nothing between two answers', async () => {
  const nowMs = (): number => performance.now();
  const twin = await start({ speed: 40_000, nowMs, limits: { polls: 100_000 }, latencyMs: 1 });
  const sid = await twin.subscribe('hudson-waste');
  await twin.control('POST', '/twin/clock', { hold_at_s: null });
  const deadline = performance.now() + 60_000;
  let last: PollAnswer = { tm: base.hudson, events: [] };
  let received = 0;
  while (last.tm < base.hudson + 40_000 && performance.now() < deadline) {
    const before = last.tm;
    last = await twin.poll(sid);
    received += last.events.length;
    for (const { d } of last.events) {
      const rt = (d as { rt?: number } | null)?.rt;
      assert.ok(rt === undefined || (rt > before && rt <= last.tm));
    }
  }
  assert.equal(last.tm, base.hudson + 40_000);
  assert.equal(received, await storeSum(twin, 'hudson-waste', 'registered'));
});
