import type { Pool, PoolClient } from 'pg';
import { classify } from './classify.ts';
import { lockSchema } from './migrate.ts';
import { transaction } from './pool.ts';

/** One move of a partition's offset. */
export interface ProjectionStep {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly next: bigint;
}

/** The database side of the stream core's *project*; fits its `ProjectionStore<PoolClient>`. */
export interface PostgresProjectionStore {
  readonly offsets: (group: string) => Promise<ReadonlyMap<string, bigint>>;
  readonly advance: (
    step: ProjectionStep,
    work: (tx: PoolClient) => Promise<void>,
  ) => Promise<boolean>;
}

interface OffsetRow {
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: string;
}

/** Thrown inside the transaction to roll back, caught outside of it. */
const overtaken = Symbol('overtaken');

/**
 * Offsets beside the data they belong to, in `<schema>.stream_offset`, which is created when first
 * used. The row of a partition is locked before the work begins, so of two instances that believe to
 * own it the second waits and then finds another offset than its `from`.
 */
export function projectionStore(pool: Pool, schema: string): PostgresProjectionStore {
  let created: Promise<void> | undefined;
  const ensure = async (): Promise<void> => {
    created ??= createTable(pool, schema);
    try {
      await created;
    } catch (error) {
      created = undefined;
      throw error;
    }
  };
  return {
    offsets: async (group) => {
      await ensure();
      const { rows } = await pool
        .query<OffsetRow>(
          `select topic, partition, next_offset from ${schema}.stream_offset where group_id = $1`,
          [group],
        )
        .catch((error: unknown) => {
          throw classify(error);
        });
      return new Map(rows.map((row) => [`${row.topic}/${row.partition}`, BigInt(row.next_offset)]));
    },
    advance: async (step, work) => {
      await ensure();
      let moved = true;
      await transaction(pool, async (client) => {
        moved = await move(client, schema, step);
        if (!moved) throw overtaken;
        await work(client);
      }).catch((error: unknown) => {
        if (moved) throw error;
      });
      return moved;
    },
  };
}

async function createTable(pool: Pool, schema: string): Promise<void> {
  await transaction(pool, async (client) => {
    await lockSchema(client, schema);
    await client.query(
      `create table if not exists ${schema}.stream_offset (
         group_id text not null,
         topic text not null,
         partition integer not null,
         next_offset bigint not null,
         primary key (group_id, topic, partition)
       )`,
    );
  });
}

async function move(client: PoolClient, schema: string, step: ProjectionStep): Promise<boolean> {
  const { group, topic, partition, from, next } = step;
  if (from === 0n) {
    await client.query(
      `insert into ${schema}.stream_offset (group_id, topic, partition, next_offset)
       values ($1, $2, $3, 0) on conflict do nothing`,
      [group, topic, partition],
    );
  }
  const { rowCount } = await client.query(
    `update ${schema}.stream_offset set next_offset = $5
     where group_id = $1 and topic = $2 and partition = $3 and next_offset = $4`,
    [group, topic, partition, from.toString(), next.toString()],
  );
  return rowCount === 1;
}
