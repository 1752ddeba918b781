import { randomBytes } from 'node:crypto';
import { databasesOn } from './databases.ts';
import { startOwnStack } from './own-stack.ts';

export interface TestPostgres {
  /** Address of the database `postgres`, with the right to create others. */
  readonly adminUrl: string;
  /** Creates an empty database of a random name and returns its address. */
  readonly createDatabase: () => Promise<string>;
  /** Drops the databases, whoever is still connected, and ends what was started for them. */
  readonly stop: () => Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  readonly adminUrl: string;
  /** Drops the database, whoever is still connected, and ends what was started for it. */
  readonly stop: () => Promise<void>;
}

/**
 * PostgreSQL for the tests of one file: that of TEST_POSTGRES_ADMIN_URL when the runner started one,
 * else one of its own, until `stop`. Throws Faults of the stack and errors of pg.
 */
export async function testPostgres(): Promise<TestPostgres> {
  const given = process.env['TEST_POSTGRES_ADMIN_URL'];
  const own = given ? undefined : await startOwnStack({ kafka: false, registry: false });
  const adminUrl = own?.postgres.adminUrl ?? given ?? '';
  const databases = databasesOn(adminUrl);
  return {
    adminUrl,
    createDatabase: () => databases.create(`test_${randomBytes(6).toString('hex')}`),
    stop: async () => {
      await databases.drop();
      await own?.stop();
    },
  };
}

/** One empty database on `testPostgres`. */
export async function testDatabase(): Promise<TestDatabase> {
  const { adminUrl, createDatabase, stop } = await testPostgres();
  return { url: await createDatabase(), adminUrl, stop };
}
