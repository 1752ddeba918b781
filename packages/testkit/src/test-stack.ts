import { randomBytes } from 'node:crypto';
import type { Stack } from '@waybill/stack';
import { databasesOn } from './databases.ts';
import { startOwnStack } from './own-stack.ts';

/** Addresses as of any stack; `stop` ends only what the test started. */
export type TestStack = Stack;

/**
 * Kafka, schema registry and PostgreSQL for the tests of one file: those of TEST_KAFKA_BROKERS,
 * TEST_REGISTRY_URL and TEST_POSTGRES_ADMIN_URL when the runner started them (then `stop` drops only
 * the databases created here), else an own stack. `postgres: false` starts none when there is none.
 * `brokers` always starts an own one, whose brokers may be stopped and killed.
 * Throws Faults of the stack.
 */
export async function testStack(
  options: { readonly postgres?: boolean; readonly brokers?: 1 | 3 } = {},
): Promise<TestStack> {
  const { TEST_KAFKA_BROKERS, TEST_REGISTRY_URL, TEST_POSTGRES_ADMIN_URL } = process.env;
  if (options.brokers || !TEST_KAFKA_BROKERS || !TEST_REGISTRY_URL || !TEST_POSTGRES_ADMIN_URL) {
    return startOwnStack(options);
  }
  const databases = databasesOn(TEST_POSTGRES_ADMIN_URL);
  return {
    // Not ours to stop.
    kafka: { brokers: TEST_KAFKA_BROKERS.split(','), nodes: [] },
    registry: { url: TEST_REGISTRY_URL },
    postgres: { url: databases.url, adminUrl: TEST_POSTGRES_ADMIN_URL },
    createDatabase: databases.create,
    stop: databases.drop,
    // Not ours to signal.
    pids: {},
  };
}

/** A random prefix of topics, groups and databases, so that tests share one stack. */
export function testNamespace(): string {
  return `t${randomBytes(5).toString('hex')}-`;
}
