import type { Fault } from '@waybill/fault';

/** Target of facts whose tenant nobody knows yet: never claimed, until `assignTarget`. */
export const UNASSIGNED = '-';

/** A fact to deliver to one target. */
export interface InboxFact {
  readonly tenantId: string;
  readonly target: string;
  readonly entity: string;
  readonly eventId: string;
  readonly entityId: string;
  /** Deliveries of one lane happen one after another, in order of event time. */
  readonly lane: string;
  /** Ids that must be mapped, as `<entity>/<telematics id>`. */
  readonly refs: readonly string[];
  /** The event; kept as JSON. */
  readonly message: object;
  /** Bytes as they stood in the topic, for the dead letter. */
  readonly original: Buffer | null;
  readonly traceparent: string | undefined;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: bigint };
  /** ms since epoch. */
  readonly eventTime: number;
  readonly providerTime: number;
  readonly receivedTime: number;
  readonly revision: number;
  readonly activation: number;
  /** Park the fact until this key is released. */
  readonly waitFor?: string;
}

export type RowState = 'due' | 'waiting_until' | 'paused' | 'waiting_for' | 'manual' | 'done';

/** A claimed row. */
export interface InboxRow {
  readonly tenantId: string;
  readonly target: string;
  readonly entity: string;
  readonly eventId: string;
  readonly entityId: string;
  readonly lane: string;
  readonly refs: readonly string[];
  /** The event as enqueued; the caller knows its type from `entity`. */
  readonly message: unknown;
  readonly original: Buffer | null;
  readonly traceparent: string | undefined;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: bigint };
  readonly eventTime: number;
  readonly providerTime: number;
  readonly receivedTime: number;
  readonly revision: number;
  readonly activation: number;
  readonly resolution: number;
  readonly state: RowState;
  readonly waitingKey: string | null;
  readonly reason: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  readonly firstFailedAt: number | null;
  /** Since when it is parked without interruption; kept over re-checks. */
  readonly parkedSince: number | null;
}

/** A lane with its first due rows, in order. Nobody else has it until the lease ends. */
export interface LaneClaim {
  readonly tenantId: string;
  readonly target: string;
  readonly lane: string;
  readonly token: bigint;
  /** True when the target's breaker is open: the row tests whether the target is back. */
  readonly probe: boolean;
  readonly rows: readonly InboxRow[];
}

/** What happened to a row; the inbox makes the rest of it. */
export type RowResult =
  | {
      readonly kind: 'done';
      readonly outcome: string;
      readonly erpTable: string | null;
      readonly erpKey: string | null;
      readonly vehicleId: string | null;
      readonly businessDate: string | null;
    }
  /** Parked until `key` is released, or looked at again after `recheckMs`. */
  | {
      readonly kind: 'wait';
      readonly key: string;
      readonly reason: string;
      readonly recheckMs?: number;
    }
  /** Parked until a person acts. */
  | { readonly kind: 'manual'; readonly reason: string }
  /** Failed for now: tried again, dead-lettered, or the weather; decided by the evidence. */
  | { readonly kind: 'retry'; readonly fault: Fault }
  /** Misconfigured: the lane stands still. */
  | { readonly kind: 'pause'; readonly fault: Fault }
  /** The target as a whole cannot be reached because of its settings: its breaker opens. */
  | { readonly kind: 'target_down'; readonly fault: Fault }
  | { readonly kind: 'dead'; readonly fault: Fault };

/** What became of a row, told to the writer of its outbox messages. */
export type Settled =
  | { readonly state: 'done' }
  | { readonly state: 'parked'; readonly changed: boolean }
  | { readonly state: 'retry'; readonly attempts: number; readonly dueAt: number }
  | { readonly state: 'weather'; readonly attempts: number }
  | { readonly state: 'dead'; readonly attempts: number; readonly exhausted: boolean };

/** A message to publish after the commit. */
export interface OutboxMessage {
  /** What it is; the publisher's choice of topic. */
  readonly kind: string;
  readonly key: string;
  readonly payload: object;
  readonly original?: Buffer | null;
  readonly traceparent: string | undefined;
}

export interface OutboxRow extends Required<OutboxMessage> {
  readonly id: bigint;
}

export interface Settlement {
  readonly row: InboxRow;
  readonly result: RowResult;
  /** Called inside the transaction, once it is known what becomes of the row. */
  readonly outbox: (settled: Settled) => readonly OutboxMessage[];
}

export interface EnqueueCounts {
  /** Rows that are new, or whose revision is newer. */
  readonly accepted: number;
  /** Facts that the inbox already had in this or a newer revision. */
  readonly known: number;
}

/** Numbers for health and metrics. */
export interface InboxCounts {
  /** Will be tried without help: due, in flight, or waiting for a retry. 0 = nothing left to do. */
  readonly due: number;
  /** Lanes that a worker has. */
  readonly in_flight: number;
  readonly waiting_until: number;
  readonly paused: number;
  readonly waiting_for: number;
  readonly manual: number;
  /** Age of the oldest row counted in `due`. */
  readonly oldest_due_age_s: number;
  readonly outbox: number;
  readonly open_breakers: readonly string[];
}
