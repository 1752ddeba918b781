import type {
  Cause,
  DeliveredEntity,
  FuelLevelChanged,
  GeofenceCrossed,
  IdleEnded,
  OdometerRead,
  RawAddress,
  ServiceDue,
  ShiftWorked,
  SiteVisited,
  TripCompleted,
  TripStatusChanged,
} from '@waybill/contracts';
import {
  columnArrays,
  inputOf,
  namesOf,
  onePerKey,
  type Addressed,
  type Column,
  type LedgerTx,
} from './batch.ts';

/** Contracts of business events that the ledger keeps. */
interface Facts {
  readonly TripCompleted: TripCompleted;
  readonly SiteVisited: SiteVisited;
  readonly TripStatusChanged: TripStatusChanged;
  readonly IdleEnded: IdleEnded;
  readonly FuelLevelChanged: FuelLevelChanged;
  readonly OdometerRead: OdometerRead;
  readonly ServiceDue: ServiceDue;
  readonly ShiftWorked: ShiftWorked;
  readonly GeofenceCrossed: GeofenceCrossed;
}

export type EventContract = keyof Facts;

/** What of a contract names the entity and says when it was. */
interface Kind<V> {
  readonly entity: DeliveredEntity;
  readonly id: keyof V;
  readonly from: keyof V;
  /** Null while it lasts. */
  readonly to: keyof V;
}

const kinds: { readonly [C in EventContract]: Kind<Facts[C]> } = {
  TripCompleted: { entity: 'trip', id: 'trip_id', from: 'start_time', to: 'end_time' },
  SiteVisited: { entity: 'site_visit', id: 'visit_id', from: 'entered_time', to: 'left_time' },
  // The provider's trip id is the ERP's order reference.
  TripStatusChanged: {
    entity: 'transport_order',
    id: 'trip_id',
    from: 'event_time',
    to: 'event_time',
  },
  IdleEnded: { entity: 'idle', id: 'idle_id', from: 'start_time', to: 'end_time' },
  FuelLevelChanged: {
    entity: 'fuel_level',
    id: 'change_id',
    from: 'start_time',
    to: 'end_time',
  },
  OdometerRead: { entity: 'odometer', id: 'reading_id', from: 'event_time', to: 'event_time' },
  ServiceDue: { entity: 'work_order', id: 'due_id', from: 'event_time', to: 'event_time' },
  ShiftWorked: { entity: 'shift', id: 'shift_id', from: 'start_time', to: 'end_time' },
  GeofenceCrossed: { entity: 'geofence', id: 'event_id', from: 'event_time', to: 'event_time' },
};

/** Contracts that `eventVersion` takes. */
export const eventContracts: readonly EventContract[] = Object.keys(kinds) as EventContract[];

/** One version of a business event, as the ledger keeps it. */
export interface EventVersion {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly entity: DeliveredEntity;
  readonly entityId: string;
  /** Null for a driver's shift and for an order without unit. */
  readonly unit: string | null;
  /** Span of device time that the fact covers, ms since epoch; end null while it lasts. */
  readonly fromTime: number;
  readonly toTime: number | null;
  readonly firstFix: RawAddress | null;
  readonly lastFix: RawAddress | null;
  readonly fact: Facts[EventContract];
  readonly traceparent: string | undefined;
}

/** Row of a record of a business event. */
export function eventVersion<C extends EventContract>(
  contract: C,
  topic: string,
  { partition, offset, value, traceparent }: Addressed<Facts[C]>,
): EventVersion {
  const { entity, id, from, to } = kinds[contract];
  // A kind names fields of these types only.
  const at = (field: keyof Facts[C]): number | null => value[field] as number | null;
  return {
    topic,
    partition,
    offset,
    traceparent,
    entity,
    entityId: String(value[id]),
    unit: 'unit' in value ? value.unit : null,
    fromTime: at(from) ?? value.event_time,
    toTime: at(to),
    firstFix: 'first_fix' in value ? value.first_fix : null,
    lastFix: 'last_fix' in value ? value.last_fix : null,
    fact: value,
  };
}

