import type { Stack } from '@waybill/stack';
import { createPool } from '@waybill/postgres';

/** Of 16 MB; one holds about 40,000 requests. */
const SEGMENTS = 40;

/**
 * Makes the new cluster one that has been in use with the settings of `services/ingest/LIMITS.md`: it has WAL
 * segments to use again. A new one fills each with zeros while requests wait.
 */
export async function useDatabase(stack: Stack): Promise<void> {
  const pool = createPool(stack.postgres.adminUrl, { applicationName: 'bench', max: 1 });
  try {
    await pool.query("alter system set min_wal_size = '1GB'");
    await pool.query('select pg_reload_conf()');
    for (let segment = 0; segment < SEGMENTS; segment += 1) {
      // Each switch needs something written behind the one before.
      // oxlint-disable-next-line eslint/no-await-in-loop
      await pool.query("select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()");
    }
    // Puts them behind the newest one.
    await pool.query('checkpoint');
  } finally {
    await pool.end();
  }
}
