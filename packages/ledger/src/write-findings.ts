import type { ElementRejected, SessionChanged, TaskRaised } from '@waybill/contracts';
import {
  columnArrays,
  inputOf,
  namesOf,
  onePerKey,
  type Addressed,
  type Column,
  type LedgerTx,
} from './batch.ts';

interface Rejected {
  readonly newest: Addressed<ElementRejected>;
  /** Offsets of all its rejections in this batch, ascending. */
  readonly offsets: readonly bigint[];
}

const deadLetterColumns: readonly Column<Rejected>[] = [
  { name: 'service', type: 'text', of: ({ newest }) => newest.value.service },
  { name: 'element_id', type: 'text', of: ({ newest }) => newest.value.element_id },
  { name: 'code', type: 'text', of: ({ newest }) => newest.value.code },
  { name: 'kind', type: 'text', of: ({ newest }) => newest.value.kind },
  { name: 'category', type: 'text', of: ({ newest }) => newest.value.category },
  { name: 'tenant_id', type: 'text', of: ({ newest }) => newest.value.tenant_id },
  { name: 'unit', type: 'text', of: ({ newest }) => newest.value.unit },
  { name: 'message', type: 'text', of: ({ newest }) => newest.value.message },
  { name: 'violations', type: 'jsonb', of: ({ newest }) => newest.value.violations },
  { name: 'attempts', type: 'integer', of: ({ newest }) => newest.value.attempts },
  { name: 'event_time', type: 'timestamptz', of: ({ newest }) => newest.value.event_time },
  { name: 'rejected_time', type: 'timestamptz', of: ({ newest }) => newest.value.rejected_time },
  { name: 'topic', type: 'text', of: ({ newest }) => newest.value.trace.topic },
  { name: 'partition', type: 'integer', of: ({ newest }) => newest.value.trace.partition },
  { name: 'raw_offset', type: 'bigint', of: ({ newest }) => newest.value.trace.offset },
  { name: 'raw_index', type: 'integer', of: ({ newest }) => newest.value.trace.index },
  { name: 'rejections', type: 'integer', of: ({ offsets }) => offsets.length },
  { name: 'last_offset', type: 'bigint', of: ({ offsets }) => offsets.at(-1) },
];

// A dead-letter topic has one partition: offsets up to last_offset are counted, so replays add nothing.
const upsertDeadLetters = `insert into ledger.dead_letter as known (${namesOf(deadLetterColumns)})
select * from ${inputOf(deadLetterColumns)}
on conflict (service, element_id) do update set
  ${deadLetterColumns
    .map(({ name }) => name)
    .filter((name) => !['service', 'element_id', 'rejections'].includes(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')},
  rejections = known.rejections + excluded.rejections
where excluded.last_offset > known.last_offset`;

const knownLetters = `select service, element_id, last_offset from ledger.dead_letter
where (service, element_id) in (select * from unnest($1::text[], $2::text[]))`;

/** Notes refused elements: one row per element, with how often it was refused. The original bytes stay in the topic. */
export async function writeDeadLetters(
  tx: LedgerTx,
  letters: readonly Addressed<ElementRejected>[],
): Promise<void> {
  if (letters.length === 0) return;
  const keyOf = (value: { service: string; element_id: string }): string =>
    `${value.service}/${value.element_id}`;
  const { rows: known } = await tx.query<{
    service: string;
    element_id: string;
    last_offset: string;
  }>(knownLetters, [
    letters.map(({ value }) => value.service),
    letters.map(({ value }) => value.element_id),
  ]);
  const counted = new Map(known.map((row) => [keyOf(row), BigInt(row.last_offset)]));
  const fresh = letters.filter(({ offset, value }) => offset > (counted.get(keyOf(value)) ?? -1n));
  const rows = onePerKey<Rejected>(
    fresh.map((letter) => ({ newest: letter, offsets: [letter.offset] })),
    ({ newest }) => keyOf(newest.value),
    (a, b) => ({ newest: b.newest, offsets: [...a.offsets, ...b.offsets] }),
  );
  if (rows.length > 0) await tx.query(upsertDeadLetters, columnArrays(deadLetterColumns, rows));
}

