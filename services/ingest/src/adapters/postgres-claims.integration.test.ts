// Many keys per statement, in any mixture, at two instances.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPool, type Pool } from '@waybill/postgres';
import { seededRandom, until } from '@waybill/testkit';
import type { Claim, ClaimRequest } from '../ports.ts';
import {
  claimed,
  claimOptions,
  claimRequest,
  count,
  idOf,
  openTwoStores,
  SIGNED_TIME,
  silent,
  type TwoStores,
} from '../testing/claim-requests.ts';
import { claimSettings, postgresClaims } from './postgres-claims.ts';

let doors: TwoStores;

before(async () => {
  doors = await openTwoStores();
});
after(() => doors.stop());

test('whatever comes together at two instances, a key is granted once and answered alike', async (t) => {
  const seed = 7;
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const pick = (range: number): number => Math.floor(random() * range);
  for (let round = 0; round < 10; round += 1) {
    // Few keys, bodies and signatures, so that every kind of meeting happens.
    const requests = Array.from({ length: 120 }, () => {
      const key = `r${round}-k${pick(12)}`;
      const signed = pick(4) === 0 ? undefined : `${key} s${pick(3)}`;
      return claimRequest(key, `b${pick(5) === 0 ? 1 : 0}`, signed);
    });
    const claims = await doors.claimAll(requests);
    const granted = new Map<string, ClaimRequest>();
    for (const [index, claim] of claims.entries()) {
      const asked = requests[index];
      assert.ok(asked);
      if (claim.kind !== 'granted') continue;
      assert.ok(!granted.has(asked.requestId), 'granted twice');
      granted.set(asked.requestId, asked);
    }
    assert.deepEqual(
      new Set(granted.keys()),
      new Set(requests.map(({ requestId }) => requestId)),
      'a key that nobody got',
    );
    for (const [index, claim] of claims.entries()) {
      const asked = requests[index];
      assert.ok(asked);
      if (claim.kind === 'granted') continue;
      const same = granted.get(asked.requestId)?.bodySha256 === asked.bodySha256;
      assert.equal(claim.kind, same ? 'running' : 'other_body');
    }
    // Each store ends what it granted; only then the other one knows.
    for (const { requestId } of granted.values()) {
      for (const store of doors.stores) store.complete(requestId);
    }
    await Promise.all(doors.stores.map((store) => store.close()));
    const again = await doors.claimAll([...granted.values(), ...granted.values()]);
    assert.equal(count(again, 'done'), 2 * granted.size);
  }
});

test('who completed a claim knows at once, and tells the database with the next claims', async () => {
  const [first, second] = doors.stores;
  const asked = claimRequest('told', 'b');
  assert.equal((await claimed(first, asked)).kind, 'granted');
  first.complete(asked.requestId);
  assert.deepEqual(await claimed(first, asked), { kind: 'done' });
  assert.deepEqual(await claimed(first, claimRequest('told', 'c')), { kind: 'other_body' });
  await claimed(first, claimRequest('another', 'b'));
  assert.deepEqual(await claimed(second, asked), { kind: 'done' });
});

test('a claim that was given back is free at once, its neighbours are done', async () => {
  const [first, second] = doors.stores;
  const asked = ['back-1', 'back-2', 'back-3'].map((key) => claimRequest(key, 'b'));
  await Promise.all(asked.map((each) => claimed(first, each)));
  const [one, two, three] = asked;
  assert.ok(one && two && three);
  first.complete(one.requestId);
  await first.release(two.requestId);
  first.complete(three.requestId);
  await first.close();
  const kinds = await Promise.all(asked.map(async (each) => (await claimed(second, each)).kind));
  assert.deepEqual(kinds, ['done', 'granted', 'done']);
});

test('while one of a round is at work, none of it counts as done at another instance', async () => {
  const [first, second] = doors.stores;
  const asked = ['round-1', 'round-2'].map((key) => claimRequest(key, 'b'));
  await Promise.all(asked.map((each) => claimed(first, each)));
  const [one, two] = asked;
  assert.ok(one && two);
  first.complete(one.requestId);
  await first.close();
  assert.equal((await claimed(second, one)).kind, 'running');
  await doors.pools[0].query('update ingest.claim_round set lease_until = now()');
  // Nobody knows any more that it is in the log: it is written again, under the same request id.
  assert.equal((await claimed(second, one)).kind, 'granted');
  first.complete(two.requestId);
  await first.close();
  assert.equal(
    (await claimed(first, one)).kind,
    'running',
    'the end of the old round ended the new',
  );
  assert.equal((await claimed(first, two)).kind, 'done');
});

test('a lease that ran out is taken over once, with the first time of receipt', async () => {
  const first = claimRequest('lease', 'b');
  assert.equal((await doors.claimAll([first]))[0]?.kind, 'granted');
  await doors.pools[0].query('update ingest.claim_round set lease_until = now()');
  const claims = await doors.claimAll(
    Array.from({ length: 40 }, () => ({ ...first, receivedTime: SIGNED_TIME + 5000 })),
  );
  assert.equal(count(claims, 'granted'), 1);
  assert.equal(count(claims, 'running'), 39);
  const taken = claims.find((claim) => claim.kind === 'granted');
  assert.ok(taken);
  assert.deepEqual([taken.attempt, taken.receivedTime], [2, SIGNED_TIME]);
});

