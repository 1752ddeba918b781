import { classify, toInstant, type Pool } from '@waybill/postgres';
import type { Logger, RecordedRefusal, RefusalLog } from '../ports.ts';

/** Kept while the database is slow or away; beyond it refusals stand in the log line only. */
const MAX_WAITING = 10_000;
const ROWS_PER_STATEMENT = 1000;
const FLUSH_INTERVAL_MS = 200;
/** A flood of refused requests must not fill the disk: the newest rows stay. */
const MAX_ROWS = 1_000_000;
const READ_LIMIT = 100;

export interface PostgresRefusalLog extends RefusalLog {
  /** Removes what is beyond `MAX_ROWS`; returns how many rows. */
  readonly sweep: () => Promise<number>;
  /** Writes what waits and stops. */
  readonly close: () => Promise<void>;
}

/**
 * The audit in PostgreSQL. `record` never waits: rows are written in the background, up to 1,000 per
 * statement, five times a second; the answer to a stranger must not depend on our database.
 *
 * States: idle → (timer) flushing → idle. A failed flush puts its rows back and is repeated; what does
 * not fit into `MAX_WAITING` is dropped and counted.
 */
export function postgresRefusalLog(
  pool: Pool,
  ports: { readonly logger: Logger; readonly dropped: (count: number) => void },
): PostgresRefusalLog {
  let waiting: RecordedRefusal[] = [];
  let flushing: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const rows = waiting.slice(0, ROWS_PER_STATEMENT);
      waiting = waiting.slice(rows.length);
      try {
        await insert(pool, rows);
      } catch (error) {
        const room = MAX_WAITING - waiting.length;
        waiting = [...rows.slice(0, Math.max(0, room)), ...waiting];
        if (rows.length > room) ports.dropped(rows.length - room);
        ports.logger.warn({ err: classify(error), waiting: waiting.length }, 'audit.write_failed');
        return;
      }
    }
  };
  const timer = setInterval(() => {
    flushing = flushing.then(flush);
  }, FLUSH_INTERVAL_MS).unref();

  return {
    record: (refusal) => {
      if (waiting.length < MAX_WAITING) waiting.push(refusal);
      else ports.dropped(1);
    },
    find: (httpRequestId) =>
      select(pool, 'where http_request_id = $1 order by refusal_id desc', [httpRequestId]),
    newest: (tenantId, sourceId) =>
      select(
        pool,
        `where ($1::text is null or tenant_id = $1) and ($2::text is null or source_id = $2)
         order by refusal_id desc`,
        [tenantId ?? null, sourceId ?? null],
      ),
    sweep: async () => {
      try {
        const { rowCount } = await pool.query(
          `delete from ingest.refusal
           where refusal_id <= (select max(refusal_id) from ingest.refusal) - $1`,
          [MAX_ROWS],
        );
        return rowCount ?? 0;
      } catch (error) {
        throw classify(error);
      }
    },
    close: async () => {
      clearInterval(timer);
      await flushing;
      await flush();
    },
  };
}

async function insert(pool: Pool, rows: readonly RecordedRefusal[]): Promise<void> {
  const column = <K extends keyof RecordedRefusal>(name: K): RecordedRefusal[K][] =>
    rows.map((row) => row[name]);
  await pool.query(
    `insert into ingest.refusal
       (http_request_id, refused_time, tenant_id, source_id, reason, detail, client_address,
        body_bytes, body_sha256)
     select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[],
                          $6::text[], $7::text[], $8::integer[], $9::text[])`,
    [
      column('http_request_id'),
      rows.map((row) => new Date(row.refused_time)),
      column('tenant_id'),
      column('source_id'),
      column('reason'),
      column('detail'),
      column('client_address'),
      column('body_bytes'),
      column('body_sha256'),
    ],
  );
}

async function select(
  pool: Pool,
  rest: string,
  values: readonly unknown[],
): Promise<readonly RecordedRefusal[]> {
  try {
    const { rows } = await pool.query<
      Omit<RecordedRefusal, 'refused_time'> & { refused_time: Date }
    >(
      `select http_request_id, refused_time, tenant_id, source_id, reason, detail, client_address,
              body_bytes, body_sha256
       from ingest.refusal ${rest} limit ${READ_LIMIT}`,
      [...values],
    );
    return rows.map((row) => ({ ...row, refused_time: toInstant(row.refused_time) }));
  } catch (error) {
    throw classify(error);
  }
}
