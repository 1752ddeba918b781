import { hash } from 'node:crypto';
import { Fault } from '@waybill/fault';
import type { Pool, PoolClient } from 'pg';
import { transaction } from './pool.ts';

/** One step of a schema. Never edited once released; runs inside a transaction. */
export interface Migration {
  /** Sorts nothing: the list's order is the order of work. */
  readonly id: string;
  /** Statements; names without a schema mean the schema that is migrated. */
  readonly sql: string;
}

interface AppliedRow {
  readonly id: string;
  readonly sha256: string;
}

/**
 * Brings `schema` up to date and returns the ids that were applied now. All steps stand or fall
 * together; instances that start at once queue on an advisory lock. Throws Fault `misconfigured` /
 * `DB_SCHEMA` when an applied step was edited afterwards.
 */
export async function migrate(
  pool: Pool,
  schema: string,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  checkName(schema);
  return transaction(pool, async (client) => {
    await lockSchema(client, schema);
    await client.query(`set local search_path to ${schema}, public`);
    await client.query(
      `create table if not exists ${schema}.migration (
         id text primary key,
         sha256 text not null,
         applied_at timestamptz not null default now()
       )`,
    );
    const { rows } = await client.query<AppliedRow>(`select id, sha256 from ${schema}.migration`);
    const applied = new Map(rows.map((row) => [row.id, row.sha256]));
    const done: string[] = [];
    for (const migration of migrations) {
      const sha256 = hash('sha256', migration.sql, 'hex');
      const before = applied.get(migration.id);
      if (before === undefined) {
        await client.query(migration.sql);
        await client.query(`insert into ${schema}.migration (id, sha256) values ($1, $2)`, [
          migration.id,
          sha256,
        ]);
        done.push(migration.id);
      } else if (before !== sha256) {
        throw new Fault(
          `migration ${schema}/${migration.id} was edited after it was applied; add a new one instead`,
          { kind: 'misconfigured', code: 'DB_SCHEMA', stage: 'start' },
        );
      }
    }
    return done;
  });
}

/** Takes the schema's lock until the end of the transaction, and creates the schema. */
export async function lockSchema(client: PoolClient, schema: string): Promise<void> {
  checkName(schema);
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `waybill schema ${schema}`,
  ]);
  await client.query(`create schema if not exists ${schema}`);
}

/** Schema names come from code, not from users; this keeps it so. */
function checkName(schema: string): void {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(schema)) {
    throw new Fault(`expected a lower case schema name, found ${schema}`, {
      kind: 'bug',
      code: 'DB_UNEXPECTED',
      stage: 'start',
    });
  }
}
