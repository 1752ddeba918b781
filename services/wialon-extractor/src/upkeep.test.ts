import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  topics,
  type BackfillMarked,
  type MessagesCounted,
  type PageFetched,
  type ReworkProgressed,
  type ReworkRequested,
  type SessionChanged,
  type Topic,
} from '@waybill/contracts';
import {
  assertNothingLost,
  auditOf,
  bench,
  loads,
  MESSAGES,
  nowS,
  START_MS,
  type Bench,
} from './testing/bench.ts';
import { committed, publishedTimes, timesOf, untilTurn } from './testing/owner.ts';

const HOUR = 3600;
const startS = START_MS / 1000;

test('an hour in which late messages arrived is read again within the hour, and only that hour', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  const loaded = loads(b.provider).length;
  b.register(7001, nowS(b.clock) - 9 * HOUR);
  await untilTurn('the hour to be read', () => loads(b.provider).length > loaded);
  const [again] = loads(b.provider).slice(loaded);
  const hour = Math.floor((startS - 9 * HOUR) / HOUR) * HOUR;
  assert.equal(again?.parameters['itemId'], 7001);
  assert.equal(again?.parameters['timeFrom'], hour);
  assert.equal(again?.parameters['timeTo'], hour + HOUR - 1);
  assert.ok(b.clock.now() - START_MS < 3_600_000);
  assertNothingLost(b);
});

test('an hour that was marked before a restart is read again after it, and not a second time', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  const late = nowS(b.clock) - 9 * HOUR;
  const hour = Math.floor(late / HOUR);
  b.register(7001, late);
  const dirtyOf = (): readonly number[] | undefined => {
    const message = b.owner.cursors.get('bay-cabs/fleet/cabs/wialon:7001');
    return message?.type === 'CursorMoved' ? message.value.dirty_hours : undefined;
  };
  await untilTurn('the mark', () => dirtyOf()?.length === 1);
  assert.deepEqual(dirtyOf(), [hour]);
  const withPage = b.owner.log.find((records) =>
    records.some(({ key, message }) => {
      const page = message?.type === 'PageFetched' ? (message.value as PageFetched) : undefined;
      return key === 'bay-cabs/fleet/cabs' && page !== undefined && timesOf(page).length === 1;
    }),
  );
  assert.ok(
    withPage?.some(({ key }) => key.endsWith('/wialon:7001')),
    'in the transaction of its page',
  );
  await b.worker.stop();
  const hoursRead = (): number =>
    loads(b.provider).filter(({ parameters }) => parameters['timeFrom'] === hour * HOUR).length;
  assert.equal(hoursRead(), 0, 'nobody had read it');
  b.restart();
  await b.live();
  await untilTurn('the hour', () => hoursRead() === 1 && dirtyOf()?.length === 0);
  await b.worker.stop();
  b.restart();
  await b.live();
  b.clock.pass(3_600_000);
  await b.live();
  assert.equal(hoursRead(), 1);
});

test('a unit that vanished is asked for once, its cursor goes with the answer, and it may come back', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  const key = 'bay-cabs/fleet/cabs/wialon:7002';
  assert.ok(b.owner.cursors.has(key));
  b.provider.units.delete(7002);
  b.provider.announce({ i: -5, t: 'u', d: {} });
  await untilTurn('the unit to be gone', () => !b.owner.cursors.has(key));
  const batches = (): PageFetched[] =>
    committed<PageFetched>(b.owner.log, 'PageFetched').filter(({ call }) => call === 'core/batch');
  assert.equal(batches()[0]?.body.toString(), '[{"error":7}]');
  assert.match(batches()[0]?.parameters ?? '', /"svc":"core\/search_item","params":\{"id":7002/);
  b.clock.pass(400_000);
  await b.live();
  await b.live();
  assert.equal(batches().length, 1);
  b.provider.units.add(7002);
  b.provider.announce({ i: -5, t: 'u', d: {} });
  const loaded = loads(b.provider).length;
  await untilTurn('the unit to be read', () => b.owner.cursors.has(key));
  const [again] = loads(b.provider).slice(loaded);
  assert.equal(again?.parameters['timeFrom'], b.account.readFromTime / 1000);
  assertNothingLost(b);
});

