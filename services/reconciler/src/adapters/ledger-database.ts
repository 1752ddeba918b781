import {
  LEDGER_SCHEMA,
  eventsForComparison,
  migrateLedger,
  newestSums,
  reportTenants,
  type EventForComparison,
} from '@waybill/ledger';
import { classify, createPool, projectionStore, type Pool } from '@waybill/postgres';
import type { LedgerReader, Ports } from '../ports.ts';

/** Batches of that many partitions are written at once, and one reader beside them. */
const CONNECTIONS = 5;
const PAGE_ROWS = 2000;

/**
 * The ledger follows the log, and its offsets stand in its own transactions: what a crash of the
 * database takes away is read again. So no commit waits for the disk.
 */
function withoutWaiting(url: string): string {
  const address = new URL(url);
  address.searchParams.set('options', '-c synchronous_commit=off');
  return address.href;
}

async function* pages(
  pool: Pool,
  where: Parameters<typeof eventsForComparison>[1],
): AsyncGenerator<readonly EventForComparison[]> {
  let after = '';
  for (;;) {
    const page = await eventsForComparison(pool, where, after, PAGE_ROWS);
    yield page;
    if (page.length < PAGE_ROWS) return;
    after = page.at(-1)?.event_id ?? after;
  }
}

/** Runs a query; what it throws becomes a Fault. */
async function asked<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw classify(error);
  }
}

/** Opens the ledger and brings its tables up to date. Throws Faults as `classify` makes them. */
export async function openLedger(
  url: string,
): Promise<{ readonly store: Ports['store']; readonly ledger: LedgerReader }> {
  const pool = createPool(withoutWaiting(url), {
    applicationName: 'reconciler',
    max: CONNECTIONS,
  });
  await migrateLedger(pool);
  return {
    store: projectionStore(pool, LEDGER_SCHEMA),
    ledger: {
      report: (tenant) => asked(() => reportTenants(pool, tenant)),
      hours: (tenant, limit) => asked(() => newestSums(pool, tenant, limit)),
      events: (tenant, entity) => pages(pool, { tenant, entity }),
      close: () => pool.end(),
    },
  };
}
