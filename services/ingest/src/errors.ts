import { errorCodes, type ErrorCode } from '@waybill/fault';
import type { RefusalCode } from './core/answer.ts';

/** Why a request is not accepted; the code stands in problem bodies, log lines and metrics. */
export const codes: Readonly<Record<RefusalCode, ErrorCode>> = errorCodes({
  UNAUTHENTICATED: {
    kind: 'refused',
    meaning: 'Source unknown, signature missing, wrong, outside the tolerance or used before.',
  },
  FORBIDDEN: {
    kind: 'refused',
    meaning: 'The token is valid, but its client or its scope does not open the source.',
  },
  IDEMPOTENCY_KEY_MISSING: { kind: 'malformed', meaning: 'The request has no Idempotency-Key.' },
  IDEMPOTENCY_KEY_INVALID: {
    kind: 'malformed',
    meaning: 'The Idempotency-Key is not 1 to 255 printable ASCII characters.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'refused',
    meaning: 'The Idempotency-Key was used for another body.',
  },
  REQUEST_IN_FLIGHT: {
    kind: 'transient',
    meaning: 'The first request with this Idempotency-Key is still at work.',
  },
  BODY_MALFORMED: { kind: 'malformed', meaning: 'The body is not JSON in UTF-8.' },
  BODY_TOO_LARGE: { kind: 'refused', meaning: 'The body is over 1 MB.' },
  ENCODING_UNSUPPORTED: {
    kind: 'refused',
    meaning: 'The body is compressed; the signature covers plain bytes.',
  },
  TYPE_UNSUPPORTED: {
    kind: 'refused',
    meaning: 'An event of our format is not sent as JSON in UTF-8.',
  },
  EVENT_INVALID: { kind: 'malformed', meaning: 'The body breaks the contract of its event.' },
  NOT_FOUND: { kind: 'refused', meaning: 'There is nothing at this address.' },
  REQUEST_MALFORMED: { kind: 'malformed', meaning: 'The request is not valid HTTP.' },
  RATE_LIMITED: {
    kind: 'transient',
    meaning: 'The limit of the source or the tenant in its tenant file is used up.',
  },
  HEADERS_TOO_LARGE: { kind: 'malformed', meaning: 'Request line and headers are over 16 KiB.' },
  REQUEST_TIMEOUT: { kind: 'malformed', meaning: 'The request did not arrive in time.' },
  OVERLOADED: { kind: 'transient', meaning: 'Too many requests are at work.' },
  UNAVAILABLE: {
    kind: 'transient',
    meaning: 'The log, the claims or a secret cannot be reached; nothing was accepted.',
  },
  INTERNAL: { kind: 'bug', meaning: 'A failure that nobody foresaw; nothing was acknowledged.' },
});
