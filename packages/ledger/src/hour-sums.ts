import type { HourCounted, MessagesCounted } from '@waybill/contracts';
import { toInstant } from '@waybill/postgres';
import {
  columnArrays,
  inputOf,
  instantText,
  namesOf,
  onePerKey,
  type Column,
  type LedgerTx,
} from './batch.ts';

const HOUR_MS = 3_600_000;

/** An hour of device time of a tenant. */
export interface TenantHour {
  readonly tenant_id: string;
  /** Start of the hour, ms since epoch. */
  readonly hour_time: number;
}

/** What all tasks of the detector and the provider say about one hour, summed. */
export interface HourSums extends TenantHour {
  readonly revision: number;
  readonly fixes: number;
  readonly late_fixes: number;
  readonly beyond_grace_fixes: number;
  readonly units_heard: number;
  readonly units_silent: number;
  readonly pending_proposals: number;
  /** Null = idling is not wanted. */
  readonly units_without_engine: number | null;
  /** Null = the hour was not counted at the provider. */
  readonly provider_messages: number | null;
  /** Null = not known of at least one unit. */
  readonly extracted_messages: number | null;
  /** True when no task can change its counts any more. */
  readonly final: boolean;
}

const countColumns: readonly Column<HourCounted>[] = [
  { name: 'tenant_id', type: 'text', of: (count) => count.tenant_id },
  { name: 'hour', type: 'timestamptz', of: (count) => count.hour_time },
  { name: 'task', type: 'integer', of: (count) => count.task },
  { name: 'revision', type: 'bigint', of: (count) => count.revision },
  { name: 'fixes', type: 'integer', of: (count) => count.fixes },
  { name: 'late', type: 'integer', of: (count) => count.late_fixes },
  { name: 'beyond_grace', type: 'integer', of: (count) => count.beyond_grace_fixes },
  { name: 'heard', type: 'integer', of: (count) => count.units_heard },
  { name: 'silent', type: 'integer', of: (count) => count.units_silent },
  { name: 'pending', type: 'integer', of: (count) => count.pending_proposals },
  { name: 'without_engine', type: 'integer', of: (count) => count.units_without_engine },
  { name: 'final', type: 'boolean', of: (count) => count.final },
];

function updatesOf<R>(columns: readonly Column<R>[], keys: readonly string[]): string {
  return columns
    .filter(({ name }) => !keys.includes(name))
    .map(({ name }) => `${name} = excluded.${name}`)
    .join(', ');
}

const upsertCounts = `insert into ledger.hour_count as known (${namesOf(countColumns)})
select * from ${inputOf(countColumns)}
on conflict (tenant_id, hour, task) do update set
  ${updatesOf(countColumns, ['tenant_id', 'hour', 'task'])}
where excluded.revision >= known.revision`;

/** Keeps the newest count of each hour and task of the detector. */
export async function writeHourCounts(tx: LedgerTx, counts: readonly HourCounted[]): Promise<void> {
  const rows = onePerKey(
    counts,
    ({ tenant_id: tenant, hour_time: hour, task }) => `${tenant}/${instantText(hour)}/${task}`,
    (a, b) => (b.revision >= a.revision ? b : a),
  );
  if (rows.length > 0) await tx.query(upsertCounts, columnArrays(countColumns, rows));
}

interface ProviderHour extends TenantHour {
  readonly unit: string;
  readonly provider: number;
  readonly extracted: number;
  readonly receivedTime: number;
}

const providerColumns: readonly Column<ProviderHour>[] = [
  { name: 'tenant_id', type: 'text', of: (hour) => hour.tenant_id },
  { name: 'hour', type: 'timestamptz', of: (hour) => hour.hour_time },
  { name: 'unit', type: 'text', of: (hour) => hour.unit },
  { name: 'provider_count', type: 'integer', of: (hour) => hour.provider },
  {
    name: 'extracted_count',
    type: 'integer',
    of: ({ extracted }) => (extracted < 0 ? null : extracted),
  },
  { name: 'received_time', type: 'timestamptz', of: (hour) => hour.receivedTime },
];

const upsertProvider = `insert into ledger.provider_hour as known (${namesOf(providerColumns)})
select * from ${inputOf(providerColumns)}
on conflict (tenant_id, hour, unit) do update set
  ${updatesOf(providerColumns, ['tenant_id', 'hour', 'unit'])}
where excluded.received_time >= known.received_time`;

/** Keeps what the provider said last that it holds of each unit and hour. */
export async function writeProviderCounts(
  tx: LedgerTx,
  counts: readonly MessagesCounted[],
): Promise<void> {
  const hours = counts.flatMap((count) =>
    count.provider_counts.map((provider, i) => ({
      tenant_id: count.tenant_id,
      hour_time: count.from_time + i * HOUR_MS,
      unit: count.unit,
      provider,
      extracted: count.extracted_counts[i] ?? -1,
      receivedTime: count.received_time,
    })),
  );
  const rows = onePerKey<ProviderHour>(
    hours,
    ({ tenant_id: tenant, hour_time: hour, unit }) => `${tenant}/${instantText(hour)}/${unit}`,
    (a, b) => (b.receivedTime >= a.receivedTime ? b : a),
  );
  if (rows.length > 0) await tx.query(upsertProvider, columnArrays(providerColumns, rows));
}

const hourColumns: readonly Column<TenantHour>[] = [
  { name: 'tenant_id', type: 'text', of: (hour) => hour.tenant_id },
  { name: 'hour', type: 'timestamptz', of: (hour) => hour.hour_time },
];

