import { eventsAt, findDeadLetters, findEvents, traceEvent, unitEvidence } from '@waybill/ledger';
import { classify, createPool } from '@waybill/postgres';
import type { LedgerReader } from '../ports.ts';

const CONNECTIONS = 2;
/** A question must not hold the ledger up. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** Opens the ledger for reading; the reconciler owns its tables. Connects when first used. */
export function openLedger(url: string): LedgerReader {
  const pool = createPool(url, {
    applicationName: 'console',
    max: CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const asked = async <R>(work: Promise<R>): Promise<R> => {
    try {
      return await work;
    } catch (error) {
      throw classify(error);
    }
  };
  return {
    find: (tenant, reference) => asked(findEvents(pool, tenant, reference)),
    at: (tenant, unit, at) => asked(eventsAt(pool, tenant, unit, at)),
    trace: (event) => asked(traceEvent(pool, event)),
    deadLetters: (tenant, where) => asked(findDeadLetters(pool, tenant, where)),
    evidence: (tenant, unit, at) => asked(unitEvidence(pool, tenant, unit, at)),
    close: () => pool.end(),
  };
}