test('a night counts every unit by hour, reads what differs, and leaves evidence', async (t) => {
  const b = await bench(t, {
    wants: MESSAGES,
    readFromTime: START_MS - 20 * 86_400_000,
    proof: { hourUtc: 13, days: 10 },
  });
  b.start();
  await b.live();
  // Registered while the answer of the feed is lost, and older than the lookback: no interval has it.
  const old = [nowS(b.clock) - 15 * HOUR, nowS(b.clock) - (9 * 24 + 15) * HOUR];
  let cut = false;
  b.provider.intercept = (call) => {
    if (call.service !== 'avl_evts' || cut) return undefined;
    cut = true;
    for (const second of old) b.register(7002, second);
    return 'cut';
  };
  await untilTurn('the cut', () => cut);
  await b.live();
  const found = (): string[] => publishedTimes(b.owner.log);
  assert.ok(!found().includes(`wialon:7002/${old[0]}`));
  b.clock.pass(86_400_000);
  await untilTurn('yesterday', () => found().includes(`wialon:7002/${old[0]}`));
  await untilTurn('the day that turned old', () => found().includes(`wialon:7002/${old[1]}`));
  assertNothingLost(b);
  const counts = committed<MessagesCounted>(b.owner.log, 'MessagesCounted');
  const differing = counts.filter(({ reread_hours }) => reread_hours > 0);
  assert.deepEqual(
    differing.map(({ unit, reread_hours }) => [unit, reread_hours]),
    [
      ['wialon:7002', 1],
      ['wialon:7002', 1],
    ],
  );
  const [first] = differing;
  const at = first?.provider_counts.findIndex(
    (count, hour) => count !== first.extracted_counts[hour],
  );
  assert.equal(first?.provider_counts[at ?? -1], (first?.extracted_counts[at ?? -1] ?? 0) + 1);
  const batches = b.services().filter((service) => service === 'core/batch');
  assert.ok(batches.length >= 4, 'a day of a unit is one call');
});

test('a provider that answers no batch is asked hour by hour', async (t) => {
  const b = await bench(t, {
    wants: MESSAGES,
    readFromTime: START_MS - 3_600_000,
    proof: { hourUtc: 11, days: 1 },
  });
  b.provider.intercept = (call) => (call.service === 'core/batch' ? { error: 4 } : undefined);
  b.start();
  await b.live();
  b.clock.pass(86_400_000);
  await untilTurn('the counts', () => committed(b.owner.log, 'MessagesCounted').length >= 2);
  const counts = committed<MessagesCounted>(b.owner.log, 'MessagesCounted');
  assert.ok(
    counts.every(({ provider_counts, reread_hours }) => {
      const sum = provider_counts.reduce((total, count) => total + count, 0);
      return sum === 3 && reread_hours === 0;
    }),
    JSON.stringify(counts),
  );
});

function order(change: Partial<ReworkRequested>): ReworkRequested {
  return {
    rework_id: '0b7e11c4'.repeat(4),
    service: 'wialon-extractor',
    addresses: [],
    dead_letter_ids: [],
    topic: null,
    key: 'bay-cabs/wialon:7001',
    from_time: START_MS - 400_000,
    to_time: START_MS,
    partition: null,
    from_offset: null,
    to_offset: null,
    preview: false,
    rate_records_per_s: 100_000,
    requested_by: 'test',
    reread: null,
    requested_time: START_MS,
    ...change,
  };
}

const commands = topics.extractorRework as unknown as Topic;
const inBackfill = ({ topic }: { readonly topic: Topic }): boolean =>
  topic.name === topics.wialonPageBackfill.name;

/** An orderly stop; and a process that is gone, whose transactions under way are lost. */
const endings: Readonly<Record<string, (b: Bench) => void>> = {
  'a stop': () => undefined,
  'a kill': (b) => b.owner.revoke(),
};

for (const [ending, endOf] of Object.entries(endings)) {
  test(`a back-fill goes into its own topic with markers, resumes after ${ending}, and leaves live data alone`, async (t) => {
    const b = await bench(t, { wants: MESSAGES, pageMessages: 1 });
    b.start();
    await b.live();
    const value = order({ key: 'bay-cabs', rate_records_per_s: 1 });
    b.orders.apply(commands, value.rework_id, { type: 'ReworkRequested', value });
    const pages = (log = b.owner.log): string[] =>
      log
        .flat()
        .filter(inBackfill)
        .flatMap(({ message }) =>
          message?.type === 'PageFetched' ? timesOf(message.value as PageFetched) : [],
        );
    await untilTurn('some pages', () => pages().length >= 2);
    endOf(b);
    const before = b.owner.log.slice();
    await b.worker.stop();
    b.restart();
    const marks = (): string[] =>
      [...before, ...b.owner.log]
        .flat()
        .filter(({ message }) => message?.type === 'BackfillMarked')
        .map(({ message }) => (message?.value as BackfillMarked | undefined)?.mark ?? '');
    await untilTurn('the end marker', () => marks().includes('ENDED'));
    assert.deepEqual(marks(), ['STARTED', 'UNIT_ENDED', 'UNIT_ENDED', 'ENDED']);
    const all = [...pages(before), ...pages()];
    assert.deepEqual([...new Set(all)].toSorted(), [...b.registered.keys()].toSorted());
    assert.ok(all.length <= b.registered.size + 1, 'at most the page of the restart comes twice');
    const live = [...before, ...b.owner.log].flat().filter((record) => !inBackfill(record));
    assert.ok(live.some(({ message }) => message?.type === 'SourceProgressed'));
    const status = committed<ReworkProgressed>(b.owner.log, 'ReworkProgressed').at(-1);
    assert.equal(status?.status, 'DONE');
    assert.equal(status?.records_done, all.length);
    const seconds = (b.clock.now() - START_MS) / 1000;
    assert.ok(seconds >= 5, `one message per second was asked for: ${seconds} s`);
  });
}

