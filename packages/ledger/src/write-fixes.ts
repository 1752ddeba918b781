import type { PositionRecorded } from '@waybill/contracts';
import {
  columnArrays,
  inputOf,
  instantText,
  namesOf,
  type Addressed,
  type Column,
  type LedgerTx,
} from './batch.ts';
import { addToSet } from './fix-set.ts';

const HOUR_MS = 3_600_000;
/** A fix counts as late from this age at registration on. */
const LATE_FROM_S = 60;
const MAX_INTEGER = 2 ** 31 - 1;

interface HourRow {
  readonly tenantId: string;
  readonly unit: string;
  /** Text of the timestamptz, which is also the sort key. */
  readonly hour: string;
  readonly set: Buffer;
  readonly repeats: number;
  readonly late: number;
  readonly maxLateS: number;
  readonly lastOffset: bigint;
}

interface Group {
  readonly tenantId: string;
  readonly unit: string;
  readonly hour: string;
  readonly fixes: Addressed<PositionRecorded>[];
}

function groupByHour(fixes: readonly Addressed<PositionRecorded>[]): Group[] {
  const groups = new Map<string, Group>();
  for (const fix of fixes) {
    const { tenant_id: tenantId, unit, event_time: time } = fix.value;
    const hourMs = Math.floor(time / HOUR_MS) * HOUR_MS;
    const key = `${tenantId}/${unit}/${hourMs}`;
    const group = groups.get(key);
    if (group) group.fixes.push(fix);
    else groups.set(key, { tenantId, unit, hour: instantText(hourMs), fixes: [fix] });
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

const keyColumns: readonly Column<Group>[] = [
  { name: 'tenant_id', type: 'text', of: (group) => group.tenantId },
  { name: 'unit', type: 'text', of: (group) => group.unit },
  { name: 'hour_text', type: 'text', of: (group) => group.hour },
];

const lock = `select input.ordinal, fix_ids, repeats, late, max_late_s, last_offset
from unnest($1::text[], $2::text[], $3::text[]) with ordinality
  as input (tenant_id, unit, hour_text, ordinal)
join ledger.fix_hour known on known.tenant_id = input.tenant_id and known.unit = input.unit
  and known.hour = input.hour_text::timestamptz
order by input.ordinal
for update of known`;

const rowColumns: readonly Column<HourRow>[] = [
  { name: 'tenant_id', type: 'text', of: (row) => row.tenantId },
  { name: 'unit', type: 'text', of: (row) => row.unit },
  { name: 'hour', type: 'timestamptz', of: (row) => Date.parse(row.hour) },
  { name: 'fix_ids', type: 'bytea', of: (row) => row.set },
  { name: 'fixes', type: 'integer', of: (row) => row.set.length / 8 },
  { name: 'repeats', type: 'integer', of: (row) => row.repeats },
  { name: 'late', type: 'integer', of: (row) => row.late },
  { name: 'max_late_s', type: 'integer', of: (row) => row.maxLateS },
  { name: 'last_offset', type: 'bigint', of: (row) => row.lastOffset },
];

const upsert = `insert into ledger.fix_hour (${namesOf(rowColumns)})
select * from ${inputOf(rowColumns)}
on conflict (tenant_id, unit, hour) do update set fix_ids = excluded.fix_ids,
  fixes = excluded.fixes, repeats = excluded.repeats, late = excluded.late,
  max_late_s = excluded.max_late_s, last_offset = excluded.last_offset`;

interface KnownRow {
  readonly ordinal: string;
  readonly fix_ids: Buffer;
  readonly repeats: number;
  readonly late: number;
  readonly max_late_s: number;
  readonly last_offset: string;
}

function merged(group: Group, known: KnownRow | undefined): HourRow | undefined {
  // A unit lives in one partition, so an offset that was counted once marks all before it as counted.
  const counted = known === undefined ? -1n : BigInt(known.last_offset);
  const fixes = group.fixes.filter(({ offset }) => offset > counted);
  const last = fixes.at(-1);
  if (!last) return undefined;
  const ids = fixes.map(({ value }) => value.event_id);
  const { set, added } = addToSet(known?.fix_ids ?? Buffer.alloc(0), ids);
  let late = known?.late ?? 0;
  let maxLateS = known?.max_late_s ?? 0;
  for (const position of added) {
    const fix = fixes[position]?.value;
    if (!fix) continue;
    const lateS = Math.floor((fix.provider_time - fix.event_time) / 1000);
    if (lateS >= LATE_FROM_S) late += 1;
    maxLateS = Math.min(MAX_INTEGER, Math.max(maxLateS, lateS));
  }
  return {
    tenantId: group.tenantId,
    unit: group.unit,
    hour: group.hour,
    set,
    repeats: (known?.repeats ?? 0) + fixes.length - added.length,
    late,
    maxLateS,
    lastOffset: last.offset,
  };
}

/**
 * Counts fixes of one partition, in offset order: distinct ones, repeats, and those registered at
 * least 60 s after they happened (of a fix that came twice, the copy seen first counts). Positions
 * are not kept, only 8 bytes each. Records that were counted before change nothing.
 */
export async function writeFixes(
  tx: LedgerTx,
  fixes: readonly Addressed<PositionRecorded>[],
): Promise<void> {
  if (fixes.length === 0) return;
  const groups = groupByHour(fixes);
  const { rows } = await tx.query<KnownRow>(lock, columnArrays(keyColumns, groups));
  const known = new Map(rows.map((row) => [Number(row.ordinal) - 1, row]));
  const changed = groups.flatMap((group, index) => merged(group, known.get(index)) ?? []);
  if (changed.length > 0) await tx.query(upsert, columnArrays(rowColumns, changed));
}
