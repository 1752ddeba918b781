import type { RawAddress } from '@waybill/contracts';
import { toInstant } from '@waybill/postgres';
import type { LedgerTx } from './batch.ts';
import { findDeadLetters, type LedgerDeadLetter } from './find-dead-letters.ts';
import type { LedgerEvent } from './find-events.ts';
import { readPages, type Pages, type RawTrace } from './raw-pages.ts';

export interface LedgerVersion {
  readonly revision: number;
  readonly retracted: boolean;
  readonly cause: string;
  readonly late_by_s: number | null;
  readonly event_time: number;
  readonly provider_time: number;
  readonly received_time: number;
  /** Where the event itself stands. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** W3C context in which it was published; null when it was not sampled. */
  readonly traceparent: string | null;
  readonly trace: RawTrace;
}

export interface LedgerDelivery {
  readonly target: string;
  readonly revision: number;
  readonly activation: number;
  readonly resolution: number;
  readonly outcome: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly erp_table: string | null;
  readonly erp_key: string | null;
  readonly erp_vehicle_id: string | null;
  readonly business_date: string | null;
  readonly amendment_kind: string | null;
  readonly changed_fields: readonly string[];
  readonly received_time: number;
  readonly delivered_time: number;
}

/** Everything that the ledger knows about one event. */
export interface EventTrace {
  readonly event: LedgerEvent;
  /** Oldest first. */
  readonly versions: readonly LedgerVersion[];
  /** The record that caused the newest version. */
  readonly cause: RawTrace;
  readonly first_fix: RawTrace | null;
  readonly last_fix: RawTrace | null;
  /** In order of triple and time. */
  readonly deliveries: readonly LedgerDelivery[];
  readonly dead_letters: readonly LedgerDeadLetter[];
}

interface VersionRow {
  readonly revision: string;
  readonly retracted: boolean;
  readonly cause: string;
  readonly event_time: Date;
  readonly provider_time: Date;
  readonly received_time: Date;
  readonly late_by_s: string | null;
  readonly trace: RawAddress;
  readonly topic: string;
  readonly partition: number;
  readonly log_offset: string;
  readonly traceparent: string | null;
}

const versionsOf = `select revision, retracted, cause, event_time, provider_time, received_time,
  fact ->> 'late_by_s' as late_by_s, fact -> 'trace' as trace, topic, partition, log_offset, traceparent
from ledger.event_version where tenant_id = $1 and event_id = $2 order by revision limit 200`;

function readVersion(
  { log_offset: offset, trace, ...row }: VersionRow,
  pages: Pages,
): LedgerVersion {
  return {
    ...row,
    revision: Number(row.revision),
    late_by_s: row.late_by_s === null ? null : Number(row.late_by_s),
    event_time: toInstant(row.event_time),
    provider_time: toInstant(row.provider_time),
    received_time: toInstant(row.received_time),
    offset,
    trace: pages(trace),
  };
}

interface DeliveryRow {
  readonly target: string;
  readonly revision: string;
  readonly activation: string;
  readonly resolution: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly erp_table: string | null;
  readonly erp_key: string | null;
  readonly erp_vehicle_id: string | null;
  readonly business_date: string | null;
  readonly amendment_kind: string | null;
  readonly changed_fields: readonly string[];
  readonly received_time: Date;
  readonly delivered_time: Date;
}

const deliveriesOf = `select target, revision, activation, resolution, outcome, reason, attempts,
  erp_table, erp_key, erp_vehicle_id, business_date, amendment_kind, changed_fields, received_time,
  delivered_time
from ledger.delivery where tenant_id = $1 and event_id = $2
order by revision, activation, resolution, delivered_time limit 200`;

function readDelivery(row: DeliveryRow): LedgerDelivery {
  return {
    ...row,
    revision: Number(row.revision),
    activation: Number(row.activation),
    resolution: Number(row.resolution),
    received_time: toInstant(row.received_time),
    delivered_time: toInstant(row.delivered_time),
  };
}

/** Follows an event back to the API calls and forward to its deliveries. */
export async function traceEvent(db: LedgerTx, event: LedgerEvent): Promise<EventTrace> {
  const key = [event.tenant_id, event.event_id];
  const versions = await db.query<VersionRow>(versionsOf, key);
  const deliveries = await db.query<DeliveryRow>(deliveriesOf, key);
  const letters = await findDeadLetters(db, event.tenant_id, { elementId: event.event_id });
  const { cause_address: cause, first_address: first, last_address: last } = event;
  const pages = await readPages(db, [
    cause,
    ...(first ? [first] : []),
    ...(last ? [last] : []),
    ...versions.rows.map(({ trace }) => trace),
  ]);
  return {
    event,
    versions: versions.rows.map((row) => readVersion(row, pages)),
    cause: pages(cause),
    first_fix: first && pages(first),
    last_fix: last && pages(last),
    deliveries: deliveries.rows.map(readDelivery),
    dead_letters: letters,
  };
}
