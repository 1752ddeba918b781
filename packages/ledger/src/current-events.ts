import type { DeliveredEntity } from '@waybill/contracts';
import { readEvent, type EventRow, type LedgerEvent } from './find-events.ts';
import type { LedgerTx } from './batch.ts';

/** An event with what became of its newest delivery, for the comparison with the ERP. */
export interface EventForComparison extends LedgerEvent {
  /** Outcome of the newest delivery; null when none was ever reported. */
  readonly outcome: string | null;
  readonly reason: string | null;
  /** Triple of the newest delivery that wrote something. */
  readonly written: { readonly revision: number } | null;
  readonly dead_letter_code: string | null;
}

interface ComparisonRow extends EventRow {
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly written_revision: string | null;
  readonly dead_letter_code: string | null;
}

const page = `select e.*, newest.outcome, newest.reason, written.revision as written_revision,
  letter.code as dead_letter_code
from ledger.event e
left join lateral (
  select outcome, reason from ledger.delivery d
  where d.tenant_id = e.tenant_id and d.event_id = e.event_id
  order by revision desc, activation desc, resolution desc, newest_time desc limit 1
) newest on true
left join lateral (
  select revision from ledger.delivery d
  where d.tenant_id = e.tenant_id and d.event_id = e.event_id
    and outcome in ('INSERTED', 'UPDATED', 'UNCHANGED', 'AMENDED', 'RETRACTED')
  order by revision desc, activation desc, resolution desc limit 1
) written on true
left join lateral (
  select code from ledger.dead_letter l
  where l.tenant_id = e.tenant_id and l.element_id = e.event_id
  order by rejected_time desc limit 1
) letter on true
where e.tenant_id = $1 and e.entity = $2 and e.event_id > $3
order by e.event_id limit $4`;

/** Events of a tenant and entity (withdrawn ones too) in order of event_id, after `after` ('' = from the start). */
export async function eventsForComparison(
  db: LedgerTx,
  where: { readonly tenant: string; readonly entity: DeliveredEntity },
  after: string,
  limit: number,
): Promise<readonly EventForComparison[]> {
  const { rows } = await db.query<ComparisonRow>(page, [where.tenant, where.entity, after, limit]);
  return rows.map(
    ({ outcome, reason, written_revision: written, dead_letter_code: code, ...row }) => ({
      ...readEvent(row),
      outcome,
      reason,
      written: written === null ? null : { revision: Number(written) },
      dead_letter_code: code,
    }),
  );
}
