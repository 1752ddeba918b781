export { createInbox, type Inbox, type InboxOptions } from './inbox.ts';
export { DEFAULT_LIMITS, retryDelayMs, type Limits } from './limits.ts';
export type { Span } from './rework.ts';
export { UNASSIGNED } from './types.ts';
export type {
  EnqueueCounts,
  InboxCounts,
  InboxFact,
  InboxRow,
  LaneClaim,
  OutboxMessage,
  OutboxRow,
  RowResult,
  RowState,
  Settled,
  Settlement,
} from './types.ts';
