import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  CursorMoved,
  PageFetched,
  SessionChanged,
  SourceProgressed,
} from '@waybill/contracts';
import { createLoginGate } from './login-gate.ts';
import {
  assertNothingLost,
  auditOf,
  bench,
  loads,
  MESSAGES,
  nowS,
  progressOf,
  SECOND_TOKEN,
  START_MS,
  TOKEN,
} from './testing/bench.ts';
import {
  assertProgressIsTrue,
  committed,
  createOwner,
  createPorts,
  publishedTimes,
  untilTurn,
} from './testing/owner.ts';
import { startProvider } from './testing/provider.ts';
import { startWorker } from './worker.ts';

test('an account is read in the documented order: login, items, subscription, intervals, feed', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  const [live, reader] = b.provider.sids;
  const seenBy = (sid: string | undefined): string[] =>
    b.provider.calls.filter((call) => call.sid === sid).map(({ service }) => service);
  assert.deepEqual(seenBy(live).slice(0, 5), [
    'core/search_items',
    'core/search_items',
    'resource/get_zone_data',
    'core/update_data_flags',
    'avl_evts',
  ]);
  assert.deepEqual(seenBy(reader), [
    'messages/load_interval',
    'messages/get_messages',
    'messages/get_messages',
    'messages/unload',
    'messages/load_interval',
    'messages/get_messages',
    'messages/get_messages',
    'messages/unload',
  ]);
  const search = b.provider.calls[1]?.parameters;
  assert.equal(search?.['flags'], 1 + 256 + 1024 + 8_388_608);
  const [load] = loads(b.provider);
  assert.deepEqual(load?.parameters, {
    itemId: 7001,
    timeFrom: b.account.readFromTime / 1000,
    timeTo: 4_294_967_295,
    flags: 0,
    flagsMask: 0,
    loadCount: 0,
  });
  assertNothingLost(b);
  assertProgressIsTrue(b.owner.log, b.registered);
  assert.deepEqual(auditOf(b.owner), ['LOGIN', 'LOGIN']);
  assert.equal(b.worker.health().state, 'live');
  assert.equal(b.worker.health().units, 2);
});

test('geofences are not read when no event of the tenant needs them', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  assert.ok(!b.services().includes('resource/get_zone_data'));
});

test('every page of an interval is one transaction with the unit’s cursor', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  let pages = 0;
  for (const records of b.owner.log) {
    for (const [index, record] of records.entries()) {
      const page = record.message?.value as PageFetched | undefined;
      if (page?.call !== 'messages/get_messages') continue;
      pages += 1;
      assert.equal(record.key, 'bay-cabs/fleet/cabs');
      assert.match(record.traceparent ?? '', /wialon messages\/get_messages/);
      const cursor = records[index + 1];
      assert.equal(cursor?.key, `bay-cabs/fleet/cabs/${page.unit}`);
      assert.equal(cursor.partitionKey, 'bay-cabs/fleet/cabs');
    }
  }
  assert.equal(pages, 4);
  const reached = committed<CursorMoved>(b.owner.log, 'CursorMoved')
    .filter(({ unit, hour_counts }) => unit !== null && hour_counts.length === 0)
    .map(({ unit, read_to_time }) => [unit, (read_to_time - START_MS) / 1000] as const);
  // The second page completes a unit: from then on its cursor is the provider's clock (1 s, when the
  // reader had logged in), not a device's.
  assert.deepEqual(reached, [
    ['wialon:7001', -200],
    ['wialon:7001', 1],
    ['wialon:7002', -200],
    ['wialon:7002', 1],
  ]);
  const counts = committed<CursorMoved>(b.owner.log, 'CursorMoved').find(
    ({ hour_counts }) => hour_counts.length > 0,
  );
  assert.deepEqual(counts?.hour_counts, [3, 0], 'what the proof compares stands in the cursor');
});

