import { Pool, type PoolClient } from 'pg';
import { classify } from './classify.ts';

const CONNECT_TIMEOUT_MS = 5000;
const IDLE_TIMEOUT_MS = 30_000;
/** How much longer than the server's own limit we wait for a server that does not answer at all. */
const FROZEN_SERVER_MS = 1000;

export interface PoolOptions {
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Most connections at a time. */
  readonly max: number;
  /** The server ends a statement that takes longer, and a second later we give it up; default: no limit. */
  readonly statementTimeoutMs?: number;
  /** Settings of the server that every connection has from its start. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A pool of connections; connects when first used. */
export function createPool(url: string, options: PoolOptions): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: options.applicationName,
    max: options.max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    keepAlive: true,
    ...(options.statementTimeoutMs === undefined
      ? {}
      : {
          statement_timeout: options.statementTimeoutMs,
          query_timeout: options.statementTimeoutMs + FROZEN_SERVER_MS,
        }),
    ...(options.settings === undefined ? {} : { options: startOptions(options.settings) }),
  });
  // An idle connection that breaks is replaced on the next use; without a listener it ends the process.
  pool.on('error', () => undefined);
  return pool;
}

/** Values come from code and hold no spaces. */
function startOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/**
 * Runs `work` in one transaction and retries nothing. Whatever fails is thrown as a Fault (see
 * `classify`) after a roll-back; a connection in doubt is not used again. When the connection breaks
 * during the commit, `DB_UNAVAILABLE` leaves open whether it took effect: make the work repeatable.
 */
export async function transaction<R>(
  pool: Pool,
  work: (client: PoolClient) => Promise<R>,
): Promise<R> {
  const client = await pool.connect().catch((error: unknown) => {
    throw classify(error);
  });
  // The client emits 'error' when its connection breaks between two queries; the next query reports it.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  let broken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw classify(error);
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

/** Milliseconds since epoch of a timestamp as the client returns it. */
export function toInstant(date: Date): number {
  return date.getTime();
}
