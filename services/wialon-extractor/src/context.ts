import type { Message, PageFetched } from '@waybill/contracts';
import type { Outgoing, Owner } from '@waybill/stream';
import { createBudget, type Budget } from './budget.ts';
import { createCommitQueue, type CommitQueue, type Group } from './commit-queue.ts';
import { cursorKey, type Account } from './core/account.ts';
import { DirtyHours } from './core/dirty-hours.ts';
import { HourCounts } from './core/hour-counts.ts';
import type { Progressed } from './core/plan.ts';
import { UnusableBudget } from './core/unusable-budget.ts';
import type { WorkerPorts } from './ports.ts';
import { pageRecord, sessionRecord, type AuditLine, type CursorMessage } from './records.ts';

/** What outlives the sessions of an account. */
export interface AccountMemory {
  readonly budget: Budget;
  /** Extracted messages by unit and hour. */
  readonly hours: HourCounts;
  readonly dirty: DirtyHours;
  readonly unusable: UnusableBudget;
  /** Fingerprints of what was published, so that an unchanged listing is not published again. */
  readonly published: Map<string, string>;
  /** The provider's newest known clock, s. */
  providerNowS: number;
  /** The provider's clock in the newest live answer that was published, ms; null before the first. */
  heardToMs: number | null;
  /** Wall time of the last login, ms. */
  loggedInAt: number;
  /** Which token worked last; tried first. */
  tokenIndex: number;
  /** The provider refused the last login with every token. */
  isLoginFailing: boolean;
}

/** What all parts of an account's worker share, from one failed transaction to the next. */
export interface AccountContext {
  readonly account: Account;
  readonly owner: Owner<CursorMessage>;
  readonly ports: WorkerPorts;
  readonly memory: AccountMemory;
  /** Pages and cursors on their way into the log. */
  readonly commits: CommitQueue;
  /** Aborts when the account is no longer ours, the process stops, or a transaction failed. */
  readonly signal: AbortSignal;
  /** Fields of every log line about this account. */
  readonly fields: {
    readonly tenant_id: string;
    readonly source_id: string;
    readonly shard?: number;
  };
  /** Wall time in ms, strictly rising over all cursors: their order is part of their meaning. */
  readonly stamp: () => number;
}

/** A memory with nothing in it. */
export function createMemory(account: Account, { clock, metrics }: WorkerPorts): AccountMemory {
  return {
    budget: createBudget(account.limits, clock, (lane, ms) => metrics.held(lane, ms / 1000)),
    hours: new HourCounts(),
    dirty: new DirtyHours(),
    unusable: new UnusableBudget(),
    published: new Map(),
    providerNowS: 0,
    heardToMs: null,
    loggedInAt: Number.NEGATIVE_INFINITY,
    tokenIndex: 0,
    isLoginFailing: false,
  };
}

/** Makes the context; `stamp` begins behind every cursor of the account. */
export function createContext(
  account: Account,
  owner: Owner<CursorMessage>,
  ports: WorkerPorts,
  memory: AccountMemory,
  signal: AbortSignal,
): AccountContext {
  const own = cursorKey(account, null);
  let last = 0;
  for (const [key, { value }] of owner.cursors) {
    if (key === own || key.startsWith(`${own}/`)) last = Math.max(last, value.updated_time);
  }
  const { tenantId: tenant_id, sourceId: source_id, shard } = account;
  return {
    account,
    owner,
    ports,
    memory,
    commits: createCommitQueue((records) => owner.commit(records)),
    signal,
    fields: { tenant_id, source_id, ...(shard.count > 1 && { shard: shard.index }) },
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

/** The groups of records that stand or fall together: each part, and with the last one what stands behind. */
function groupsOf(
  parts: readonly Outgoing<Message<'PageFetched', PageFetched>>[],
  behind: readonly Outgoing[],
): readonly Group[] {
  const groups = parts.map((part, index) => ({
    // Every page topic takes a page; the union of their messages is wider than one record.
    records: [part as unknown as Outgoing, ...(index === parts.length - 1 ? behind : [])],
    bytes: part.message?.value.body.length ?? 0,
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
  parts: readonly PageFetched[],
  traceparent: string | undefined,
  behind: readonly Outgoing[],
  isBackfill: boolean = false,
): Promise<void> {
  const pages = parts.map((part) => pageRecord(context.account, part, traceparent, isBackfill));
  for (const group of groupsOf(pages, behind)) await context.commits.add(group);
}
