import { toInstant } from '@waybill/postgres';
import type { LedgerTx } from './batch.ts';

/** A decision that waits for a person. Instants in ms since epoch. */
export interface LedgerTask {
  readonly task_id: string;
  readonly kind: string;
  readonly status: string;
  readonly unit: string | null;
  readonly business_date: string;
  readonly fix_count: number;
  readonly first_event_time: number;
  readonly last_event_time: number;
  readonly max_late_by_s: number;
  readonly detail: string;
}

/** What the ledger knows about a unit around an instant, when no event covers it. */
export interface UnitEvidence {
  /** Distinct fixes of the unit in the hour of the instant. */
  readonly fixes: number;
  /** Newest event of the unit that ended before, ms since epoch. */
  readonly previous_end_time: number | null;
  /** Tasks of the unit whose fixes span the instant. */
  readonly tasks: readonly LedgerTask[];
  /** Everything registered at the sources up to here has been read; lowest source, null = nothing read. */
  readonly complete_to_time: number | null;
}

interface TaskRow extends Omit<
  LedgerTask,
  'first_event_time' | 'last_event_time' | 'max_late_by_s'
> {
  readonly first_event_time: Date;
  readonly last_event_time: Date;
  readonly max_late_by_s: string;
}

function readTask(row: TaskRow): LedgerTask {
  return {
    ...row,
    first_event_time: toInstant(row.first_event_time),
    last_event_time: toInstant(row.last_event_time),
    max_late_by_s: Number(row.max_late_by_s),
  };
}

const tasksAround = `select task_id, kind, status, unit, business_date, fix_count, first_event_time,
  last_event_time, max_late_by_s, detail
from ledger.task
where tenant_id = $1 and unit = $2
  and first_event_time - interval '1 hour' <= $3 and last_event_time + interval '1 hour' >= $3
order by first_event_time limit 20`;

/** Evidence for the question why a unit has no event at an instant (ms since epoch). */
export async function unitEvidence(
  db: LedgerTx,
  tenant: string,
  unit: string,
  at: number,
): Promise<UnitEvidence> {
  const key = [tenant, unit, new Date(at)];
  const fixes = await db.query<{ fixes: number }>(
    `select fixes from ledger.fix_hour
     where tenant_id = $1 and unit = $2 and hour = date_trunc('hour', $3::timestamptz, 'UTC')`,
    key,
  );
  const previous = await db.query<{ to_time: Date | null }>(
    `select max(to_time) as to_time from ledger.event
     where tenant_id = $1 and left(unit, 64) = left($2, 64) and unit = $2 and to_time < $3 and not retracted`,
    key,
  );
  const progress = await db.query<{ complete: Date | null }>(
    'select min(complete_to_time) as complete from ledger.source_progress where tenant_id = $1',
    [tenant],
  );
  const tasks = await db.query<TaskRow>(tasksAround, key);
  const end = previous.rows[0]?.to_time ?? null;
  const complete = progress.rows[0]?.complete ?? null;
  return {
    fixes: fixes.rows[0]?.fixes ?? 0,
    previous_end_time: end === null ? null : toInstant(end),
    tasks: tasks.rows.map(readTask),
    complete_to_time: complete === null ? null : toInstant(complete),
  };
}
