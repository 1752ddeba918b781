import { errorCodes, type ErrorCode } from '@waybill/fault';
import type { RejectionCode } from '@waybill/transforms';

/** Codes of this service's dead letters; each is one element that was refused. */
export const codes: Readonly<Record<RejectionCode, ErrorCode>> = errorCodes({
  BODY_UNREADABLE: {
    kind: 'malformed',
    meaning: 'The record’s body is not the JSON that its call answers with.',
  },
  CALL_UNKNOWN: { kind: 'malformed', meaning: 'No adapter is registered for the provider call.' },
  CONTRACT_VIOLATED: { kind: 'malformed', meaning: 'The finished event breaks its contract.' },
  EVENT_MALFORMED: { kind: 'malformed', meaning: 'A feed element is no event object.' },
  EVENT_UNKNOWN: {
    kind: 'malformed',
    meaning: 'A pushed body or event is of a kind that nobody knows.',
  },
  ITEM_MALFORMED: { kind: 'malformed', meaning: 'A listed item is no item object.' },
  MESSAGE_MALFORMED: {
    kind: 'malformed',
    meaning: 'A message is no object, or a field has the wrong type.',
  },
  POSITION_INVALID: {
    kind: 'malformed',
    meaning: 'Coordinates are missing, of the wrong type or out of range.',
  },
  STATUS_UNKNOWN: { kind: 'malformed', meaning: 'A pushed status is not on the ladder.' },
  TIME_INVALID: { kind: 'malformed', meaning: 'A device, registration or status time is no time.' },
  TYPE_UNKNOWN: { kind: 'malformed', meaning: 'A message type that nobody knows.' },
  UNIT_UNKNOWN: { kind: 'malformed', meaning: 'The element names no usable unit.' },
  WEBHOOK_MALFORMED: { kind: 'malformed', meaning: 'A pushed body lacks fields or mistypes them.' },
  WEBHOOK_UNVERIFIED: {
    kind: 'refused',
    meaning: 'A request that ingest did not judge is no fact.',
  },
  ZONE_MALFORMED: { kind: 'malformed', meaning: 'A geofence without a usable id or outline.' },
});
