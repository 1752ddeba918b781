import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Fault } from '@waybill/fault';
import { createPool, transaction, type Pool } from '@waybill/postgres';
import { testPostgres, type TestPostgres } from '@waybill/testkit';
import * as fc from 'fast-check';
import { createInbox, type Inbox } from './inbox.ts';
import {
  UNASSIGNED,
  type InboxFact,
  type LaneClaim,
  type OutboxRow,
  type RowResult,
  type Settled,
} from './types.ts';

let server: TestPostgres;
let pool: Pool;
let now: number;
let inbox: Inbox;

before(async () => {
  server = await testPostgres();
  pool = createPool(await server.createDatabase(), { applicationName: 'test', max: 10 });
  inbox = createInbox({ pool, now: () => now, random: () => 0 });
  await inbox.migrate();
});
after(async () => {
  await pool.end();
  await server.stop();
});
beforeEach(async () => {
  now = 1_000_000_000_000;
  await pool.query(
    'TRUNCATE delivery.inbox, delivery.lane, delivery.target, delivery.outbox RESTART IDENTITY',
  );
});

function fact(eventId: string, change: Partial<InboxFact> = {}): InboxFact {
  const lane = change.lane ?? 'u1';
  return {
    tenantId: 'acme',
    target: 'erp',
    entity: 'trip',
    eventId,
    entityId: `trip-${eventId}`,
    lane,
    refs: [`vehicle/${lane}`],
    message: { note: 'as it came' },
    original: Buffer.from([0, 1, 2, 255]),
    traceparent: undefined,
    source: { topic: 'fleet.trip.event.v1', partition: 1, offset: 9_007_199_254_740_993n },
    eventTime: 5000,
    providerTime: 6000,
    receivedTime: 7000,
    revision: 1,
    activation: 1,
    ...change,
  };
}

async function put(...facts: readonly InboxFact[]) {
  return transaction(pool, (tx) => inbox.enqueue(tx, facts));
}

const done: RowResult = {
  kind: 'done',
  outcome: 'INSERTED',
  erpTable: 'erp.trip',
  erpKey: 'k',
  vehicleId: 'V',
  businessDate: '2026-01-01',
};

function fault(kind: Fault['kind'], code = 'DB_BUSY'): Fault {
  return new Fault('no luck', { kind, code, stage: 'deliver' });
}

const busy: RowResult = { kind: 'retry', fault: fault('transient') };

async function settleAll(claim: LaneClaim, result: RowResult): Promise<readonly Settled[]> {
  const settled = await inbox.settle(
    claim,
    claim.rows.map((row) => ({
      row,
      result,
      outbox: (what) => [
        { kind: what.state, key: row.lane, payload: { id: row.eventId }, traceparent: undefined },
      ],
    })),
  );
  assert.ok(settled, 'the lease was lost');
  return settled;
}

async function claimOne(): Promise<LaneClaim> {
  const [claim, ...others] = await inbox.claim(10);
  assert.ok(claim, 'nothing was claimed');
  assert.equal(others.length, 0);
  return claim;
}

async function stored(eventId: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<Record<string, unknown>>(
    'SELECT * FROM delivery.inbox WHERE event_id = $1',
    [eventId],
  );
  assert.ok(rows[0]);
  return rows[0];
}

/** Runs everything that is due until nothing is; returns event ids in the order of delivery. */
async function deliverAll(result: (eventId: string) => RowResult = () => done): Promise<string[]> {
  const delivered: string[] = [];
  for (let round = 0; round < 1000; round += 1) {
    const claims = await inbox.claim(10);
    if (claims.length === 0) return delivered;
    for (const claim of claims) {
      const [row] = claim.rows;
      assert.ok(row);
      delivered.push(row.eventId);
      await inbox.settle(claim, [{ row, result: result(row.eventId), outbox: () => [] }]);
    }
  }
  assert.fail('deliveries never end');
}

test('a fact goes in, is claimed as it was, and is done', async () => {
  assert.deepEqual(await put(fact('a')), { accepted: 1, known: 0 });
  assert.equal((await inbox.counts()).due, 1);
  const claim = await claimOne();
  const [row] = claim.rows;
  assert.ok(row);
  assert.deepEqual(row.message, { note: 'as it came' });
  assert.deepEqual(row.original, Buffer.from([0, 1, 2, 255]));
  assert.equal(row.source.offset, 9_007_199_254_740_993n);
  assert.deepEqual([row.eventTime, row.providerTime, row.receivedTime], [5000, 6000, 7000]);
  assert.equal((await inbox.counts()).in_flight, 1);
  assert.deepEqual(await settleAll(claim, done), [{ state: 'done' }]);
  const counts = await inbox.counts();
  assert.deepEqual([counts.due, counts.in_flight, counts.outbox], [0, 0, 1]);
  assert.equal((await stored('a'))['outcome'], 'INSERTED');
});

