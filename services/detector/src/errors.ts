import { errorCodes, type ErrorCode } from '@waybill/fault';

/** Codes of this service: dead letters, and what stops a task. */
export const codes: Readonly<
  Record<
    | 'ANCIENT_TIME'
    | 'FUTURE_TIME'
    | 'STATE_DAMAGED'
    | 'STATE_LAYOUT'
    | 'TENANT_UNKNOWN'
    | 'TRIP_IMPLAUSIBLE'
    | 'UNIT_LIMIT',
    ErrorCode
  >
> = errorCodes({
  ANCIENT_TIME: {
    kind: 'refused',
    meaning: 'Device time more than 400 days before registration.',
  },
  FUTURE_TIME: {
    kind: 'refused',
    meaning: 'Device time more than 120 s after registration; moves no clock.',
  },
  STATE_DAMAGED: {
    kind: 'bug',
    meaning: 'A saved part of a unit is missing or cannot be read.',
  },
  STATE_LAYOUT: {
    kind: 'misconfigured',
    meaning: 'The saved state has a layout that this version does not read.',
  },
  TENANT_UNKNOWN: {
    kind: 'refused',
    meaning: 'A position of a tenant without configuration.',
  },
  TRIP_IMPLAUSIBLE: {
    kind: 'refused',
    meaning: 'A trip of more than 10,000 km, which the contract cannot express.',
  },
  UNIT_LIMIT: {
    kind: 'refused',
    meaning: 'The unit retains as many positions as it may; the source’s progress is stuck.',
  },
});
