import { transaction, type Pool, type PoolClient } from '@waybill/postgres';
import { SCHEMA } from './migrations.ts';
import type { OutboxMessage, OutboxRow } from './types.ts';

/** One publisher at a time over all instances, so that messages of a key keep their order. */
const PUBLISHER_LOCK = 'waybill delivery outbox';

/** A publisher that stands still loses its connection, and so the lock, after this. */
const IDLE_TIMEOUT_MS = 10_000;

/** Adds messages in the transaction of what they tell. */
export async function writeOutbox(
  tx: PoolClient,
  messages: readonly OutboxMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(
    `INSERT INTO ${SCHEMA}.outbox (kind, key, payload, original, traceparent)
     SELECT kind, key, payload, decode(original, 'base64'), traceparent
     FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::text[], $5::text[])
       WITH ORDINALITY AS m (kind, key, payload, original, traceparent, n) ORDER BY n`,
    [
      messages.map(({ kind }) => kind),
      messages.map(({ key }) => key),
      messages.map(({ payload }) => JSON.stringify(payload)),
      messages.map(({ original }) => original?.toString('base64') ?? null),
      messages.map(({ traceparent }) => traceparent ?? null),
    ],
  );
}

interface StoredMessage {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly payload: object;
  readonly original: Buffer | null;
  readonly traceparent: string | null;
}

/**
 * Hands the oldest messages to `publish` and deletes them when it resolves: at least once, in order.
 * Resolves with their number; 0 also while another instance publishes.
 */
export async function drainOutbox(
  pool: Pool,
  limit: number,
  publish: (rows: readonly OutboxRow[]) => Promise<void>,
): Promise<number> {
  return transaction(pool, async (tx) => {
    await tx.query(`SET LOCAL idle_in_transaction_session_timeout = ${IDLE_TIMEOUT_MS}`);
    const { rows: lock } = await tx.query<{ held: boolean }>(
      'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS held',
      [PUBLISHER_LOCK],
    );
    if (lock[0]?.held !== true) return 0;
    const { rows } = await tx.query<StoredMessage>(
      `SELECT id, kind, key, payload, original, traceparent FROM ${SCHEMA}.outbox
       ORDER BY id LIMIT $1`,
      [limit],
    );
    if (rows.length === 0) return 0;
    await publish(
      rows.map((row) => ({
        ...row,
        id: BigInt(row.id),
        traceparent: row.traceparent ?? undefined,
      })),
    );
    await tx.query(`DELETE FROM ${SCHEMA}.outbox WHERE id = ANY($1::bigint[])`, [
      rows.map(({ id }) => id),
    ]);
    return rows.length;
  });
}
