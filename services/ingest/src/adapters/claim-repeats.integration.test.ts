// Signed bytes belong to the first key they come with.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPool } from '@waybill/postgres';
import { until } from '@waybill/testkit';
import type { ClaimRequest } from '../ports.ts';
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
import { signedId } from './claim-rows.ts';
import { claimSettings, postgresClaims } from './postgres-claims.ts';

let doors: TwoStores;

before(async () => {
  doors = await openTwoStores();
});
after(() => doors.stop());

test('signed bytes belong to one key, also when two come in one statement or at two instances', async () => {
  const requests = Array.from({ length: 20 }, (_, index) =>
    claimRequest(`p-${index}`, 'b', 'captured'),
  );
  const claims = await doors.claimAll(requests);
  assert.equal(count(claims, 'granted'), 1);
  assert.equal(count(claims, 'replayed'), 19);
  const { rowCount } = await doors.pools[0].query(
    'select 1 from ingest.claim where request_id = any($1)',
    [requests.map(({ requestId }) => requestId)],
  );
  assert.equal(rowCount, 1, 'a replay left a claim');
});

test('signed bytes that come later stay with their key, also while it is at work', async () => {
  const [first, second] = doors.stores;
  await claimed(first, claimRequest('own', 'b', 'first'));
  // Signed anew: alone, and behind each other in one statement.
  assert.equal((await claimed(second, claimRequest('own', 'b', 'second'))).kind, 'running');
  const more = ['third', 'fourth'].map((signed) =>
    claimed(second, claimRequest('own', 'b', signed)),
  );
  assert.equal(count(await Promise.all(more), 'running'), 2);
  for (const signed of ['first', 'second', 'third', 'fourth']) {
    for (const store of doors.stores) {
      assert.equal(
        (await claimed(store, claimRequest('thief', 'b', signed))).kind,
        'replayed',
        signed,
      );
    }
  }
  assert.equal((await claimed(second, claimRequest('thief', 'b', 'fifth'))).kind, 'granted');
});

test('whose bytes they are is answered as usual beside a thief in the same statement', async () => {
  const [first, second] = doors.stores;
  const own = claimRequest('beside', 'b', 'beside');
  const asked = [own, claimRequest('beside thief', 'b', 'beside'), own];
  for (const store of [first, second]) {
    const claims = await Promise.all(asked.map((each) => claimed(store, each)));
    const kinds = claims.map(({ kind }) => kind);
    assert.deepEqual(kinds.slice(1), ['replayed', 'running'], String(kinds));
  }
});

test('signed bytes outlive their key by the sweep without keeping it from being claimed anew', async () => {
  const [store] = doors.stores;
  await claimed(store, claimRequest('week', 'b', 'w1'));
  await claimed(store, claimRequest('week', 'b', 'w2'));
  await doors.pools[0].query('delete from ingest.claim where request_id = $1', [idOf('week')]);
  assert.equal((await claimed(store, claimRequest('week', 'b', 'w2'))).kind, 'running');
  assert.equal((await claimed(store, claimRequest('week', 'b', 'w2'))).kind, 'granted');
});

test('a replay that makes two instances wait for each other costs nobody a claim', async () => {
  const pool = createPool(doors.url, {
    applicationName: 'test',
    max: 1,
    settings: { ...claimSettings, deadlock_timeout: '500ms' },
  });
  const other = await doors.pools[0].connect();
  try {
    const store = postgresClaims(pool, claimOptions, silent);
    const insert = (asked: ClaimRequest): Promise<unknown> =>
      other.query(
        'insert into ingest.claim (signed_id, request_id, received_time) values ($1, $2, now())',
        [signedId(asked), asked.requestId],
      );
    // By their ids: what the batch opens first is what the other one wants last.
    const [low, high] = ['cross-1', 'cross-2']
      .map((key) => claimRequest(key, 'b', `signed ${key}`))
      .sort((a, b) => (a.requestId < b.requestId ? -1 : 1));
    assert.ok(low && high && high.signed);
    await other.query("begin; set local deadlock_timeout = '60s'");
    await insert({ ...high, requestId: idOf('cross-replay') });
    const claims = Promise.all([claimed(store, low), claimed(store, high)]);
    await until('the batch to wait', async () => {
      const { rowCount } = await doors.pools[1].query(
        `select 1 from pg_stat_activity where datname = current_database()
           and wait_event in ('transactionid', 'spectoken')`,
      );
      return rowCount === 1;
    });
    await insert({ ...low, signed: { id: idOf('signed another'), signedTime: SIGNED_TIME } });
    await other.query('rollback');
    assert.equal(count(await claims, 'granted'), 2);
  } finally {
    other.release();
    await pool.end();
  }
});
