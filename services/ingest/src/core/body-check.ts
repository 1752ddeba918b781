import {
  cloudEventsOf,
  mediaTypeOf,
  readCloudEvents,
  readPushedEvents,
  type Violation,
} from '@waybill/contracts';
import type { Refusal } from './answer.ts';
import { formProblem, isForm } from './body-form.ts';
import { readJson } from './body-json.ts';
import { limits } from './body-limits.ts';

/**
 * Whose format a body has. Ours is checked against the contracts of its events. Of a vendor's only the
 * shape: most vendors stop or repeat for ever on 4xx, so contract failures are found later, behind a 200.
 */
export type BodyFormat = 'waybill' | 'vendor';

/** Schemes with which senders of our own format prove who they are; the others belong to vendors. */
const OWN_SCHEMES: ReadonlySet<string> = new Set([
  ...['waybill-hmac', 'standard-webhooks', 'oauth2', 'oauth2-own'],
]);

/** The format of a source's bodies: what its tenant file says, else by its scheme. */
export function bodyFormat(source: {
  readonly scheme: string;
  readonly format?: BodyFormat | undefined;
}): BodyFormat {
  return source.format ?? (OWN_SCHEMES.has(source.scheme) ? 'waybill' : 'vendor');
}

/** A body that may be taken over. */
export interface ValidBody {
  readonly kind: 'valid';
  /** What the answer says was accepted: the id of a single event, else how many there are. */
  readonly accepted: string | number;
}

/**
 * Checks a body: its media type where the format is ours, strict JSON (of a vendor also a form, where it is
 * sent as one and is no JSON), then the contract of every event in it. All or nothing: one bad event refuses
 * its batch, because a sender that repairs and repeats must not wonder which half was taken.
 */
export function checkBody(
  body: Uint8Array,
  format: BodyFormat,
  headers: Headers = {},
): ValidBody | Refusal {
  const contentType = headers['content-type'];
  if (format === 'waybill' && contentType !== undefined && !isJsonType(contentType)) {
    const message = `expected Content-Type application/json in UTF-8, found "${contentType.slice(0, 60)}"`;
    return { kind: 'refused', code: 'TYPE_UNSUPPORTED', violations: [{ path: '', message }] };
  }
  const read = readJson(body);
  if (read.kind === 'malformed') {
    if (format === 'vendor' && isForm(contentType)) return checkForm(body);
    return { kind: 'refused', code: 'BODY_MALFORMED', violations: read.violations };
  }
  return format === 'waybill' ? checkEvents(read.value, headers) : checkShape(read.value);
}

/** Lower case names. */
type Headers = Readonly<Record<string, string>>;

const JSON_TYPE = /^application\/(?:json|[\w.-]+\+json)$/;
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-8"?\s*(?:;|$))/i;

/** JSON, also of a kind of its own (`+json`); it is UTF-8 whoever says so. */
function isJsonType(contentType: string): boolean {
  if (contentType === 'application/json') return true;
  return JSON_TYPE.test(mediaTypeOf(contentType)) && !OTHER_CHARSET.test(contentType);
}

function checkEvents(body: unknown, headers: Headers): ValidBody | Refusal {
  const violations: Violation[] = [];
  const cloud = cloudEventsOf(headers['content-type'], headers, body);
  const value = cloud === undefined ? body : cloud.value;
  const events =
    cloud === undefined ? readPushedEvents(value, violations) : readCloudEvents(value, violations);
  if (violations.length > 0) {
    return {
      kind: 'refused',
      code: 'EVENT_INVALID',
      violations: violations.slice(0, limits.violations),
    };
  }
  const [first] = events;
  const single = !Array.isArray(value) && first !== undefined;
  return { kind: 'valid', accepted: single ? first.id : events.length };
}

function checkForm(body: Uint8Array): ValidBody | Refusal {
  const message = formProblem(body);
  return message === undefined
    ? { kind: 'valid', accepted: 1 }
    : { kind: 'refused', code: 'BODY_MALFORMED', violations: [{ path: '', message }] };
}

/** Vendors push objects, or arrays of them. */
function checkShape(value: unknown): ValidBody | Refusal {
  if (Array.isArray(value)) return { kind: 'valid', accepted: value.length };
  if (typeof value === 'object' && value !== null) return { kind: 'valid', accepted: 1 };
  const violations = [{ path: '', message: 'expected an object or an array, found a scalar' }];
  return { kind: 'refused', code: 'BODY_MALFORMED', violations };
}