const causeOf = ({ fact }: EventVersion): Cause => fact.cause;

const columns: readonly Column<EventVersion>[] = [
  { name: 'tenant_id', type: 'text', of: ({ fact }) => fact.tenant_id },
  { name: 'event_id', type: 'text', of: ({ fact }) => fact.event_id },
  { name: 'entity', type: 'text', of: ({ entity }) => entity },
  { name: 'entity_id', type: 'text', of: ({ entityId }) => entityId },
  { name: 'unit', type: 'text', of: ({ unit }) => unit },
  { name: 'revision', type: 'bigint', of: ({ fact }) => fact.revision },
  { name: 'retracted', type: 'boolean', of: ({ fact }) => fact.retracted },
  { name: 'cause', type: 'text', of: causeOf },
  { name: 'event_time', type: 'timestamptz', of: ({ fact }) => fact.event_time },
  { name: 'from_time', type: 'timestamptz', of: ({ fromTime }) => fromTime },
  { name: 'to_time', type: 'timestamptz', of: ({ toTime }) => toTime },
  { name: 'provider_time', type: 'timestamptz', of: ({ fact }) => fact.provider_time },
  { name: 'received_time', type: 'timestamptz', of: ({ fact }) => fact.received_time },
  { name: 'fact', type: 'jsonb', of: ({ fact }) => fact },
  { name: 'cause_address', type: 'jsonb', of: ({ fact }) => fact.trace },
  { name: 'first_address', type: 'jsonb', of: ({ firstFix }) => firstFix },
  { name: 'last_address', type: 'jsonb', of: ({ lastFix }) => lastFix },
  { name: 'topic', type: 'text', of: ({ topic }) => topic },
  { name: 'partition', type: 'integer', of: ({ partition }) => partition },
  { name: 'log_offset', type: 'bigint', of: ({ offset }) => offset },
  { name: 'traceparent', type: 'text', of: ({ traceparent }) => traceparent },
];

const versionNames = `tenant_id, event_id, revision, retracted, cause, event_time, provider_time,
  received_time, fact, topic, partition, log_offset, traceparent`;
const eventNames = namesOf(
  columns.filter(({ name }) => !/^(topic|partition|log_offset|traceparent)$/.test(name)),
);
const newer = (name: string): string =>
  `${name} = case when excluded.revision > known.revision then excluded.${name} else known.${name} end`;

// `versions` grows by what event_version really took, so a replay adds nothing.
const upsert = `with input as (select * from ${inputOf(columns, 'rows')}),
added as (
  insert into ledger.event_version (${versionNames})
  select ${versionNames} from input on conflict do nothing returning tenant_id, event_id
),
counts as (select tenant_id, event_id, count(*)::integer as versions from added group by 1, 2)
insert into ledger.event as known (${eventNames}, versions)
select distinct on (tenant_id, event_id) ${eventNames}, coalesce(versions, 0)
from input left join counts using (tenant_id, event_id)
order by tenant_id, event_id, revision desc
on conflict (tenant_id, event_id) do update set
  versions = known.versions + excluded.versions,
  ${eventNames
    .split(', ')
    .filter((name) => !/^(tenant_id|event_id|entity|entity_id|unit|revision)$/.test(name))
    .map(newer)
    .join(',\n  ')},
  revision = greatest(known.revision, excluded.revision)
where excluded.versions > 0`;

/** Notes versions of events: all in the history, the newest as the event itself. */
export async function writeEvents(tx: LedgerTx, versions: readonly EventVersion[]): Promise<void> {
  const rows = onePerKey(
    versions,
    ({ fact }) => `${fact.tenant_id}/${fact.event_id}/${String(fact.revision).padStart(16, '0')}`,
    (first) => first,
  );
  if (rows.length > 0) await tx.query(upsert, columnArrays(columns, rows));
}
