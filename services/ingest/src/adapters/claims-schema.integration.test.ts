// What earlier versions wrote, read by this one.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createPool, migrate, type Pool } from '@waybill/postgres';
import { testDatabase, type TestDatabase } from '@waybill/testkit';
import type { Claim, ClaimRequest } from '../ports.ts';
import { migrations, SCHEMA } from './claims-schema.ts';
import { claimSettings, postgresClaims } from './postgres-claims.ts';

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url, { applicationName: 'test', max: 2, settings: claimSettings });
});
after(async () => {
  await pool.end();
  await database.stop();
});

function idOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

function request(key: string, body: string, signed?: string): ClaimRequest {
  return {
    requestId: idOf(key),
    bodySha256: hash('sha256', body, 'hex'),
    signed: signed === undefined ? undefined : { id: idOf(signed), signedTime: Date.now() },
    receivedTime: Date.now(),
  };
}

/** As the version before one row per claim wrote it. */
async function formerClaim(key: string, roundId: string, receivedTime: number): Promise<void> {
  const { requestId, bodySha256 } = request(key, `body of ${key}`);
  await pool.query(
    `insert into ingest.claim (request_id, body_sha256, round_id, attempt, received_time, answer)
     values (decode($1, 'hex'), decode($2, 'hex'), $3, 2, to_timestamp($4::float8 / 1000), '{}')`,
    [requestId, bodySha256, roundId, receivedTime],
  );
}

async function formerSignature(signed: string, key: string): Promise<void> {
  await pool.query(
    `insert into ingest.signature (signed_id, request_id, ends_at)
     values (decode($1, 'hex'), decode($2, 'hex'), now() + interval '5 min')`,
    [idOf(signed), idOf(key)],
  );
}

test('claims and signed bytes of before one row per claim keep their meaning', async () => {
  const before = migrations.findIndex(({ id }) => id === '014-one-row');
  await migrate(pool, SCHEMA, migrations.slice(0, before));
  const { rows } = await pool.query<{ round_id: string }>(
    "insert into ingest.claim_round (lease_until) values (now() + interval '1 h') returning round_id",
  );
  const at = Date.now() - 60_000;
  await formerClaim('done', '-1', at);
  await formerClaim('given back', '0', at);
  await formerClaim('leased', String(rows[0]?.round_id), at);
  await formerSignature('captured', 'done');
  await formerSignature('expired', 'done');
  assert.deepEqual(await migrate(pool, SCHEMA, migrations), ['014-one-row']);

  const store = postgresClaims(pool, { leaseS: 30, retentionH: 24 }, { warn: () => undefined });
  const claims: readonly (readonly [ClaimRequest, Claim['kind']])[] = [
    [request('done', 'body of done', 'captured'), 'done'],
    [request('done', 'another body'), 'other_body'],
    [request('thief', 'body of done', 'captured'), 'replayed'],
    [request('leased', 'body of leased'), 'running'],
    [request('new', 'b', 'new'), 'granted'],
  ];
  const kinds = await Promise.all(claims.map(async ([asked]) => (await store.claim(asked)).kind));
  assert.deepEqual(
    kinds,
    claims.map(([, kind]) => kind),
  );
  const back = await store.claim(request('given back', 'body of given back'));
  assert.ok(back.kind === 'granted');
  assert.deepEqual([back.attempt, back.receivedTime], [3, at]);
  assert.equal(await store.sweep(), 0);
  await store.close();
});

test('signed bytes of before are asked for no longer than they are within tolerance', async () => {
  await pool.query("update ingest.signature set ends_at = now() - interval '2 min'");
  const store = postgresClaims(pool, { leaseS: 30, retentionH: 24 }, { warn: () => undefined });
  const late = await store.claim(request('late', 'b', 'expired'));
  assert.equal(late.kind, 'granted');
  await store.close();
});