test('a live answer, the progress behind it and the live cursor are one transaction', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  b.register(7002, nowS(b.clock));
  const size = b.owner.log.length;
  await untilTurn('a live page', () =>
    b.owner.log.slice(size).some((records) => records.length === 3),
  );
  const records = b.owner.log.slice(size).find((transaction) => transaction.length === 3);
  assert.deepEqual(
    records?.map(({ message }) => message?.type),
    ['PageFetched', 'SourceProgressed', 'CursorMoved'],
  );
  const page = records?.[0]?.message?.value as PageFetched;
  const progress = records?.[1]?.message?.value as SourceProgressed;
  const cursor = records?.[2]?.message?.value as CursorMoved;
  assert.equal(page.call, 'avl_evts');
  assert.equal(page.provider_now_time, progress.complete_to_time);
  assert.equal(cursor.read_to_time, progress.complete_to_time);
  assert.equal(cursor.unit, null);
  assert.equal(records?.[2]?.key, 'bay-cabs/fleet/cabs');
});

test('progress is stated at least every 10 s of wall time, also when the provider’s clock stands', async (t) => {
  const b = await bench(t);
  const standing = nowS(b.clock);
  await b.provider.close();
  const still = await startProvider(() => standing);
  still.tokens.add(TOKEN);
  t.after(() => still.close());
  const owner = createOwner();
  const { ports } = createPorts(b.clock, async () => TOKEN);
  const worker = startWorker(
    { ...b.account, url: still.url },
    owner,
    ports,
    createLoginGate(b.clock),
  );
  b.worker = worker;
  await untilTurn('four statements', () => progressOf(owner).length >= 4);
  const times = progressOf(owner).map(({ received_time }) => received_time);
  for (const [index, time] of times.slice(1).entries()) {
    const gap = time - (times[index] ?? 0);
    assert.ok(gap >= 10_000 && gap <= 12_000, String(gap));
  }
});

test('a server that excludes indexTo is asked again instead of losing the last message', async (t) => {
  const b = await bench(t);
  b.provider.exclusiveIndexTo = true;
  b.start();
  await b.live();
  assertNothingLost(b);
  assertProgressIsTrue(b.owner.log, b.registered);
});

test('a session that expires in mid-interval is audited, replaced, and the interval read again', async (t) => {
  const b = await bench(t);
  b.provider.intercept = (call, n) => {
    if (call.service === 'messages/get_messages' && n === 2) b.provider.expireSessions();
    return undefined;
  };
  b.start();
  await b.live();
  // Both sessions are gone: the reader's, and the live one.
  assert.deepEqual(auditOf(b.owner).toSorted(), [
    ...['EXPIRY', 'EXPIRY', 'LOGIN', 'LOGIN', 'LOGIN', 'LOGIN'],
  ]);
  const lines = committed<SessionChanged>(b.owner.log, 'SessionChanged');
  assert.equal(lines.find(({ kind }) => kind === 'EXPIRY')?.error_code, 1);
  assert.equal(new Set(lines.map(({ session_hash }) => session_hash)).size, 4);
  // Where the unit had got to, less the lookback.
  assert.equal(loads(b.provider)[1]?.parameters['timeFrom'], START_MS / 1000 - 200 - 600);
  assertNothingLost(b);
  assertProgressIsTrue(b.owner.log, b.registered);
});

test('a session that ends while live loses nothing of what was registered in between', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  b.provider.expireSessions();
  b.register(7001, nowS(b.clock) - 50);
  await untilTurn('a new session', () => auditOf(b.owner).length >= 3);
  await b.live();
  assertNothingLost(b);
  assertProgressIsTrue(b.owner.log, b.registered);
});

