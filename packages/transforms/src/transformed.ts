import type {
  AssetDescribed,
  AssetSensor,
  FuelTransactionRecorded,
  PositionRecorded,
  SignalRecorded,
  ProviderAlertRaised,
  RawAddress,
  TripStatusChanged,
  Violation,
  WorkOrderReported,
  ZoneDescribed,
} from '@waybill/contracts';
import type { NullReason } from './sensor-expression.ts';

/** The sensors of a unit as of an event time, ms; none where nobody described it. */
export type SensorsOf = (unit: string, eventTime: number) => readonly AssetSensor[];

/** Where a raw record stands: the part of every trace that its elements share. */
export type RecordAddress = Omit<RawAddress, 'index'>;

interface Event<N extends string, T> {
  /** Contract of the value. */
  readonly contract: N;
  /** Key of the record in the contract's topic. */
  readonly key: string;
  readonly value: T;
}

/** A contract event, ready to be written. */
export type TransformedEvent =
  | Event<'PositionRecorded', PositionRecorded>
  | Event<'SignalRecorded', SignalRecorded>
  | Event<'AssetDescribed', AssetDescribed>
  | Event<'ZoneDescribed', ZoneDescribed>
  | Event<'TripStatusChanged', TripStatusChanged>
  | Event<'FuelTransactionRecorded', FuelTransactionRecorded>
  | Event<'WorkOrderReported', WorkOrderReported>
  | Event<'ProviderAlertRaised', ProviderAlertRaised>;

/** Why an element was refused. README lists what each one means. */
export type RejectionCode =
  | 'BODY_UNREADABLE'
  | 'CALL_UNKNOWN'
  | 'CONTRACT_VIOLATED'
  | 'EVENT_MALFORMED'
  | 'EVENT_UNKNOWN'
  | 'ITEM_MALFORMED'
  | 'MESSAGE_MALFORMED'
  | 'POSITION_INVALID'
  | 'STATUS_UNKNOWN'
  | 'TIME_INVALID'
  | 'TYPE_UNKNOWN'
  | 'UNIT_UNKNOWN'
  | 'WEBHOOK_MALFORMED'
  | 'WEBHOOK_UNVERIFIED'
  | 'ZONE_MALFORMED';

/** Why an element was left out on purpose. */
export type SkipReason = 'no_position' | 'other_message_type' | 'other_event' | 'other_item';

/** One element that is refused; its neighbours pass. */
export interface TransformRejection {
  /** Position of the element in the record; -1 = the record as a whole. */
  readonly index: number;
  /** Hash of tenant, account, unit and the element's text: repeats of an element are equal. */
  readonly elementId: string;
  readonly code: RejectionCode;
  readonly kind: 'malformed' | 'refused';
  /** One line. */
  readonly message: string;
  readonly violations: readonly Violation[];
  readonly unit: string | null;
  /** Device time in ms, where it could be read. */
  readonly eventTime: number | null;
  /** The element's bytes as received; null where the raw record itself is the element and over 64 KiB. */
  readonly original: Buffer | null;
}

/** Result for one raw record: every element is an event, a rejection or a counted skip. */
export interface Transformed {
  readonly events: readonly TransformedEvent[];
  readonly rejections: readonly TransformRejection[];
  readonly skipped: readonly { readonly reason: SkipReason; readonly count: number }[];
  /** Signals that are null although the message has what they need. */
  readonly nulled: readonly { readonly reason: NullReason; readonly count: number }[];
}

/** What an adapter says about one element. */
export type Verdict =
  | { readonly kind: 'event'; readonly event: TransformedEvent }
  | { readonly kind: 'skip'; readonly reason: SkipReason }
  | { readonly kind: 'reject'; readonly problem: Problem };

/** A refusal before it is bound to its record. */
export interface Problem {
  readonly code: RejectionCode;
  readonly violations: readonly Violation[];
  readonly unit: string | null;
  readonly eventTime: number | null;
}

/** Shorthand for a refused element. */
export function reject(
  code: RejectionCode,
  violations: readonly Violation[],
  unit: string | null = null,
  eventTime: number | null = null,
): Verdict {
  return { kind: 'reject', problem: { code, violations, unit, eventTime } };
}

/** Shorthand for an element that is left out on purpose. */
export function skip(reason: SkipReason): Verdict {
  return { kind: 'skip', reason };
}