test('a preview of a back-fill says how much it would read, and reads and writes nothing of it', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  const asked = b.provider.calls.length;
  const value = order({ key: 'bay-cabs', preview: true });
  b.orders.apply(commands, value.rework_id, { type: 'ReworkRequested', value });
  const status = (): ReworkProgressed | undefined =>
    committed<ReworkProgressed>(b.owner.log, 'ReworkProgressed').at(-1);
  await untilTurn('the end', () => status()?.status === 'DONE');
  assert.equal(status()?.preview, true);
  assert.equal(status()?.records_done, 6);
  assert.equal(status()?.reason, 'would read 6 messages of 2 units');
  assert.deepEqual(b.owner.log.flat().filter(inBackfill), []);
  const services = new Set(b.provider.calls.slice(asked).map(({ service }) => service));
  services.delete('avl_evts');
  assert.deepEqual([...services], ['messages/load_interval', 'messages/unload']);
});

test('a back-fill that cannot be done says why, and one that is cancelled ends', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  const bad = [
    order({ rework_id: '1'.repeat(32), from_time: null }),
    order({ rework_id: '2'.repeat(32), key: 'bay-cabs/wialon:9999' }),
    order({ rework_id: '3'.repeat(32), preview: true, to_time: null }),
    order({ rework_id: '4'.repeat(32), requested_time: START_MS + 1 }),
    order({ rework_id: '5'.repeat(32), key: 'other' }),
  ];
  for (const value of bad) {
    b.orders.apply(commands, value.rework_id, { type: 'ReworkRequested', value });
  }
  b.orders.apply(commands, '4'.repeat(32), {
    type: 'ReworkCancelled',
    value: { ...order({ rework_id: '4'.repeat(32) }) },
  });
  const statuses = (): string[] =>
    committed<ReworkProgressed>(b.owner.log, 'ReworkProgressed').map(
      ({ rework_id, status, reason }) => `${rework_id.slice(0, 1)} ${status} ${reason}`,
    );
  await untilTurn('four ends', () => statuses().length >= 4);
  assert.deepEqual(statuses(), [
    '1 FAILED a back-fill needs from and to, as device times',
    '2 FAILED bay-cabs/wialon:9999 names no unit of this account',
    '3 FAILED a back-fill needs from and to, as device times',
    '4 CANCELLED null',
  ]);
});

test('a token that was replaced is taken without a restart and without a gap', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  const loaded = loads(b.provider).length;
  const next = 'n'.repeat(72);
  b.provider.tokens.add(next);
  b.secrets.set('secret://files/a#token', next);
  await untilTurn('the refresh', () => auditOf(b.owner).includes('REFRESH'));
  b.register(7001, nowS(b.clock));
  await b.live();
  await b.live();
  assertNothingLost(b);
  assert.equal(loads(b.provider).length, loaded, 'nothing had to be read again');
  const refresh = committed<SessionChanged>(b.owner.log, 'SessionChanged').find(
    ({ kind }) => kind === 'REFRESH',
  );
  assert.equal(refresh?.reason, 'live: the token was replaced');
});

test('a reader without work polls every minute, and gives its session back after ten', async (t) => {
  const b = await bench(t, { wants: MESSAGES });
  b.start();
  await b.live();
  const reader = b.provider.sids[1];
  const polls = (): number =>
    b.provider.calls.filter(({ service, sid }) => service === 'avl_evts' && sid === reader).length;
  await untilTurn('the logout', () => auditOf(b.owner).includes('LOGOUT'));
  assert.ok(polls() >= 8 && polls() <= 10, `${polls()} heartbeats in 10 min`);
  assert.ok(!auditOf(b.owner).includes('EXPIRY'));
});
