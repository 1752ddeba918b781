import { errorCodes, Fault, type ErrorCode } from '@waybill/fault';

type Code =
  | 'MAPPING_OVERLAP'
  | 'PROPOSAL_DECIDED'
  | 'PROPOSAL_UNKNOWN'
  | 'REQUEST_MALFORMED'
  | 'REWORK_UNKNOWN'
  | 'TENANT_INVALID'
  | 'TENANT_MISMATCH'
  | 'TENANT_UNKNOWN';

/** Codes that this service raises itself; the rules of tenant files raise TENANT_INVALID (packages/tenant). */
export const codes: Readonly<Record<Code, ErrorCode>> = errorCodes({
  MAPPING_OVERLAP: {
    kind: 'refused',
    meaning: 'Two intervals of one id share an instant, or an interval ends before it starts.',
  },
  PROPOSAL_DECIDED: { kind: 'refused', meaning: 'The proposal awaits no verdict.' },
  PROPOSAL_UNKNOWN: {
    kind: 'refused',
    meaning: 'No proposal has this id; a newer one may stand in its place.',
  },
  REQUEST_MALFORMED: { kind: 'malformed', meaning: 'A request is not what it should be.' },
  REWORK_UNKNOWN: { kind: 'refused', meaning: 'Nobody asked for a rework of this id.' },
  TENANT_INVALID: {
    kind: 'misconfigured',
    meaning: 'The tenant’s files break rules; every one is named, the last good version stays.',
  },
  TENANT_MISMATCH: {
    kind: 'refused',
    meaning: 'The files are about another tenant than the path.',
  },
  TENANT_UNKNOWN: { kind: 'refused', meaning: 'No applied tenant has this id.' },
});

/** A Fault with one of these codes and its kind. */
export function consoleFault(code: Code, message: string, cause?: unknown): Fault {
  return new Fault(message, { kind: codes[code].kind, code, stage: 'decide', cause });
}
