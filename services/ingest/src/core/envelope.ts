import type { TripStatus, Violation } from '@waybill/contracts';
import { parseInstant } from '@waybill/domain';
import type { Refusal } from './answer.ts';

/** The one event that is accepted; more come with the transforms that read them. */
export const EVENT = 'trip.status.changed';

const STATUSES: readonly TripStatus[] = [
  'planned',
  'started',
  'arrived',
  'departed',
  'completed',
  'cancelled',
];

/** As in the contract of TripStatusChanged. */
const TRIP_ID = /^[A-Za-z0-9._-]{1,64}$/;
const ID_MAX_LENGTH = 255;

/** A number below this counts seconds (to the year 5138), above it milliseconds (from March 1973). */
const FIRST_MILLISECOND = 100_000_000_000;

export type CheckedEnvelope = { readonly kind: 'valid'; readonly id: string } | Refusal;

/** `{event, id, data: {trip_id, status, site_id?, ts}}`. Further fields are the sender's own business. */
export function checkEnvelope(body: Uint8Array): CheckedEnvelope {
  const parsed = parseBody(body);
  if (parsed === undefined) return { kind: 'refused', code: 'BODY_MALFORMED' };
  const envelope = isObject(parsed.value) ? parsed.value : undefined;
  if (envelope === undefined) {
    const violations = [violation('', 'an object {event, id, data}', parsed.value)];
    return { kind: 'refused', code: 'EVENT_INVALID', violations };
  }
  const { id } = envelope as { readonly id?: unknown };
  const violations = [
    ...check(envelope['event'] === EVENT, 'event', EVENT, envelope['event']),
    ...check(isText(id), 'id', `text of 1 to ${ID_MAX_LENGTH} characters`, id),
    ...checkData(envelope['data']),
  ];
  if (violations.length > 0 || !isText(id)) {
    return { kind: 'refused', code: 'EVENT_INVALID', violations };
  }
  return { kind: 'valid', id };
}

function checkData(data: unknown): Violation[] {
  if (!isObject(data)) return [violation('data', 'an object', data)];
  const { trip_id: tripId, status, site_id: site = null, ts } = data;
  const isTripId = typeof tripId === 'string' && TRIP_ID.test(tripId);
  return [
    ...check(isTripId, 'data.trip_id', '1 to 64 letters, digits, . _ -', tripId),
    ...check(isStatus(status), 'data.status', `one of ${STATUSES.join(', ')}`, status),
    ...check(site === null || isText(site), 'data.site_id', 'text or null', site),
    ...check(
      isInstant(ts),
      'data.ts',
      'an ISO 8601 instant with its offset, or seconds or ms since 1970',
      ts,
    ),
  ];
}

function parseBody(body: Uint8Array): { readonly value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= ID_MAX_LENGTH;
}

function isStatus(value: unknown): boolean {
  return STATUSES.some((status) => status === value);
}

/** The same rule as the transformer's: what passes here is never refused there. */
function isInstant(ts: unknown): boolean {
  if (typeof ts === 'string' && !/^\d{1,16}$/.test(ts)) {
    const instant = parseInstant(ts);
    return instant !== undefined && instant >= 0;
  }
  if (typeof ts !== 'number' && typeof ts !== 'string') return false;
  const count = Number(ts);
  const limit = 1e15;
  return count > 0 && (count < FIRST_MILLISECOND ? count * 1000 : count) < limit;
}

function check(holds: boolean, path: string, expected: string, found: unknown): Violation[] {
  return holds ? [] : [violation(path, expected, found)];
}

function violation(path: string, expected: string, found: unknown): Violation {
  const text = found === undefined ? 'nothing' : JSON.stringify(found);
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return { path, message: `expected ${expected}, found ${shown}` };
}