test('a lost answer of the feed holds progress until all units were read again', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  const reached = progressOf(b.owner).at(-1)?.complete_to_time ?? 0;
  const loaded = loads(b.provider).length;
  let cut = false;
  b.provider.intercept = (call) => {
    if (call.service !== 'avl_evts' || cut) return undefined;
    cut = true;
    b.register(7001, nowS(b.clock));
    return 'cut';
  };
  await untilTurn('the cut', () => cut);
  await b.live();
  const again = loads(b.provider).slice(loaded);
  assert.deepEqual(
    again.map(({ parameters }) => parameters['itemId']),
    [7001, 7002],
  );
  const from = Number(again[0]?.parameters['timeFrom']) * 1000;
  assert.ok(from >= reached - 600_000 && from < b.clock.now() - 590_000, String(from));
  assertNothingLost(b);
  assertProgressIsTrue(b.owner.log, b.registered);
  assert.deepEqual(auditOf(b.owner), ['LOGIN', 'LOGIN'], 'the sessions are still good');
});

test('a restart reads all units from the live cursor less the lookback', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  await b.worker.stop();
  const reached = progressOf(b.owner).at(-1)?.complete_to_time ?? 0;
  const published = b.owner.log.slice();
  b.clock.pass(30_000);
  b.register(7001, nowS(b.clock) - 500);
  const late = [...b.registered.keys()].at(-1) ?? '';
  const loaded = loads(b.provider).length;
  b.restart();
  await b.live();
  assert.equal(Number(loads(b.provider)[loaded]?.parameters['timeFrom']) * 1000, reached - 600_000);
  assertProgressIsTrue([...published, ...b.owner.log], b.registered);
  assert.ok(publishedTimes(b.owner.log).includes(late), 'registered while nobody listened');
});

test('leaving frees the session at the provider and says so in the audit', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  await b.worker.stop();
  assert.equal(b.services().at(-1), 'core/logout');
  assert.equal(auditOf(b.owner).at(-1), 'LOGOUT');
  assert.equal(b.worker.health().state, 'stopped');
});

test('the second token is used when the provider refuses the first', async (t) => {
  const b = await bench(t, { tokens: ['secret://files/a#token', 'secret://files/a#second'] });
  b.provider.tokens.clear();
  b.provider.tokens.add(SECOND_TOKEN);
  b.start();
  await b.live();
  const lines = committed<SessionChanged>(b.owner.log, 'SessionChanged');
  assert.deepEqual(
    lines.map(({ kind, error_code }) => [kind, error_code]),
    [
      ['FAILURE', 8],
      ['LOGIN', null],
      // The reader starts with the token that worked.
      ['LOGIN', null],
    ],
  );
});

test('an account whose tokens are all refused waits for a person, and continues with the new secret', async (t) => {
  const b = await bench(t);
  b.secrets.set('secret://files/a#token', 'wrong');
  b.start();
  await untilTurn('three refusals', () => auditOf(b.owner).length >= 3);
  assert.equal(b.worker.health().state, 'refused');
  const logins = b.services().filter((service) => service === 'token/login').length;
  const elapsed = b.clock.now() - START_MS;
  assert.ok(elapsed >= (logins - 1) * 60_000, `${logins} logins in ${elapsed} ms`);
  b.secrets.set('secret://files/a#token', TOKEN);
  await b.live();
  assert.equal(b.worker.health().state, 'live');
});

test('a secret that is missing stops the account, not the process', async (t) => {
  const b = await bench(t);
  b.secrets.clear();
  b.start();
  await untilTurn('refused', () => b.worker.health().state === 'refused');
  assert.ok(b.lines.some((line) => line.includes('account.interrupted')));
});

