// Claims of two instances on one database: many keys per statement, in any mixture.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createPool, migrate, type Pool } from '@waybill/postgres';
import { seededRandom, testDatabase, type TestDatabase } from '@waybill/testkit';
import type { Claim, ClaimRequest, ClaimStore } from '../ports.ts';
import { migrations, SCHEMA } from './claims-schema.ts';
import { claimSettings, postgresClaims } from './postgres-claims.ts';

let database: TestDatabase;
let pools: Pool[];
let stores: ClaimStore[];

before(async () => {
  database = await testDatabase();
  pools = [1, 2].map(() =>
    createPool(database.url, { applicationName: 'test', max: 3, settings: claimSettings }),
  );
  const [first] = pools;
  assert.ok(first);
  await migrate(first, SCHEMA, migrations);
  stores = pools.map((pool) => postgresClaims(pool, { leaseS: 30, retentionH: 24 }));
});
after(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.stop();
});

function request(key: string, body: string, signed?: string): ClaimRequest {
  return {
    tenantId: 'bay-cabs',
    sourceId: 'dispatch',
    key,
    requestId: hash('sha256', key, 'hex').slice(0, 32),
    bodySha256: hash('sha256', body, 'hex'),
    signed:
      signed === undefined
        ? undefined
        : { sha256: hash('sha256', signed, 'hex'), endsTime: Date.now() + 60_000 },
    receivedTime: 1000,
  };
}

function count(claims: readonly Claim[], kind: Claim['kind']): number {
  return claims.filter((claim) => claim.kind === kind).length;
}

async function claimAll(requests: readonly ClaimRequest[]): Promise<readonly Claim[]> {
  return Promise.all(
    requests.map((each, index) => {
      const store = stores[index % stores.length];
      assert.ok(store);
      return store.claim(each);
    }),
  );
}

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
      return request(key, `b${pick(5) === 0 ? 1 : 0}`, signed);
    });
    const claims = await claimAll(requests);
    const granted = new Map<string, ClaimRequest>();
    for (const [index, claim] of claims.entries()) {
      const asked = requests[index];
      assert.ok(asked);
      if (claim.kind !== 'granted') continue;
      assert.ok(!granted.has(asked.key), `${asked.key} granted twice`);
      granted.set(asked.key, asked);
    }
    assert.deepEqual(
      new Set(granted.keys()),
      new Set(requests.map(({ key }) => key)),
      'a key that nobody got',
    );
    for (const [index, claim] of claims.entries()) {
      const asked = requests[index];
      assert.ok(asked);
      if (claim.kind === 'granted') continue;
      const same = granted.get(asked.key)?.bodySha256 === asked.bodySha256;
      assert.equal(claim.kind, same ? 'running' : 'other_body');
    }
    const [store] = stores;
    assert.ok(store);
    const answer = { status: 200, body: '{"accepted":"x"}' };
    await Promise.all([...granted.values()].map((each) => store.complete(each.requestId, answer)));
    const again = await claimAll([...granted.values(), ...granted.values()]);
    assert.ok(again.every((claim) => claim.kind === 'done' && claim.answer.body === answer.body));
  }
});

test('signed bytes belong to one key, also when two come in one statement or at two instances', async () => {
  const requests = Array.from({ length: 20 }, (_, index) => request(`p-${index}`, 'b', 'captured'));
  const claims = await claimAll(requests);
  assert.equal(count(claims, 'granted'), 1);
  assert.equal(count(claims, 'replayed'), 19);
  const { rowCount } = await (pools[0] as Pool).query(
    "select 1 from ingest.claim where idempotency_key like 'p-%'",
  );
  assert.equal(rowCount, 1, 'a replay left a claim');
});

test('a lease that ran out is taken over once, with the first time of receipt', async () => {
  const first = request('lease', 'b');
  assert.equal((await claimAll([first]))[0]?.kind, 'granted');
  await (pools[0] as Pool).query('update ingest.claim set lease_until = now()');
  const claims = await claimAll(
    Array.from({ length: 40 }, () => ({ ...first, receivedTime: 5000 })),
  );
  assert.equal(count(claims, 'granted'), 1);
  assert.equal(count(claims, 'running'), 39);
  const taken = claims.find((claim) => claim.kind === 'granted');
  assert.deepEqual(taken, { kind: 'granted', attempt: 2, receivedTime: 1000 });
});

test('500 keys at once take a handful of statements', async () => {
  const [pool] = pools;
  const [store] = stores;
  assert.ok(pool && store);
  let statements = 0;
  const query = pool.query.bind(pool) as (...values: unknown[]) => unknown;
  Object.assign(pool, {
    query: (...values: unknown[]) => {
      statements += 1;
      return query(...values);
    },
  });
  const claims = await Promise.all(
    Array.from({ length: 500 }, (_, index) => store.claim(request(`m-${index}`, 'b', `m${index}`))),
  );
  assert.equal(count(claims, 'granted'), 500);
  assert.equal(statements, 1);
  Object.assign(pool, { query });
});

test('the statements never scan the table, however small it was when they were planned', async () => {
  const pool = createPool(database.url, {
    applicationName: 'test',
    max: 1,
    settings: claimSettings,
  });
  try {
    const store = postgresClaims(pool, { leaseS: 30, retentionH: 24 });
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
      const asked = request(`scan-${round}`, 'b', `scan-${round}`);
      await store.claim(asked);
      await store.complete(asked.requestId, { status: 200, body: '{}' });
      await store.claim(asked);
    }
    await store.sweep();
    assert.equal((await scans()) - before, 0);
  } finally {
    await pool.end();
  }
});