const MAX_INTEGER = 2 ** 31 - 1;

/** Whole milliseconds that an integer column can hold. */
function wholeMs(ms: number): number {
  return Number.isFinite(ms) ? Math.min(MAX_INTEGER, Math.round(ms)) : MAX_INTEGER;
}

const sessionColumns: readonly Column<Addressed<SessionChanged>>[] = [
  { name: 'partition', type: 'integer', of: ({ partition }) => partition },
  { name: 'log_offset', type: 'bigint', of: ({ offset }) => offset },
  { name: 'tenant_id', type: 'text', of: ({ value }) => value.tenant_id },
  { name: 'source_id', type: 'text', of: ({ value }) => value.source_id },
  { name: 'account', type: 'text', of: ({ value }) => value.account },
  { name: 'kind', type: 'text', of: ({ value }) => value.kind },
  { name: 'event_time', type: 'timestamptz', of: ({ value }) => value.event_time },
  { name: 'session_hash', type: 'text', of: ({ value }) => value.session_hash },
  { name: 'error_code', type: 'integer', of: ({ value }) => value.error_code },
  { name: 'reason', type: 'text', of: ({ value }) => value.reason },
  { name: 'latency_ms', type: 'integer', of: ({ value }) => wholeMs(value.latency_ms) },
];

const insertSessions = `insert into ledger.session_event (${namesOf(sessionColumns)})
select * from ${inputOf(sessionColumns)} on conflict do nothing`;

/** Notes logins, refreshes, expiries and failures: the authentication audit. */
export async function writeSessions(
  tx: LedgerTx,
  sessions: readonly Addressed<SessionChanged>[],
): Promise<void> {
  const rows = onePerKey(
    sessions,
    ({ partition, offset }) => `${partition}/${String(offset).padStart(20, '0')}`,
    (first) => first,
  );
  if (rows.length > 0) await tx.query(insertSessions, columnArrays(sessionColumns, rows));
}

const taskColumns: readonly Column<TaskRaised>[] = [
  { name: 'tenant_id', type: 'text', of: (task) => task.tenant_id },
  { name: 'task_id', type: 'text', of: (task) => task.task_id },
  { name: 'kind', type: 'text', of: (task) => task.kind },
  { name: 'status', type: 'text', of: (task) => task.status },
  { name: 'unit', type: 'text', of: (task) => task.unit },
  { name: 'business_date', type: 'text', of: (task) => task.business_date },
  { name: 'fix_count', type: 'integer', of: (task) => task.fix_count },
  { name: 'first_event_time', type: 'timestamptz', of: (task) => task.first_event_time },
  { name: 'last_event_time', type: 'timestamptz', of: (task) => task.last_event_time },
  { name: 'max_late_by_s', type: 'bigint', of: (task) => task.max_late_by_s },
  { name: 'revision', type: 'bigint', of: (task) => task.revision },
  { name: 'detail', type: 'text', of: (task) => task.detail },
  { name: 'address', type: 'jsonb', of: (task) => task.trace },
];

const upsertTasks = `insert into ledger.task as known (${namesOf(taskColumns)})
select * from ${inputOf(taskColumns)}
on conflict (tenant_id, task_id) do update set
  ${taskColumns
    .map(({ name }) => name)
    .filter((name) => name !== 'tenant_id' && name !== 'task_id')
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')}
where excluded.revision > known.revision`;

/** Keeps the newest version of each task. */
export async function writeTasks(tx: LedgerTx, tasks: readonly TaskRaised[]): Promise<void> {
  const rows = onePerKey(
    tasks,
    ({ tenant_id: tenant, task_id: id }) => `${tenant}/${id}`,
    (a, b) => (b.revision > a.revision ? b : a),
  );
  if (rows.length > 0) await tx.query(upsertTasks, columnArrays(taskColumns, rows));
}
