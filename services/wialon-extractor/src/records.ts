import {
  topics,
  type BackfillMoved,
  type CursorMoved,
  type Message,
  type PageFetched,
  type SessionChange,
} from '@waybill/contracts';
import type { Outgoing } from '@waybill/stream';
import type { SavedCounts } from './core/hour-counts.ts';
import { accountKey, cursorKey, progressId, type Account } from './core/account.ts';

/** A cursor or the state of a back-fill, as the owner keeps it. */
export type CursorMessage =
  Message<'CursorMoved', CursorMoved> | Message<'BackfillMoved', BackfillMoved>;

/** A page under the account's key, for the live readers or those of back-fills. */
export function pageRecord(
  account: Account,
  value: PageFetched,
  traceparent: string | undefined,
  isBackfill: boolean,
): Outgoing<Message<'PageFetched', PageFetched>> {
  const topic = isBackfill ? topics.wialonPageBackfill : topics.wialonPage;
  return {
    topic,
    key: accountKey(account),
    message: { type: 'PageFetched', value },
    traceparent,
  };
}

/** States that everything registered up to `completeToTime` stands before this record. */
export function progressRecord(
  account: Account,
  completeToTime: number,
  now: number,
  traceparent: string | undefined,
): Outgoing {
  return {
    topic: topics.wialonPage,
    key: accountKey(account),
    message: {
      type: 'SourceProgressed',
      value: {
        tenant_id: account.tenantId,
        source_id: progressId(account),
        account: account.account,
        complete_to_time: completeToTime,
        received_time: now,
      },
    },
    traceparent,
  };
}

/** What a cursor says. */
export interface CursorLine {
  /** Null = the live feed. */
  readonly unit: string | null;
  readonly readToTime: number;
  readonly sessionHash: string | null;
  readonly updatedTime: number;
  readonly counts?: SavedCounts | undefined;
  /** Hours that have still to be read again. */
  readonly dirtyHours?: readonly number[];
  /** Of the live feed: days before this one, counted from 1970, are proven. */
  readonly provedDay?: number | undefined;
}

const HOUR_MS = 3_600_000;

/** How far a unit is read, or the live feed. Stands in the partition of its account. */
export function cursorRecord(account: Account, line: CursorLine): Outgoing {
  const { counts } = line;
  return {
    topic: topics.wialonCursor,
    key: cursorKey(account, line.unit),
    partitionKey: accountKey(account),
    message: {
      type: 'CursorMoved',
      value: {
        tenant_id: account.tenantId,
        source_id: account.sourceId,
        account: account.account,
        unit: line.unit,
        read_to_time: line.readToTime,
        session_hash: line.sessionHash,
        updated_time: line.updatedTime,
        hours_from_time: counts === undefined ? null : counts.fromHour * HOUR_MS,
        hour_counts: [...(counts?.counts ?? [])],
        proved_day: line.provedDay ?? null,
        dirty_hours: [...(line.dirtyHours ?? [])],
      },
    },
  };
}

/** Tombstone of a unit's cursor: the unit counts as never read. */
export function forgottenCursor(account: Account, unit: string): Outgoing {
  return {
    topic: topics.wialonCursor,
    key: cursorKey(account, unit),
    partitionKey: accountKey(account),
    message: null,
  };
}

/** One line of the authentication audit. */
export interface AuditLine {
  readonly kind: SessionChange;
  readonly sessionHash: string | null;
  readonly errorCode: number | null;
  readonly reason: string | null;
  readonly latencyMs: number;
}

/** The audit record of a session change. */
export function sessionRecord(account: Account, line: AuditLine, now: number): Outgoing {
  return {
    topic: topics.wialonSession,
    key: account.account,
    message: {
      type: 'SessionChanged',
      value: {
        tenant_id: account.tenantId,
        source_id: account.sourceId,
        account: account.account,
        kind: line.kind,
        event_time: now,
        session_hash: line.sessionHash,
        error_code: line.errorCode,
        reason: line.reason,
        latency_ms: line.latencyMs,
      },
    },
  };
}
