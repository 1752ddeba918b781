import { accountKey } from './core/account.ts';
import { hourOf } from './core/hour-counts.ts';
import type { Backfills } from './backfill.ts';
import { publishPages, type AccountContext } from './context.ts';
import type { Readers } from './readers.ts';
import { readHours, savedCounts } from './read-unit.ts';

/** Runs of dirty hours that wait for a reader at the same time; the others stay where they coalesce. */
const QUEUED_RUNS = 20;
/** Runs of dirty hours that are read per hour, at most; the nightly proof has the rest. */
const SAVED_AT_ONCE = 500;
const REPORT_MS = 10_000;
const UNIT_PREFIX = 'wialon:';

/** What has to be done now and then while an account is live. */
export interface Upkeep {
  readonly turn: (units: readonly number[]) => Promise<void>;
}

/**
 * Hands dirty hours and back-fills to the readers, writes the hourly counts into the cursors, and reports the
 * budget.
 */
export function createUpkeep(
  context: AccountContext,
  readers: Readers,
  backfills: Backfills,
): Upkeep {
  const { memory, ports, account } = context;
  const key = accountKey(account);
  let savedHour = hourOf(memory.providerNowS);
  let reportedAt = Number.NEGATIVE_INFINITY;

  function readDirty(): void {
    while (readers.waiting('dirty') < QUEUED_RUNS) {
      const due = memory.dirty.take(ports.clock.now());
      if (due === undefined) return;
      const id = Number(due.unit.slice(UNIT_PREFIX.length));
      readers.add('dirty', {
        what: `${due.hours.length} hours of ${due.unit}`,
        run: (session) => readHours(context, session, id, due.hours),
      });
    }
  }

  /** Counts are kept hourly: a restart makes the proof read at most that much again. */
  async function save(): Promise<void> {
    const hour = hourOf(memory.providerNowS);
    if (hour <= savedHour) return;
    savedHour = hour;
    const names = [...memory.hours.names()];
    for (let from = 0; from < names.length; from += SAVED_AT_ONCE) {
      const some = names.slice(from, from + SAVED_AT_ONCE);
      const records = some.flatMap((unit) => savedCounts(context, unit, null));
      await publishPages(context, [], undefined, records);
    }
  }

  function report(): void {
    const now = ports.clock.now();
    if (now - reportedAt < REPORT_MS) return;
    reportedAt = now;
    for (const [limit, share] of Object.entries(memory.budget.forecast())) {
      ports.metrics.forecast(key, limit, share);
    }
    ports.metrics.waiting(key, 'dirty', memory.dirty.size + readers.waiting('dirty'));
  }

  return {
    turn: async (units) => {
      readDirty();
      const job = backfills.next(units);
      if (job !== undefined) readers.add('backfill', job);
      report();
      await save();
    },
  };
}