test('a granted claim keeps others out before it is on disk, and is free again when it does not get there', async () => {
  const [first, second] = doors.stores;
  const [pool] = doors.pools;
  // What goes wrong at the commit: a constraint that is looked at last.
  await pool.query(`
    create function ingest.refuse() returns trigger language plpgsql as $$
      begin
        perform pg_advisory_xact_lock(4711);
        raise exception 'the disk is full';
      end $$;
    create constraint trigger refuse after insert on ingest.claim deferrable initially deferred
      for each row when (new.request_id = '${idOf('doomed')}' and new.received_time = to_timestamp(${SIGNED_TIME / 1000}))
      execute function ingest.refuse()`);
  const holder = await pool.connect();
  try {
    await holder.query('select pg_advisory_lock(4711)');
    const doomed = claimRequest('doomed', 'b', 'doomed');
    const claim = await first.claim(doomed);
    assert.equal(claim.kind, 'granted');
    const other = claimed(second, { ...doomed, receivedTime: SIGNED_TIME + 1 });
    // It shows as waiting only when the server has its statement.
    await until('the other instance to wait', async () => {
      const { rowCount } = await holder.query(
        `select 1 from pg_stat_activity where datname = current_database()
           and wait_event in ('transactionid', 'spectoken')`,
      );
      return rowCount === 1;
    });
    await holder.query('select pg_advisory_unlock(4711)');
    assert.ok(claim.kind === 'granted');
    await assert.rejects(claim.committed, { code: 'DB_CONSTRAINT' });
    await first.release(doomed.requestId);
    assert.equal((await other).kind, 'granted');
    assert.equal((await claimed(first, doomed)).kind, 'running');
    second.complete(doomed.requestId);
    await second.close();
    assert.equal((await claimed(first, doomed)).kind, 'done');
  } finally {
    holder.release();
    await pool.query('drop trigger refuse on ingest.claim; drop function ingest.refuse');
  }
});

/** Names of the statements that `work` gives to the pool. */
async function namesOf(pool: Pool, work: () => Promise<void>): Promise<readonly string[]> {
  const names: string[] = [];
  const query = pool.query.bind(pool) as (statement: { readonly name: string }) => unknown;
  Object.assign(pool, {
    query: (statement: { readonly name: string }) => {
      names.push(statement.name);
      return query(statement);
    },
  });
  try {
    await work();
  } finally {
    Object.assign(pool, { query });
  }
  return names;
}

test('the first known key costs its statement anew, after it known keys are expected', async () => {
  const [pool] = doors.pools;
  const store = postgresClaims(pool, claimOptions, silent);
  const batchOf = (texts: readonly string[]): Promise<Claim[]> =>
    Promise.all(texts.map((text) => claimed(store, claimRequest(text, 'b', text))));
  const kinds = (claims: readonly Claim[]): string[] => claims.map(({ kind }) => kind);
  // Asks once whether there are signed bytes of before.
  await batchOf(['e-first']);
  const news = await namesOf(pool, async () => {
    assert.deepEqual(kinds(await batchOf(['e-1', 'e-2'])), ['granted', 'granted']);
  });
  assert.deepEqual(news, ['open new']);
  const repeats = await namesOf(pool, async () => {
    const claims = await batchOf(['e-3', 'e-1', 'e-4']);
    assert.deepEqual(kinds(claims), ['granted', 'running', 'granted']);
  });
  assert.deepEqual(repeats.slice(0, 2), ['open new', 'open']);
  const later = await namesOf(pool, async () => {
    assert.deepEqual(kinds(await batchOf(['e-5'])), ['granted']);
  });
  assert.deepEqual(later, ['open']);
  for (const text of ['e-first', 'e-1', 'e-2', 'e-3', 'e-4', 'e-5']) store.complete(idOf(text));
  await store.close();
});

test('500 keys at once take two statements', async () => {
  const [pool] = doors.pools;
  const [store] = doors.stores;
  const statements = await namesOf(pool, async () => {
    const claims = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        claimed(store, claimRequest(`m-${index}`, 'b', `m${index}`)),
      ),
    );
    assert.equal(count(claims, 'granted'), 500);
  });
  assert.equal(statements.length, 2, 'the first do not wait for the rest of the turn');
});

test('the statements never scan the table, however small it was when they were planned', async () => {
  const pool = createPool(doors.url, {
    applicationName: 'test',
    max: 1,
    settings: claimSettings,
  });
  try {
    const store = postgresClaims(pool, claimOptions, silent);
    const scans = async (): Promise<number> => {
      // The statistics of the own session are sent when it is idle; this sends them now.
      await pool.query('select pg_stat_force_next_flush()');
      const { rows } = await pool.query<{ scans: string }>(
        "select sum(seq_scan) as scans from pg_stat_user_tables where schemaname = 'ingest' and relname <> 'migration'",
      );
      return Number(rows[0]?.scans);
    };
    const before = await scans();
    for (let round = 0; round < 8; round += 1) {
      const asked = claimRequest(`scan-${round}`, 'b', `scan-${round}`);
      await claimed(store, asked);
      store.complete(asked.requestId);
      await store.close();
      await claimed(store, asked);
      const back = claimRequest(`scan-back-${round}`, 'b');
      await claimed(store, back);
      await store.release(back.requestId);
    }
    await store.sweep();
    assert.equal((await scans()) - before, 0);
  } finally {
    await pool.end();
  }
});