/** Wall time as a revision: it also rises when the ledger was dropped and is built again. */
const reviseHours = `insert into ledger.completeness as known (tenant_id, hour, revision)
select tenant_id, hour, (extract(epoch from clock_timestamp()) * 1000)::bigint
from ${inputOf(hourColumns)}
on conflict (tenant_id, hour) do update
  set revision = greatest(known.revision + 1, excluded.revision)`;

const sums = (which: string): string => `select c.tenant_id, c.hour, c.revision,
  coalesce(counted.fixes, 0) as fixes, coalesce(counted.late, 0) as late,
  coalesce(counted.beyond_grace, 0) as beyond_grace, coalesce(counted.heard, 0) as heard,
  coalesce(counted.silent, 0) as silent, coalesce(counted.pending, 0) as pending,
  counted.without_engine, coalesce(counted.final, false) as final,
  provider.messages as provider_messages, provider.extracted as extracted_messages
from ledger.completeness c
cross join lateral (
  select sum(fixes) as fixes, sum(late) as late, sum(beyond_grace) as beyond_grace,
    sum(heard) as heard, sum(silent) as silent, sum(pending) as pending,
    sum(without_engine) as without_engine, bool_and(final) as final
  from ledger.hour_count h where h.tenant_id = c.tenant_id and h.hour = c.hour
) counted
cross join lateral (
  select sum(provider_count) as messages,
    case when bool_and(extracted_count is not null) then sum(extracted_count) end as extracted
  from ledger.provider_hour p where p.tenant_id = c.tenant_id and p.hour = c.hour
) provider
${which}`;

interface SumsRow {
  readonly tenant_id: string;
  readonly hour: Date;
  readonly revision: string;
  readonly fixes: string;
  readonly late: string;
  readonly beyond_grace: string;
  readonly heard: string;
  readonly silent: string;
  readonly pending: string;
  readonly without_engine: string | null;
  readonly final: boolean;
  readonly provider_messages: string | null;
  readonly extracted_messages: string | null;
}

function optional(value: string | null): number | null {
  return value === null ? null : Number(value);
}

function readSums(row: SumsRow): HourSums {
  return {
    tenant_id: row.tenant_id,
    hour_time: toInstant(row.hour),
    revision: Number(row.revision),
    fixes: Number(row.fixes),
    late_fixes: Number(row.late),
    beyond_grace_fixes: Number(row.beyond_grace),
    units_heard: Number(row.heard),
    units_silent: Number(row.silent),
    pending_proposals: Number(row.pending),
    units_without_engine: optional(row.without_engine),
    provider_messages: optional(row.provider_messages),
    extracted_messages: optional(row.extracted_messages),
    final: row.final,
  };
}

/**
 * New revisions of hours whose counts were written in this transaction. Their rows stay locked until it
 * ends: of two transactions about one hour the later one sees what the earlier one wrote.
 */
export async function reviseSums(
  tx: LedgerTx,
  hours: readonly TenantHour[],
): Promise<readonly HourSums[]> {
  const rows = onePerKey(
    hours,
    ({ tenant_id: tenant, hour_time: hour }) => `${tenant}/${instantText(hour)}`,
    (first) => first,
  );
  if (rows.length === 0) return [];
  const arrays = columnArrays(hourColumns, rows);
  await tx.query(reviseHours, arrays);
  const which = `join ${inputOf(hourColumns, 'wanted')} using (tenant_id, hour) order by 1, 2`;
  return (await tx.query<SumsRow>(sums(which), arrays)).rows.map(readSums);
}

/** Hours that one call lets go at most: a limit that was lowered takes several. */
const EXPIRED_AT_ONCE = 1000;

/**
 * Rows that another transaction holds are left to it: whoever revises an old hour lets it go itself, so
 * nobody waits for anybody.
 */
const expire = `with newest as (
  select tenant_id, max(hour) as hour from ledger.completeness
  where tenant_id = any($1::text[]) group by 1
), old as (
  select c.tenant_id, c.hour from ledger.completeness c join newest n using (tenant_id)
  where c.hour < n.hour - $2::float8 * interval '1 millisecond'
  order by 1, 2 limit ${EXPIRED_AT_ONCE} for update of c skip locked
), counts as (
  delete from ledger.hour_count h using (
    select h.tenant_id, h.hour, h.task from ledger.hour_count h join old using (tenant_id, hour)
    for update of h skip locked
  ) gone where (h.tenant_id, h.hour, h.task) = (gone.tenant_id, gone.hour, gone.task)
), provider as (
  delete from ledger.provider_hour p using (
    select p.tenant_id, p.hour, p.unit from ledger.provider_hour p join old using (tenant_id, hour)
    for update of p skip locked
  ) gone where (p.tenant_id, p.hour, p.unit) = (gone.tenant_id, gone.hour, gone.unit)
)
delete from ledger.completeness c using old
where (c.tenant_id, c.hour) = (old.tenant_id, old.hour) returning c.tenant_id, c.hour`;

/**
 * Lets hours go that are more than `limitMs` of device time older than the newest one of their tenant,
 * and says which; the oldest first, at most 1,000 per call.
 */
export async function expireHours(
  tx: LedgerTx,
  tenants: readonly string[],
  limitMs: number,
): Promise<readonly TenantHour[]> {
  const { rows } = await tx.query<{ tenant_id: string; hour: Date }>(expire, [
    [...new Set(tenants)],
    limitMs,
  ]);
  return rows.map(({ tenant_id, hour }) => ({ tenant_id, hour_time: toInstant(hour) }));
}

/** The newest hours of a tenant, newest first. */
export async function newestSums(
  db: LedgerTx,
  tenant: string,
  limit: number,
): Promise<readonly HourSums[]> {
  const which = 'where c.tenant_id = $1 order by c.hour desc limit $2';
  return (await db.query<SumsRow>(sums(which), [tenant, limit])).rows.map(readSums);
}
