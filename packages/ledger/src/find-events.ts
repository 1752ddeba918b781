import type { DeliveredEntity, RawAddress } from '@waybill/contracts';
import { toInstant } from '@waybill/postgres';
import type { LedgerTx } from './batch.ts';

/** The newest version of a business event. Instants in ms since epoch. */
export interface LedgerEvent {
  readonly tenant_id: string;
  readonly event_id: string;
  readonly entity: DeliveredEntity;
  readonly entity_id: string;
  readonly unit: string | null;
  readonly revision: number;
  readonly retracted: boolean;
  readonly cause: string;
  readonly event_time: number;
  readonly from_time: number;
  readonly to_time: number | null;
  readonly provider_time: number;
  readonly received_time: number;
  /** The whole fact as published. */
  readonly fact: Readonly<Record<string, unknown>>;
  readonly cause_address: RawAddress;
  readonly first_address: RawAddress | null;
  readonly last_address: RawAddress | null;
  /** Versions published so far. */
  readonly versions: number;
}

/** A row as the driver gives it: instants as Date, bigint as text. */
export interface EventRow {
  readonly tenant_id: string;
  readonly event_id: string;
  readonly entity: DeliveredEntity;
  readonly entity_id: string;
  readonly unit: string | null;
  readonly revision: string;
  readonly retracted: boolean;
  readonly cause: string;
  readonly event_time: Date;
  readonly from_time: Date;
  readonly to_time: Date | null;
  readonly provider_time: Date;
  readonly received_time: Date;
  readonly fact: Readonly<Record<string, unknown>>;
  readonly cause_address: RawAddress;
  readonly first_address: RawAddress | null;
  readonly last_address: RawAddress | null;
  readonly versions: number;
}

export function readEvent(row: EventRow): LedgerEvent {
  return {
    ...row,
    revision: Number(row.revision),
    event_time: toInstant(row.event_time),
    from_time: toInstant(row.from_time),
    to_time: row.to_time === null ? null : toInstant(row.to_time),
    provider_time: toInstant(row.provider_time),
    received_time: toInstant(row.received_time),
  };
}

/** What a person may type: ids, or a beginning of one with at least 8 hex digits. */
const PREFIX = /^[0-9a-f]{8,31}$/;
/** Most events that one answer names. */
export const EVENT_LIMIT = 50;

const exact = `select e.* from ledger.event e
where ($1::text is null or e.tenant_id = $1)
  and (e.event_id = $2 or (left(e.entity_id, 64) = left($2, 64) and e.entity_id = $2))
union
select e.* from ledger.delivery d join ledger.event e using (tenant_id, event_id)
where ($1::text is null or d.tenant_id = $1) and left(d.erp_key, 64) = left($2, 64) and d.erp_key = $2
order by from_time, event_id limit ${EVENT_LIMIT}`;

const byPrefix = `select * from ledger.event
where ($1::text is null or tenant_id = $1)
  and (event_id like $2 || '%' or left(entity_id, 64) like $2 || '%')
order by from_time, event_id limit ${EVENT_LIMIT}`;

/**
 * Events that a reference names: trip, visit or order id, event id, key of the ERP row, or the first
 * 8 or more hex digits of an id. Several for an order, whose statuses are one event each.
 */
export async function findEvents(
  db: LedgerTx,
  tenant: string | null,
  reference: string,
): Promise<readonly LedgerEvent[]> {
  const { rows } = await db.query<EventRow>(exact, [tenant, reference]);
  if (rows.length > 0 || !PREFIX.test(reference)) return rows.map(readEvent);
  const near = await db.query<EventRow>(byPrefix, [tenant, reference]);
  return near.rows.map(readEvent);
}

const spanning = `select * from ledger.event
where tenant_id = $1 and left(unit, 64) = left($2, 64) and unit = $2 and from_time <= $3
  and coalesce(to_time, 'infinity') >= $3
order by from_time, event_id limit ${EVENT_LIMIT}`;

/** Events of a unit that cover an instant (ms since epoch). */
export async function eventsAt(
  db: LedgerTx,
  tenant: string,
  unit: string,
  at: number,
): Promise<readonly LedgerEvent[]> {
  const { rows } = await db.query<EventRow>(spanning, [tenant, unit, new Date(at)]);
  return rows.map(readEvent);
}
