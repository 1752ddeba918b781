import type { Inbox, InboxCounts } from '@waybill/inbox';
import { startLoop, type Loop } from './loop.ts';
import type { SinkMetrics } from './metrics.ts';
import type { SinkLogger } from './ports.ts';

const EVERY_MS = 200;

/** Counting may take a tenth of the time at most. */
const SHARE = 10;

const NOTHING: InboxCounts = {
  due: 0,
  in_flight: 0,
  waiting_until: 0,
  paused: 0,
  waiting_for: 0,
  manual: 0,
  oldest_due_age_s: 0,
  outbox: 0,
  open_breakers: [],
};

/**
 * How the inbox stands, for /health. It is counted a few times a second. While a transaction that may
 * make facts due is under way, or ended after the last count began, `due` is at least 1: so `due = 0`
 * is never said too early, and whoever sees all positions at the end and `due = 0` can rely on it.
 */
export interface Standing {
  readonly counts: () => InboxCounts;
  /** Runs a transaction that may make facts due. */
  readonly track: <R>(transaction: () => Promise<R>) => Promise<R>;
  readonly loop: Loop;
}

export function startStanding(parts: {
  readonly inbox: Inbox;
  readonly metrics: SinkMetrics;
  readonly logger: SinkLogger;
}): Standing {
  let counted = NOTHING;
  /** Transactions begun, ended, and contained in the last count. The first count is awaited. */
  const transactions = { begun: 1, ended: 1, counted: 0 };
  let durationMs = 0;
  const loop = startLoop({
    name: 'counts',
    idleMs: () => Math.max(EVERY_MS, durationMs * SHARE),
    logger: parts.logger,
    round: async () => {
      const started = performance.now();
      const { begun, ended } = transactions;
      counted = await parts.inbox.counts();
      durationMs = performance.now() - started;
      parts.metrics.counts(counted);
      // With one still under way it is not known which of them the count contains.
      if (begun === ended) transactions.counted = begun;
      return false;
    },
  });
  return {
    counts: () => {
      const isBehind = transactions.begun > transactions.counted;
      return { ...counted, due: isBehind ? Math.max(1, counted.due) : counted.due };
    },
    track: async (transaction) => {
      transactions.begun += 1;
      try {
        return await transaction();
      } finally {
        transactions.ended += 1;
        loop.wake();
      }
    },
    loop,
  };
}