test('an interval that is too much for one call is halved until it fits, oldest first', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.provider.intercept = (call) => {
    if (call.service !== 'messages/load_interval') return undefined;
    const { timeFrom, timeTo } = call.parameters;
    return Number(timeTo) - Number(timeFrom) > 1000 && Number(timeFrom) < nowS(b.clock)
      ? { error: Number(timeFrom) % 2 === 0 ? 1004 : 1005 }
      : undefined;
  };
  b.start();
  await b.live();
  assertNothingLost(b);
  const pages = committed<PageFetched>(b.owner.log, 'PageFetched').filter(
    ({ unit }) => unit === 'wialon:7001',
  );
  const starts = pages.map(({ window_from_time }) => window_from_time ?? 0);
  assert.deepEqual(
    starts,
    starts.toSorted((x, y) => x - y),
  );
  const reached = committed<CursorMoved>(b.owner.log, 'CursorMoved')
    .filter(({ unit, hour_counts }) => unit === 'wialon:7001' && hour_counts.length === 0)
    .map(({ read_to_time }) => read_to_time);
  assert.equal(reached.at(-1), START_MS + 1000);
  assert.ok(
    reached.slice(0, -1).every((time) => time < START_MS),
    'complete only with the last window',
  );
});

test('limits, inner failures and cut connections are tried again with growing waits', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  const plan = [
    { error: 1003, reason: 'LIMIT api_concurrent' },
    { error: 6 },
    'cut',
    { status: 502 },
  ] as const;
  b.provider.intercept = (call, n) =>
    call.service === 'messages/load_interval' ? plan[n - 1] : undefined;
  b.start();
  await b.live();
  assert.deepEqual(auditOf(b.owner), ['LOGIN', 'LOGIN']);
  // A limit answer waits at random (0 here), then 2, 4 and 8 s; polls of the feed go on every 2 s.
  assert.deepEqual(
    b.clock.waits.filter((ms) => [0, 4000, 8000].includes(ms)),
    [0, 4000, 8000],
  );
  assertNothingLost(b);
});

test('a call that keeps failing leads to a new session, later and later', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  let broken = true;
  b.provider.intercept = (call) =>
    broken && call.service === 'core/search_items' ? { error: 6 } : undefined;
  b.start();
  await untilTurn('three logins', () => auditOf(b.owner).length >= 3);
  assert.equal(b.worker.health().complete_to, null);
  broken = false;
  await b.live();
  assertNothingLost(b);
});

test('an unit whose messages may not be read does not hold the others, and is read whole later', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  let denied = true;
  b.provider.intercept = (call) =>
    denied && call.service === 'messages/load_interval' && call.parameters['itemId'] === 7002
      ? { error: 7 }
      : undefined;
  b.start();
  await b.live();
  assert.ok(!b.owner.cursors.has('bay-cabs/fleet/cabs/wialon:7002'));
  assert.ok(b.lines.some((line) => line.includes('unit.unreadable')));
  denied = false;
  // The next discovery is due after five minutes of wall time.
  await untilTurn('the unit to be read', () =>
    b.owner.cursors.has('bay-cabs/fleet/cabs/wialon:7002'),
  );
  assert.equal(loads(b.provider).at(-1)?.parameters['timeFrom'], b.account.readFromTime / 1000);
  await b.live();
  assertNothingLost(b);
});

test('a unit that appears is subscribed, read from the first instant, and holds progress until then', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  b.provider.units.add(7003);
  b.register(7003, nowS(b.clock) - 1000);
  b.register(7003, nowS(b.clock) - 900);
  // Nobody is told of messages of a unit that the account could not see yet.
  const unseen = [...b.registered].filter(([time]) => time.startsWith('wialon:7003'));
  for (const [time] of unseen) b.registered.delete(time);
  b.provider.announce({ i: -5, t: 'u', d: { r: [], a: [{ ids: [7003] }] } });
  await untilTurn('the unit to be read', () =>
    b.owner.cursors.has('bay-cabs/fleet/cabs/wialon:7003'),
  );
  for (const [time] of unseen) b.registered.set(time, nowS(b.clock));
  b.register(7003, nowS(b.clock));
  await b.live();
  await b.live();
  assertNothingLost(b);
  const subscription = b.provider.calls.findLast(
    ({ service }) => service === 'core/update_data_flags',
  );
  assert.deepEqual(subscription?.parameters['spec'], [
    { type: 'col', data: [7003], flags: 33, mode: 1, max_items: 0 },
  ]);
});

