import { errorCodes, Fault, type FaultStage } from '@waybill/fault';

/** Codes under which this service refuses, parks or stops. */
export const sinkErrors = errorCodes({
  UNMAPPED: {
    kind: 'unmapped',
    meaning: 'no ERP id is valid at the event’s time; waits, and goes on when the id is mapped',
  },
  ROW_MISSING: {
    kind: 'unmapped',
    meaning: 'the ERP has no such order yet; looked for every minute for 6 h, then manual',
  },
  TENANT_UNKNOWN: {
    kind: 'unmapped',
    meaning: 'no tenant file was applied; waits, and goes on when one is',
  },
  PERIOD_MISSING: {
    kind: 'misconfigured',
    meaning: 'the ERP has no period row for the business date; manual until `POST /resume`',
  },
  NO_OPEN_PERIOD: {
    kind: 'misconfigured',
    meaning: 'no open period on or after the business date takes an amendment; manual',
  },
  EXHAUSTED: {
    kind: 'transient',
    meaning: 'five retries failed while other keys were delivered; dead letter',
  },
  VALUE_UNKNOWN: {
    kind: 'refused',
    meaning: 'the mapping translates values and lacks this one; dead letter',
  },
  ERP_REFUSED: {
    kind: 'refused',
    meaning: 'a rule inside the ERP (a trigger) refused the row; dead letter',
  },
  DB_CONSTRAINT: {
    kind: 'refused',
    meaning: 'a constraint of the ERP refused the row, such as an unknown vehicle; dead letter',
  },
  DB_VALUE: {
    kind: 'refused',
    meaning: 'a value does not fit its ERP column; dead letter',
  },
  DB_UNAVAILABLE: {
    kind: 'transient',
    meaning: 'the ERP or the delivery database is away; retried, then the breaker opens',
  },
  DB_BUSY: {
    kind: 'transient',
    meaning: 'a lock, deadlock or statement time-out in the ERP; retried',
  },
  DB_LOGIN: {
    kind: 'misconfigured',
    meaning: 'the ERP refuses the login; the breaker opens, the secret is read again per probe',
  },
  DB_SCHEMA: {
    kind: 'misconfigured',
    meaning: 'table or column of a mapping is missing in the ERP; the lane stops',
  },
  SECRET_MISSING: {
    kind: 'misconfigured',
    meaning: 'the reference erp.url cannot be resolved; the breaker opens',
  },
  MAPPING_INVALID: {
    kind: 'misconfigured',
    meaning: 'the ERP mapping cannot be carried out; the lane stops',
  },
  BODY_INVALID: {
    kind: 'malformed',
    meaning: 'the body of `POST /resume` names no tenant; answered 400',
  },
  MAPPING_MISSING: {
    kind: 'misconfigured',
    meaning: 'the tenant has no mapping for the entity; the lane stops',
  },
});

export type SinkCode = keyof typeof sinkErrors;

/** A Fault of this service; its kind is that of the code. */
export function sinkFault(code: SinkCode, stage: FaultStage, message: string): Fault {
  return new Fault(message, { kind: sinkErrors[code].kind, code, stage });
}
