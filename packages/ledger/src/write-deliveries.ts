import type { DeliverySettled } from '@waybill/contracts';
import { columnArrays, inputOf, namesOf, onePerKey, type Column, type LedgerTx } from './batch.ts';

interface Row {
  readonly first: DeliverySettled;
  readonly newest: DeliverySettled;
}

const columns: readonly Column<Row>[] = [
  { name: 'tenant_id', type: 'text', of: ({ newest }) => newest.tenant_id },
  { name: 'event_id', type: 'text', of: ({ newest }) => newest.event_id },
  { name: 'target', type: 'text', of: ({ newest }) => newest.target },
  { name: 'revision', type: 'bigint', of: ({ newest }) => newest.revision },
  { name: 'activation', type: 'bigint', of: ({ newest }) => newest.activation },
  { name: 'resolution', type: 'bigint', of: ({ newest }) => newest.resolution },
  { name: 'outcome', type: 'text', of: ({ newest }) => newest.outcome },
  { name: 'entity', type: 'text', of: ({ newest }) => newest.entity },
  { name: 'entity_id', type: 'text', of: ({ newest }) => newest.entity_id },
  { name: 'unit', type: 'text', of: ({ newest }) => newest.unit },
  { name: 'reason', type: 'text', of: ({ newest }) => newest.reason },
  { name: 'attempts', type: 'integer', of: ({ newest }) => newest.attempts },
  { name: 'erp_table', type: 'text', of: ({ newest }) => newest.erp_table },
  { name: 'erp_key', type: 'text', of: ({ newest }) => newest.erp_key },
  { name: 'erp_vehicle_id', type: 'text', of: ({ newest }) => newest.erp_vehicle_id },
  { name: 'business_date', type: 'text', of: ({ newest }) => newest.business_date },
  { name: 'amendment_kind', type: 'text', of: ({ newest }) => newest.amendment_kind },
  { name: 'changed_fields', type: 'jsonb', of: ({ newest }) => newest.changed_fields },
  { name: 'event_time', type: 'timestamptz', of: ({ newest }) => newest.event_time },
  { name: 'provider_time', type: 'timestamptz', of: ({ newest }) => newest.provider_time },
  { name: 'received_time', type: 'timestamptz', of: ({ newest }) => newest.received_time },
  { name: 'delivered_time', type: 'timestamptz', of: ({ first }) => first.delivered_time },
  { name: 'newest_time', type: 'timestamptz', of: ({ newest }) => newest.delivered_time },
];

const key = 'tenant_id, event_id, target, revision, activation, resolution, outcome';
const replaced = columns
  .map(({ name }) => name)
  .filter(
    (name) => !key.split(', ').includes(name) && !/^(delivered_time|newest_time)$/.test(name),
  );

// The same outcome of the same triple is one row: first time kept, details from the newest report.
const upsert = `insert into ledger.delivery as known (${namesOf(columns)})
select * from ${inputOf(columns)}
on conflict (${key}) do update set
  ${replaced.map((name) => `${name} = case when excluded.newest_time > known.newest_time then excluded.${name} else known.${name} end`).join(',\n  ')},
  delivered_time = least(known.delivered_time, excluded.delivered_time),
  newest_time = greatest(known.newest_time, excluded.newest_time)
where excluded.newest_time > known.newest_time or excluded.delivered_time < known.delivered_time`;

/** Notes outcomes of deliveries. */
export async function writeDeliveries(
  tx: LedgerTx,
  deliveries: readonly DeliverySettled[],
): Promise<void> {
  const rows = onePerKey<Row>(
    deliveries.map((delivery) => ({ first: delivery, newest: delivery })),
    ({ newest: d }) =>
      [d.tenant_id, d.event_id, d.target, d.revision, d.activation, d.resolution, d.outcome].join(
        '/',
      ),
    (a, b) => ({
      first: b.first.delivered_time < a.first.delivered_time ? b.first : a.first,
      newest: b.newest.delivered_time > a.newest.delivered_time ? b.newest : a.newest,
    }),
  );
  if (rows.length > 0) await tx.query(upsert, columnArrays(columns, rows));
}
