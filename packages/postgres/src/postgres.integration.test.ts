import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Fault, isFault } from '@waybill/fault';
import { testDatabase, type TestDatabase } from '@waybill/testkit';
import type { Pool } from 'pg';
import { earlyRow, type NamedStatement } from './early-row.ts';
import { migrate } from './migrate.ts';
import { createPool, toInstant, transaction } from './pool.ts';
import { projectionStore } from './projection-store.ts';

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url, { applicationName: 'test', max: 8 });
});
after(async () => {
  await pool.end();
  await database.stop();
});

async function one<T>(sql: string, values: unknown[] = []): Promise<T> {
  const { rows } = await pool.query<{ value: T }>(sql, values);
  assert.ok(rows[0]);
  return rows[0].value;
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    assert.ok(isFault(error), String(error));
    return error;
  }
  assert.fail('expected a fault');
}

const steps = [
  { id: '001-trip', sql: 'create table trip (id text primary key)' },
  { id: '002-note', sql: "alter table trip add note text not null default ''" },
];

test('migrations run once, in their schema, and a second run changes nothing', async () => {
  assert.deepEqual(await migrate(pool, 'm1', steps.slice(0, 1)), ['001-trip']);
  assert.deepEqual(await migrate(pool, 'm1', steps), ['002-note']);
  assert.deepEqual(await migrate(pool, 'm1', steps), []);
  await pool.query("insert into m1.trip (id) values ('a')");
});

test('instances that start together apply each step once', async () => {
  const results = await Promise.all([1, 2, 3, 4].map(() => migrate(pool, 'm2', steps)));
  assert.deepEqual(results.flat().toSorted(), ['001-trip', '002-note']);
});

test('a failing step leaves nothing behind', async () => {
  const bad = [...steps, { id: '003-bad', sql: 'create table trip (id int)' }];
  const fault = await faultOf(migrate(pool, 'm3', bad));
  assert.equal(fault.code, 'DB_SCHEMA');
  assert.equal(await one("select to_regclass('m3.migration')::text as value"), null);
});

test('an applied step that was edited is refused', async () => {
  await migrate(pool, 'm4', steps);
  const edited = [{ id: '001-trip', sql: 'create table trip (id int primary key)' }];
  const fault = await faultOf(migrate(pool, 'm4', edited));
  assert.equal(fault.kind, 'misconfigured');
  assert.match(fault.message, /m4\/001-trip was edited/);
});

test('a schema name from elsewhere is refused', async () => {
  const fault = await faultOf(migrate(pool, 'x; drop schema public', steps));
  assert.equal(fault.kind, 'bug');
});

test('a transaction commits as a whole or not at all, and throws faults', async () => {
  await pool.query('create table number (n int primary key)');
  await transaction(pool, (client) => client.query('insert into number values (1), (2)'));
  const fault = await faultOf(
    transaction(pool, async (client) => {
      await client.query('insert into number values (3)');
      await client.query('insert into number values (1)');
    }),
  );
  assert.equal(fault.code, 'DB_CONSTRAINT');
  assert.match(fault.message, /number_pkey/);
  assert.equal(await one('select count(*)::int as value from number'), 2);
});

test('a connection that is killed in a transaction is transient and not used again', async () => {
  const fault = await faultOf(
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await client.query('select 1');
    }),
  );
  assert.equal(fault.kind, 'transient');
  assert.equal(fault.code, 'DB_UNAVAILABLE');
  assert.equal(await one('select 1 as value'), 1);
});

test('wrong password, missing database and missing server are told apart', async () => {
  const wrong = async (address: string): Promise<Fault> => {
    const other = createPool(address, { applicationName: 'test', max: 1 });
    try {
      return await faultOf(transaction(other, (client) => client.query('select 1')));
    } finally {
      await other.end();
    }
  };
  const changed = (change: Partial<URL>): string =>
    Object.assign(new URL(database.url), change).href;
  const login = await wrong(changed({ password: 'geheim' }));
  assert.equal(login.code, 'DB_LOGIN');
  assert.doesNotMatch(login.message, /geheim/);
  assert.equal((await wrong(changed({ pathname: '/nowhere' }))).code, 'DB_SCHEMA');
  assert.equal((await wrong('postgres://a:b@127.0.0.1:1/x')).code, 'DB_UNAVAILABLE');
});