test('an answer too large for one record is published in parts that stand for themselves', async (t) => {
  const b = await bench(t, { pageMessages: 10_000, wants: MESSAGES });
  for (let second = 0; second < 3000; second += 1) {
    const at = nowS(b.clock) - 3500 + second;
    b.provider.register(7001, { t: at, p: 'x'.repeat(400) } as { t: number });
    b.registered.set(`wialon:7001/${at}`, nowS(b.clock));
  }
  b.start();
  await b.live();
  assertNothingLost(b);
  const parts = committed<PageFetched>(b.owner.log, 'PageFetched').filter(({ parts }) => parts > 1);
  assert.ok(parts.length >= 3);
  assert.ok(parts.every(({ body }) => body.length <= 524_288));
  const sizes = b.owner.log.map((records) =>
    records.reduce(
      (sum, { message }) => sum + ((message?.value as PageFetched | null)?.body?.length ?? 0),
      0,
    ),
  );
  assert.ok(Math.max(...sizes) < 1_000_000, 'a broker takes no more at once');
});

test('a failed commit makes the units be read again instead of losing the answer', async (t) => {
  const b = await bench(t);
  b.start();
  await b.live();
  b.register(7001, nowS(b.clock));
  const { Fault } = await import('@waybill/fault');
  let failures = 1;
  b.owner.failing = () => {
    failures -= 1;
    return failures < 0
      ? undefined
      : new Fault('the broker is away', {
          kind: 'transient',
          code: 'COMMIT_UNKNOWN',
          stage: 'commit',
        });
  };
  await untilTurn('the failure', () => failures < 0);
  await b.live();
  assertNothingLost(b);
  assertProgressIsTrue(b.owner.log, b.registered);
});

test('a bug is not swallowed', async (t) => {
  const b = await bench(t);
  b.start();
  b.owner.failing = () => new TypeError('x is not a function');
  await assert.rejects(b.worker.done, /x is not a function/);
  b.worker = { ...b.worker, stop: async () => undefined };
});

test('neither token nor session id stands in any record or log line', async (t) => {
  const b = await bench(t, { tokens: ['secret://files/a#second', 'secret://files/a#token'] });
  b.start();
  await b.live();
  b.provider.expireSessions();
  b.register(7001, nowS(b.clock));
  await b.live();
  await untilTurn('a new session', () => auditOf(b.owner).length >= 4);
  await b.worker.stop();
  const everything = [
    ...b.lines,
    ...b.owner.log.flat().map(({ key, message }) =>
      JSON.stringify({
        key,
        message,
        body: String((message?.value as PageFetched | undefined)?.body),
      }),
    ),
  ].join('\n');
  assert.match(everything, /avl_evts/);
  for (const secret of [TOKEN, SECOND_TOKEN, ...b.provider.sids]) {
    assert.ok(!everything.includes(secret), `${secret} stands in a record or line`);
  }
});

test('the feed is asked at most ten times in 10 s, and emptied while long intervals are read', async (t) => {
  const b = await bench(t, { pollIntervalMs: 1000, pageMessages: 1, wants: MESSAGES });
  const polls: number[] = [];
  let slow = true;
  b.provider.intercept = (call) => {
    if (call.service === 'avl_evts') polls.push(b.clock.now());
    if (call.service === 'messages/get_messages' && slow) b.clock.pass(40_000);
    return undefined;
  };
  b.start();
  await b.live();
  assert.ok(polls.length >= 5, `${polls.length} polls while six pages took 240 s`);
  slow = false;
  for (let round = 0; round < 20; round += 1) await b.live();
  for (const [index, at] of polls.entries()) {
    const tenth = polls[index + 10];
    assert.ok(tenth === undefined || tenth - at >= 10_000);
  }
});
