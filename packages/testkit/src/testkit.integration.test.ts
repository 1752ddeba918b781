import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { testDatabase, testPostgres } from './test-postgres.ts';
import { testNamespace, testStack } from './test-stack.ts';

/** Runs one statement on a connection of its own. */
async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Changes the environment until the test ends. */
function setForTest(t: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

test('a test database is empty, its own, and gone after stop even while somebody is connected', async (t) => {
  const server = await testPostgres();
  t.after(() => server.stop());
  setForTest(t, { TEST_POSTGRES_ADMIN_URL: server.adminUrl });
  const [first, second] = [await testDatabase(), await testDatabase()];
  assert.notEqual(first.url, second.url);
  await query(first.url, 'create table a (id int)');
  await query(second.url, 'create table a (id int)');
  const idle = new Client({ connectionString: first.url });
  idle.on('error', () => undefined);
  await idle.connect();
  await first.stop();
  await assert.rejects(query(first.url, 'select 1'), /does not exist/);
  assert.equal((await query(second.url, 'select 1')).length, 1);
  await second.stop();
  await idle.end().catch(() => undefined);
});

test('a test stack takes the servers of the environment and drops only its own databases', async (t) => {
  const { adminUrl, stop } = await testPostgres();
  t.after(stop);
  setForTest(t, {
    TEST_KAFKA_BROKERS: 'a:1,b:2',
    TEST_REGISTRY_URL: 'http://registry',
    TEST_POSTGRES_ADMIN_URL: adminUrl,
  });
  const [stack, other] = [await testStack(), await testStack()];
  assert.deepEqual(stack.kafka.brokers, ['a:1', 'b:2']);
  assert.equal(stack.registry.url, 'http://registry');
  const name = `${testNamespace()}erp`;
  const url = await stack.createDatabase(name);
  assert.equal(url, stack.postgres.url(name));
  assert.equal(await other.createDatabase(name), url, 'an existing database is taken');
  await query(url, 'create table a (id int)');
  await other.stop();
  assert.equal((await query(url, 'select 1')).length, 1);
  await stack.stop();
  await assert.rejects(query(url, 'select 1'), /does not exist/);
});