test('toInstant keeps milliseconds', async () => {
  const date = await one<Date>("select timestamptz '2015-12-10T01:15:00.123-05' as value");
  assert.equal(toInstant(date), Date.parse('2015-12-10T06:15:00.123Z'));
});

const step = { group: 'erp-sink', topic: 'fleet.trip.event.v1', partition: 3 };

test('advance moves the offset with the data, from the stored offset only', async () => {
  await pool.query('create table projected (n bigint)');
  const store = projectionStore(pool, 'p1');
  assert.deepEqual(await store.offsets('erp-sink'), new Map());
  const add = async (from: bigint, next: bigint): Promise<boolean> =>
    store.advance({ ...step, from, next }, async (tx) => {
      await tx.query('insert into projected values ($1)', [next.toString()]);
    });
  assert.equal(await add(5n, 6n), false);
  assert.equal(await add(0n, 10n), true);
  assert.equal(await add(0n, 10n), false);
  assert.equal(await add(10n, 2n ** 53n + 1n), true);
  assert.equal(await add(9n, 30n), false);
  const offsets = await store.offsets('erp-sink');
  assert.deepEqual(offsets, new Map([['fleet.trip.event.v1/3', 2n ** 53n + 1n]]));
  assert.deepEqual(await store.offsets('other'), new Map());
  assert.equal(await one('select count(*)::int as value from projected'), 2);
});

test('work that fails leaves offset and data as they were', async () => {
  await pool.query('create table failing (n int primary key)');
  const store = projectionStore(pool, 'p2');
  assert.equal(await store.advance({ ...step, from: 0n, next: 4n }, async () => undefined), true);
  const fault = await faultOf(
    store.advance({ ...step, from: 4n, next: 8n }, async (tx) => {
      await tx.query('insert into failing values (1), (1)');
    }),
  );
  assert.equal(fault.code, 'DB_CONSTRAINT');
  assert.equal((await store.offsets('erp-sink')).get('fleet.trip.event.v1/3'), 4n);
  assert.equal(await one('select count(*)::int as value from failing'), 0);
});

test('of two owners at once one advances and the other does nothing', async () => {
  await pool.query('create table raced (who text)');
  const store = projectionStore(pool, 'p3');
  const rivals = ['a', 'b', 'c'].map((who) =>
    store.advance({ ...step, from: 0n, next: 1n }, async (tx) => {
      await tx.query('insert into raced values ($1)', [who]);
    }),
  );
  const results = await Promise.all(rivals);
  assert.equal(results.filter((advanced) => advanced).length, 1);
  assert.equal(await one('select count(*)::int as value from raced'), 1);
});

test('an early row comes before its commit, which may still fail', async () => {
  await pool.query(`
    create table early (id integer primary key);
    create function refuse_late() returns trigger language plpgsql as $$
      begin raise exception 'refused at the commit'; end $$;
    create constraint trigger refuse after insert on early deferrable initially deferred
      for each row when (new.id > 1) execute function refuse_late()`);
  const insert = (id: number): NamedStatement => ({
    name: 'early',
    text: 'insert into early values ($1) returning id',
    values: [id],
  });
  const good = await earlyRow<{ id: number }>(pool, insert(1));
  assert.deepEqual(good.row, { id: 1 });
  await good.committed;
  const bad = await earlyRow<{ id: number }>(pool, insert(2));
  assert.deepEqual(bad.row, { id: 2 });
  assert.equal((await faultOf(bad.committed)).code, 'DB_CONSTRAINT');
  assert.equal(await one('select count(*)::int as value from early'), 1);
});

test('a statement that fails, or gives no row, has no early row', async () => {
  const refused = { name: 'division', text: 'select 1 / $1::integer', values: [0] };
  assert.equal((await faultOf(earlyRow(pool, refused))).code, 'DB_VALUE');
  const empty = { name: 'nothing', text: 'select 1 where $1::boolean', values: [false] };
  assert.equal((await faultOf(earlyRow(pool, empty))).kind, 'bug');
});
