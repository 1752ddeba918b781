import type { PageFetched } from '@waybill/contracts';
import type { Outgoing, Owner } from '@waybill/stream';
import type { CommitQueue, Group } from './commit-queue.ts';
import { cursorKey, type Account } from './core/account.ts';
import type { Progressed } from './core/plan.ts';
import type { WorkerPorts } from './ports.ts';
import { pageRecord, sessionRecord, type AuditLine, type CursorMessage } from './records.ts';

/** What all parts of an account's worker share. */
export interface AccountContext {
  readonly account: Account;
  readonly owner: Owner<CursorMessage>;
  readonly ports: WorkerPorts;
  /** Aborts when the account is no longer ours or the process stops. */
  readonly signal: AbortSignal;
  /** Fields of every log line about this account. */
  readonly fields: { readonly tenant_id: string; readonly source_id: string };
  /** Wall time in ms, strictly rising over all cursors: their order is part of their meaning. */
  readonly stamp: () => number;
}

/** Makes the context; `stamp` begins behind every cursor of the account. */
export function createContext(
  account: Account,
  owner: Owner<CursorMessage>,
  ports: WorkerPorts,
  signal: AbortSignal,
): AccountContext {
  const own = cursorKey(account, null);
  let last = 0;
  for (const [key, { value }] of owner.cursors) {
    if (key === own || key.startsWith(`${own}/`)) last = Math.max(last, value.updated_time);
  }
  return {
    account,
    owner,
    ports,
    signal,
    fields: { tenant_id: account.tenantId, source_id: account.sourceId },
    stamp: () => {
      last = Math.max(ports.clock.now(), last + 1);
      return last;
    },
  };
}

/** Cursor of a unit, or of the live feed. */
export function cursorOf(context: AccountContext, unit: string | null): Progressed | undefined {
  const message = context.owner.cursors.get(cursorKey(context.account, unit));
  if (message?.type !== 'CursorMoved') return undefined;
  const { read_to_time: readToTime, updated_time: updatedTime } = message.value;
  return { readToTime, updatedTime };
}

/** Writes a line of the authentication audit and counts it. */
export async function audit(context: AccountContext, line: AuditLine): Promise<void> {
  const { ports, account, owner } = context;
  ports.metrics.session(line.kind);
  await owner.commit([sessionRecord(account, line, ports.clock.now())]);
}

/** The groups of an answer: its parts, and with the last one what stands behind them (cursor, progress). */
function groupsOf(
  account: Account,
  parts: readonly PageFetched[],
  traceparent: string | undefined,
  behind: readonly Outgoing[],
): readonly Group[] {
  const groups = parts.map((part, index) => ({
    records: [
      pageRecord(account, part, traceparent),
      ...(index === parts.length - 1 ? behind : []),
    ],
    bytes: part.body.length,
  }));
  return parts.length === 0 && behind.length > 0 ? [{ records: behind, bytes: 0 }] : groups;
}

/**
 * Publishes the parts of an answer and what stands behind them. The last part and the rest are one
 * transaction; earlier parts of a split answer may go ahead, because a broker takes at most 1 MiB at
 * once. A crash between them leaves pages without a cursor: they are read and published again, and
 * repeats are removed behind the transformer.
 */
export async function publishPages(
  context: AccountContext,
  session: { readonly commits: CommitQueue },
  parts: readonly PageFetched[],
  traceparent: string | undefined,
  behind: readonly Outgoing[],
): Promise<void> {
  for (const group of groupsOf(context.account, parts, traceparent, behind)) {
    await session.commits.add(group);
  }
}
