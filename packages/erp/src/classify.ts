import { classify as classifyDatabase } from '@waybill/postgres';
import { Fault, isFault } from '@waybill/fault';

/** SQLSTATE of an exception that a trigger of the ERP raised. */
const RAISED = 'P0001';

function sqlState(error: unknown): string | undefined {
  const cause = isFault(error) ? error.cause : error;
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/** True when a rule inside the ERP refused, as its lock of closed periods does. */
export function isRaised(error: unknown): boolean {
  return sqlState(error) === RAISED;
}

/**
 * Total. Connection, lock and time-out → transient (DB_UNAVAILABLE, DB_BUSY); login, missing table or
 * column → misconfigured (DB_LOGIN, DB_SCHEMA); constraint or value → refused (DB_CONSTRAINT, DB_VALUE);
 * a trigger's exception → refused ERP_REFUSED.
 */
export function classifyErp(error: unknown): Fault {
  const fault = classifyDatabase(error, 'deliver');
  if (!isRaised(error)) return fault;
  return new Fault(fault.message, {
    kind: 'refused',
    code: 'ERP_REFUSED',
    stage: 'deliver',
    cause: error,
  });
}
