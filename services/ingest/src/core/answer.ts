import type { Violation } from '@waybill/contracts';

/** An HTTP answer as data. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for a bare answer. */
  readonly body: string;
}

interface Shape {
  readonly status: number;
  /** Absent for answers to whom has not shown who they are: they learn nothing but the status. */
  readonly title?: string;
  readonly retryAfterS?: number;
  /** Of the problem, where one is registered; default: our own. */
  readonly type?: string;
}

const shapes = {
  UNAUTHENTICATED: { status: 401 },
  FORBIDDEN: { status: 403, title: 'The token is valid and does not open this source' },
  IDEMPOTENCY_KEY_MISSING: { status: 400, title: 'Idempotency-Key is required' },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    title: 'Idempotency-Key must be 1 to 255 printable ASCII characters',
  },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'Idempotency-Key was used for another body' },
  REQUEST_IN_FLIGHT: {
    status: 409,
    title: 'The first request with this Idempotency-Key is still at work',
    retryAfterS: 1,
  },
  BODY_MALFORMED: { status: 400, title: 'The body is not JSON' },
  BODY_TOO_LARGE: { status: 413 },
  ENCODING_UNSUPPORTED: { status: 415 },
  TYPE_UNSUPPORTED: { status: 415, title: 'The body must be sent as application/json' },
  EVENT_INVALID: { status: 422, title: 'The event breaks its contract' },
  NOT_FOUND: { status: 404 },
  REQUEST_MALFORMED: { status: 400 },
  RATE_LIMITED: {
    status: 429,
    title: 'The limit of this source or tenant is used up',
    retryAfterS: 1,
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  },
  REQUEST_TIMEOUT: { status: 408 },
  HEADERS_TOO_LARGE: { status: 431 },
  OVERLOADED: { status: 503, retryAfterS: 1 },
  UNAVAILABLE: { status: 503, retryAfterS: 5 },
  INTERNAL: { status: 500 },
} satisfies Readonly<Record<string, Shape>>;

export type RefusalCode = keyof typeof shapes;

/** A request that is not accepted. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  /** For log and metric only, never for the sender; from a closed set. */
  readonly reason?: string;
  /** Facts about the reason, for the audit; never a secret. */
  readonly detail?: string;
  readonly violations?: readonly Violation[];
  /** When to come back, where more is known than the usual time. */
  readonly retryAfterS?: number;
  /** Names of the limits that are used up. */
  readonly violatedPolicies?: readonly string[];
}

/** The answer to a refused request: problem+json (RFC 9457), or bare. */
export function refusalAnswer(refusal: Refusal): Answer {
  const shape: Shape = shapes[refusal.code];
  const headers: Record<string, string> = {};
  const retryAfterS = refusal.retryAfterS ?? shape.retryAfterS;
  if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS);
  if (shape.title === undefined) return { status: shape.status, headers, body: '' };
  headers['content-type'] = 'application/problem+json';
  const body = JSON.stringify({
    type: shape.type ?? `urn:waybill:problem:${refusal.code.toLowerCase().replaceAll('_', '-')}`,
    title: shape.title,
    status: shape.status,
    code: refusal.code,
    ...(refusal.violations === undefined ? {} : { violations: refusal.violations }),
    ...(refusal.violatedPolicies === undefined
      ? {}
      : { 'violated-policies': refusal.violatedPolicies }),
  });
  return { status: shape.status, headers, body };
}

/** Body of the answer to accepted events: the id of one, the count of several. Repeats get it again. */
export function acceptedAnswer(accepted: string | number): string {
  return JSON.stringify({ accepted });
}

const ACCEPTED = { 'content-type': 'application/json' };
const REPEATED = { 'content-type': 'application/json', 'idempotent-replayed': 'true' };

/** The 200 with that body; `repeated` tells the sender that nothing was done this time. */
export function keptAnswer(body: string, repeated: boolean): Answer {
  return { status: 200, headers: repeated ? REPEATED : ACCEPTED, body };
}