test('property: whatever the order of revisions and deliveries, the newest is delivered last', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ revision: fc.integer({ min: 1, max: 9 }), deliver: fc.boolean() }), {
        minLength: 1,
        maxLength: 12,
      }),
      async (steps) => {
        await pool.query('TRUNCATE delivery.inbox, delivery.lane');
        const seen: number[] = [];
        const deliver = async (): Promise<void> => {
          for (const claim of await inbox.claim(5)) {
            seen.push(...claim.rows.map((row) => row.revision));
            await settleAll(claim, done);
          }
        };
        for (const { revision, deliver: now } of steps) {
          await put(fact('p', { revision }));
          if (now) await deliver();
        }
        await deliver();
        assert.equal(seen.at(-1), Math.max(...steps.map(({ revision }) => revision)));
        assert.deepEqual(
          seen,
          [...new Set(seen)].toSorted((a, b) => a - b),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test('of several revisions in one batch the newest counts', async () => {
  const counts = await put(fact('a', { revision: 2 }), fact('a', { revision: 3 }), fact('a'));
  assert.deepEqual(counts, { accepted: 1, known: 2 });
  assert.equal((await claimOne()).rows[0]?.revision, 3);
});

test('a revision that comes while the older one is in flight is delivered next', async () => {
  await put(fact('a'));
  const claim = await claimOne();
  await put(fact('a', { revision: 2 }));
  assert.deepEqual(await inbox.claim(10), [], 'one in flight per lane');
  await settleAll(claim, done);
  assert.equal((await stored('a'))['state'], 'due');
  const next = await claimOne();
  assert.equal(next.rows[0]?.revision, 2);
  await settleAll(next, done);
  assert.equal((await stored('a'))['state'], 'done');
});

test('a lane is delivered in order of event time, however it was enqueued', async () => {
  await put(fact('c', { eventTime: 3000 }), fact('a', { eventTime: 1000 }));
  await put(fact('b', { eventTime: 2000 }));
  assert.deepEqual(
    (await claimOne()).rows.map((row) => row.eventId),
    ['a', 'b', 'c'],
  );
});

test('turns are fair: a full target does not hold the other one back', async () => {
  const many = Array.from({ length: 20 }, (_, n) => fact(`a${n}`, { lane: `a${n}` }));
  await put(...many);
  now += 1000;
  await put(fact('z', { tenantId: 'zeta', lane: 'z' }));
  const claims = await inbox.claim(2);
  assert.deepEqual(claims.map(({ tenantId }) => tenantId).toSorted(), ['acme', 'zeta']);
});

test('what a dead worker held comes back when its lease ends; the dead cannot settle', async () => {
  await put(fact('a'));
  const dead = await claimOne();
  now += 5999;
  assert.deepEqual(await inbox.claim(10), []);
  now += 1;
  const taken = await claimOne();
  const late = await inbox.settle(dead, [
    { row: dead.rows[0]!, result: done, outbox: () => assert.fail('must not be told') },
  ]);
  assert.equal(late, undefined);
  await settleAll(taken, done);
  assert.equal((await inbox.counts()).outbox, 1);
});

test('a transient failure waits 1, 2, 4 … s and holds its lane back, not the others', async () => {
  await put(fact('a', { eventTime: 1 }), fact('b', { eventTime: 2 }));
  await put(fact('other', { lane: 'u2' }));
  const [first, second] = await inbox.claim(10);
  assert.ok(first && second);
  const broken = first.lane === 'u1' ? first : second;
  const fine = first.lane === 'u1' ? second : first;
  const [settled] = await settleAll({ ...broken, rows: broken.rows.slice(0, 1) }, busy);
  assert.deepEqual(settled, { state: 'retry', attempts: 1, dueAt: now + 1000 });
  await settleAll(fine, done);
  assert.deepEqual(await inbox.claim(10), []);
  assert.equal((await inbox.counts()).due, 2);
  now += 1000;
  const again = await claimOne();
  assert.deepEqual(
    again.rows.map((row) => [row.eventId, row.attempts]),
    [
      ['a', 1],
      ['b', 0],
    ],
  );
});

async function exhaust(eventId: string, between: () => Promise<void>): Promise<Settled> {
  let last: Settled | undefined;
  for (let attempt = 1; attempt <= 6; attempt += 1) {
    const claims = await inbox.claim(10);
    const claim = claims.find(({ rows }) => rows[0]?.eventId === eventId);
    assert.ok(claim, `attempt ${attempt} was not claimed`);
    [last] = await settleAll(claim, busy);
    await between();
    now += 60_000;
  }
  assert.ok(last);
  return last;
}

test('used-up retries are a dead letter when another key was delivered since the first failure', async () => {
  await put(fact('bad'));
  let n = 0;
  const last = await exhaust('bad', async () => {
    n += 1;
    await put(fact(`good-${n}`, { lane: 'u2' }));
    const claims = await inbox.claim(10);
    for (const claim of claims) await settleAll(claim, done);
  });
  assert.deepEqual(last, { state: 'dead', attempts: 6, exhausted: true });
  const row = await stored('bad');
  assert.deepEqual([row['state'], row['outcome']], ['done', 'DEAD_LETTERED']);
  assert.equal(row['reason'], 'EXHAUSTED: DB_BUSY');
});

test('without that evidence the breaker opens, nothing is dead-lettered, probes bring it back', async () => {
  await put(fact('bad'));
  const last = await exhaust('bad', async () => undefined);
  assert.deepEqual(last, { state: 'weather', attempts: 5 });
  const open = await inbox.counts();
  assert.deepEqual([open.due, open.open_breakers], [1, ['acme/erp']]);
  const probe = await claimOne();
  assert.equal(probe.probe, true);
  await settleAll(probe, busy);
  assert.deepEqual(await inbox.claim(10), [], 'the next probe comes later');
  now += 2000;
  const second = await claimOne();
  await settleAll(second, done);
  const closed = await inbox.counts();
  assert.deepEqual([closed.due, closed.open_breakers], [0, []]);
});

test('several keys that fail in a row open the breaker; probes take turns over the oldest', async () => {
  const lanes = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'];
  for (const lane of lanes) {
    await put(fact(lane, { lane }));
    now += 10;
  }
  for (const claim of (await inbox.claim(5)).slice(0, 5)) await settleAll(claim, busy);
  assert.deepEqual((await inbox.counts()).open_breakers, ['acme/erp']);
  const probed: string[] = [];
  for (let n = 0; n < 5; n += 1) {
    now += 31_000;
    const probe = await claimOne();
    probed.push(probe.lane);
    assert.equal(probe.rows.length, 1);
    await settleAll(probe, busy);
  }
  assert.equal(new Set(probed).size, 5, `probes went to ${probed.join()}`);
  now += 31_000;
  await settleAll(await claimOne(), done);
  const delivered = await deliverAll();
  assert.equal(delivered.length, 5, 'everything else is due at once');
});

test('unmapped facts wait for their id, let others pass, and come out in event order', async () => {
  await put(
    fact('late', { eventTime: 3000 }),
    fact('early', { eventTime: 1000 }),
    fact('mapped', { eventTime: 2000 }),
  );
  const wait: RowResult = { kind: 'wait', key: 'acme/vehicle/u1', reason: 'UNMAPPED' };
  const claim = await claimOne();
  await inbox.settle(
    claim,
    claim.rows.map((row) => ({
      row,
      result: row.eventId === 'mapped' ? done : wait,
      outbox: () => [],
    })),
  );
  const counts = await inbox.counts();
  assert.deepEqual([counts.due, counts.waiting_for], [0, 2]);
  assert.equal(await transaction(pool, (tx) => inbox.release(tx, 'acme/vehicle/u1')), 2);
  assert.deepEqual(
    (await claimOne()).rows.map((row) => row.eventId),
    ['early', 'late'],
  );
});

test('an id that changes for a span of time reworks the facts of that span and nothing else', async () => {
  await put(
    fact('before', { eventTime: 999 }),
    fact('from', { eventTime: 1000 }),
    fact('last', { eventTime: 1999 }),
    fact('to', { eventTime: 2000 }),
    fact('elsewhere', { eventTime: 1500, lane: 'u2' }),
  );
  await deliverAll();
  const reworked = await transaction(pool, (tx) =>
    inbox.resolveAgain(tx, {
      tenantId: 'acme',
      ref: 'vehicle/u1',
      spans: [{ from: 1000, to: 2000 }],
    }),
  );
  assert.equal(reworked, 2);
  const claim = await claimOne();
  assert.deepEqual(
    claim.rows.map((row) => [row.eventId, row.resolution]),
    [
      ['from', 2],
      ['last', 2],
    ],
  );
});

test('a mapping that changes while the fact is in flight is not lost', async () => {
  await put(fact('a'));
  const claim = await claimOne();
  const spans = [{ from: null, to: null }];
  await transaction(pool, (tx) =>
    inbox.resolveAgain(tx, { tenantId: 'acme', ref: 'vehicle/u1', spans }),
  );
  await settleAll(claim, { kind: 'wait', key: 'acme/vehicle/u1', reason: 'UNMAPPED' });
  assert.equal((await claimOne()).rows[0]?.resolution, 2);
});

test('a parked row is looked at again at its time and remembers since when it is parked', async () => {
  await put(fact('a'));
  const wait: RowResult = { kind: 'wait', key: 'k', reason: 'ROW_MISSING', recheckMs: 60_000 };
  assert.deepEqual(await settleAll(await claimOne(), wait), [{ state: 'parked', changed: true }]);
  const since = now;
  assert.equal(await inbox.wake(), 0);
  now += 60_000;
  assert.equal(await inbox.wake(), 1);
  const again = await claimOne();
  assert.equal(again.rows[0]?.parkedSince, since);
});

test('a misconfigured lane stands still until somebody resumes its tenant', async () => {
  await put(fact('a', { eventTime: 1 }), fact('b', { eventTime: 2 }));
  const claim = await claimOne();
  const pause: RowResult = { kind: 'pause', fault: fault('misconfigured', 'DB_SCHEMA') };
  await settleAll({ ...claim, rows: claim.rows.slice(0, 1) }, pause);
  assert.deepEqual(await inbox.claim(10), []);
  await transaction(pool, (tx) => inbox.resume(tx, 'acme'));
  assert.equal((await claimOne()).rows.length, 2);
});

test('settings that let nobody in open the breaker at once and cost no attempt', async () => {
  await put(fact('a'));
  const down: RowResult = { kind: 'target_down', fault: fault('misconfigured', 'DB_LOGIN') };
  await settleAll(await claimOne(), down);
  assert.deepEqual((await inbox.counts()).open_breakers, ['acme/erp']);
  now += 1000;
  const probe = await claimOne();
  assert.equal(probe.rows[0]?.attempts, 0);
  await settleAll(probe, done);
  assert.deepEqual((await inbox.counts()).open_breakers, []);
});

test('facts of a tenant that nobody knows yet wait and get its target later', async () => {
  await put(fact('a', { target: UNASSIGNED, waitFor: 'acme/config' }));
  assert.equal((await inbox.counts()).waiting_for, 1);
  const mapped = { tenantId: 'acme', ref: 'vehicle/u1', spans: [{ from: null, to: null }] };
  assert.equal(await transaction(pool, (tx) => inbox.resolveAgain(tx, mapped)), 0);
  assert.equal(await transaction(pool, (tx) => inbox.assignTarget(tx, 'acme', 'erp')), 1);
  assert.equal((await claimOne()).target, 'erp');
});

test('the outbox is written with the outcome, published in order, and kept when that fails', async () => {
  await put(fact('a', { eventTime: 1 }), fact('b', { eventTime: 2 }));
  await settleAll(await claimOne(), done);
  await assert.rejects(
    inbox.drainOutbox(async () => {
      throw fault('transient', 'BROKER_AWAY');
    }),
    { code: 'BROKER_AWAY' },
  );
  const published: OutboxRow[] = [];
  const drained = await inbox.drainOutbox(async (rows) => void published.push(...rows));
  assert.equal(drained, 2);
  assert.deepEqual(
    published.map(({ payload }) => payload),
    [{ id: 'a' }, { id: 'b' }],
  );
  assert.equal((await inbox.counts()).outbox, 0);
});

test('only one instance publishes at a time', async () => {
  await put(fact('a'));
  await settleAll(await claimOne(), done);
  let other = -1;
  await inbox.drainOutbox(async () => {
    other = await inbox.drainOutbox(async () => assert.fail('published twice'));
  });
  assert.equal(other, 0);
});

test('two workers and a writer at once: every fact once, every lane in order', async () => {
  const real = createInbox({ pool, random: Math.random });
  const seen = new Map<string, number[]>();
  let delivered = 0;
  let writing = true;
  const total = 400;
  const write = async (): Promise<void> => {
    for (let n = 0; n < total; n += 20) {
      const batch = Array.from({ length: 20 }, (_, k) =>
        fact(`e${n + k}`, { lane: `u${(n + k) % 7}`, eventTime: n + k }),
      );
      await transaction(pool, (tx) => real.enqueue(tx, batch));
    }
    writing = false;
  };
  const work = async (): Promise<void> => {
    for (let empty = 0; empty < 20;) {
      const claims = await real.claim(2);
      empty = claims.length === 0 && !writing ? empty + 1 : 0;
      for (const claim of claims) {
        const lane = seen.get(claim.lane) ?? [];
        seen.set(claim.lane, [...lane, ...claim.rows.map((row) => row.eventTime)]);
        delivered += claim.rows.length;
        const settled = await real.settle(
          claim,
          claim.rows.map((row) => ({ row, result: done, outbox: () => [] })),
        );
        assert.ok(settled);
      }
    }
  };
  await Promise.all([write(), work(), work()]);
  assert.equal(delivered, total);
  for (const times of seen.values()) {
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  }
  assert.equal((await real.counts()).due, 0);
});
