import { errorCodes, Fault, type ErrorCode } from '@waybill/fault';

type Code = 'REQUEST_MALFORMED' | 'TENANT_UNKNOWN';

/** Codes that this service raises itself. */
export const codes: Readonly<Record<Code, ErrorCode>> = errorCodes({
  REQUEST_MALFORMED: {
    kind: 'malformed',
    meaning: 'The body of a request is not what it should be.',
  },
  TENANT_UNKNOWN: { kind: 'refused', meaning: 'No applied tenant has this id.' },
});

/** A Fault with one of these codes and its kind. */
export function reconcilerFault(code: Code, message: string, cause?: unknown): Fault {
  return new Fault(message, { kind: codes[code].kind, code, stage: 'decide', cause });
}
