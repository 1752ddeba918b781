import {
  topics,
  type TripStatus,
  type TripStatusChanged,
  type Violation,
  type WebhookReceived,
} from '@waybill/contracts';
import { hashId, parseInstant } from '@waybill/domain';
import { isObject, violation } from './json.ts';
import { reject, type RecordAddress, type Verdict } from './transformed.ts';

const contract = topics.tripStatus.contracts.TripStatusChanged;

const STATUSES: ReadonlySet<unknown> = new Set<TripStatus>([
  'planned',
  'started',
  'arrived',
  'departed',
  'completed',
  'cancelled',
]);

/** A number below this counts seconds (to the year 5138), above it milliseconds (from March 1973). */
const FIRST_MILLISECOND = 100_000_000_000;

/**
 * Instant in ms of `ts`: ISO 8601 text that states its offset, or a count since 1970 in seconds or
 * milliseconds, as number or as digits. Undefined when it is none of these: a zone is never guessed.
 */
export function instantOf(ts: unknown): number | undefined {
  if (typeof ts === 'string' && !/^\d{1,16}$/.test(ts)) return parseInstant(ts);
  if (typeof ts !== 'number' && typeof ts !== 'string') return undefined;
  const count = Number(ts);
  if (!(count > 0 && count < 1e15)) return undefined;
  return Math.round(count < FIRST_MILLISECOND ? count * 1000 : count);
}

function isStatus(value: unknown): value is TripStatus {
  return STATUSES.has(value);
}

/**
 * `{"event":"trip.status.changed","id":…,"data":{"trip_id","status","site_id"?,"ts"}}` →
 * TripStatusChanged. The trip's identity is its id at the provider; the status ladder orders by its own
 * time, so a repeated or overtaken message can never turn a newer status back.
 */
export function readTripStatus(
  data: unknown,
  request: WebhookReceived,
  address: RecordAddress,
): Verdict {
  if (!isObject(data)) {
    return reject('WEBHOOK_MALFORMED', [violation('data', 'an object', data)]);
  }
  const violations: Violation[] = [];
  const tripId = data['trip_id'];
  if (typeof tripId !== 'string') violations.push(violation('data.trip_id', 'text', tripId));
  const site = data['site_id'] ?? null;
  if (site !== null && typeof site !== 'string') {
    violations.push(violation('data.site_id', 'text or null', site));
  }
  const instant = instantOf(data['ts']);
  if (instant === undefined) {
    violations.push(
      violation(
        'data.ts',
        'an ISO 8601 instant with its offset, or seconds or ms since 1970',
        data['ts'],
      ),
    );
  }
  const status = data['status'];
  if (!isStatus(status)) {
    violations.push(violation('data.status', [...STATUSES].join(', '), status));
  }
  if (
    typeof tripId !== 'string' ||
    instant === undefined ||
    !isStatus(status) ||
    violations.length > 0
  ) {
    const only = violations.length === 1 ? violations[0]?.path : undefined;
    const code =
      only === 'data.status'
        ? 'STATUS_UNKNOWN'
        : only === 'data.ts'
          ? 'TIME_INVALID'
          : 'WEBHOOK_MALFORMED';
    return reject(code, violations, null, instant ?? null);
  }
  const value: TripStatusChanged = {
    tenant_id: request.tenant_id,
    unit: null,
    event_id: hashId('entity', request.tenant_id, 'trip_status', tripId),
    event_time: instant,
    provider_time: instant,
    received_time: request.received_time,
    revision: instant,
    retracted: false,
    cause: 'live',
    trace: { ...address, index: 0 },
    trip_id: tripId,
    status,
    site_id: typeof site === 'string' ? site : null,
  };
  const broken = contract.violations(value);
  if (broken.length > 0) return reject('CONTRACT_VIOLATED', broken, null, instant);
  const key = `${request.tenant_id}/${request.source_id}/${tripId}`;
  return { kind: 'event', event: { contract: 'TripStatusChanged', key, value } };
}
