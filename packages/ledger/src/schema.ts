import { migrate, type Migration, type Pool } from '@waybill/postgres';

/** Schema of all tables here. */
export const LEDGER_SCHEMA = 'ledger';

const tables = `
create table page (
  topic text not null,
  partition integer not null,
  raw_offset bigint not null,
  tenant_id text not null,
  source_id text not null,
  account text,
  page_id text not null,
  call text not null,
  parameters text not null,
  unit text,
  window_from_time timestamptz,
  window_to_time timestamptz,
  session_hash text,
  received_time timestamptz not null,
  provider_now_time timestamptz,
  first_index integer not null,
  message_count integer not null,
  part integer not null,
  parts integer not null,
  body_sha256 text not null,
  primary key (topic, partition, raw_offset)
);
create index page_tenant on page (tenant_id, received_time);

create table source_progress (
  tenant_id text not null,
  source_id text not null,
  account text not null,
  complete_to_time timestamptz not null,
  received_time timestamptz not null,
  primary key (tenant_id, source_id, account)
);

-- One row per unit and hour of device time. fix_ids: the first 8 bytes of each distinct event_id, sorted.
create table fix_hour (
  tenant_id text not null,
  unit text not null,
  hour timestamptz not null,
  fix_ids bytea not null,
  fixes integer not null,
  repeats integer not null,
  late integer not null,
  max_late_s integer not null,
  last_offset bigint not null,
  primary key (tenant_id, unit, hour)
) with (fillfactor = 70);
-- Hashes do not compress; trying costs more than the row.
alter table fix_hour alter column fix_ids set storage external;

create table event (
  tenant_id text not null,
  event_id text not null,
  entity text not null,
  entity_id text not null,
  unit text,
  revision bigint not null,
  retracted boolean not null,
  cause text not null,
  event_time timestamptz not null,
  from_time timestamptz not null,
  to_time timestamptz,
  provider_time timestamptz not null,
  received_time timestamptz not null,
  fact jsonb not null,
  cause_address jsonb not null,
  first_address jsonb,
  last_address jsonb,
  versions integer not null,
  primary key (tenant_id, event_id)
);
-- Ids of providers have no length limit and index entries have one, so indexes take the first 64 characters.
create index event_entity on event (left(entity_id, 64) text_pattern_ops);
create index event_id_prefix on event (event_id text_pattern_ops);
create index event_unit on event (tenant_id, left(unit, 64), from_time);

create table event_version (
  tenant_id text not null,
  event_id text not null,
  revision bigint not null,
  retracted boolean not null,
  cause text not null,
  event_time timestamptz not null,
  provider_time timestamptz not null,
  received_time timestamptz not null,
  fact jsonb not null,
  topic text not null,
  partition integer not null,
  log_offset bigint not null,
  traceparent text,
  primary key (tenant_id, event_id, revision)
);

create table delivery (
  tenant_id text not null,
  event_id text not null,
  target text not null,
  revision bigint not null,
  activation bigint not null,
  resolution bigint not null,
  outcome text not null,
  entity text not null,
  entity_id text not null,
  unit text,
  reason text,
  attempts integer not null,
  erp_table text,
  erp_key text,
  erp_vehicle_id text,
  business_date text,
  amendment_kind text,
  changed_fields jsonb not null,
  event_time timestamptz not null,
  provider_time timestamptz not null,
  received_time timestamptz not null,
  delivered_time timestamptz not null,
  newest_time timestamptz not null,
  primary key (tenant_id, event_id, target, revision, activation, resolution, outcome)
);
create index delivery_erp_key on delivery (left(erp_key, 64));

create table dead_letter (
  service text not null,
  element_id text not null,
  code text not null,
  kind text not null,
  category text not null,
  tenant_id text,
  unit text,
  message text not null,
  violations jsonb not null,
  attempts integer not null,
  event_time timestamptz,
  rejected_time timestamptz not null,
  topic text not null,
  partition integer not null,
  raw_offset bigint not null,
  raw_index integer not null,
  rejections integer not null,
  last_offset bigint not null,
  primary key (service, element_id)
);
create index dead_letter_element on dead_letter (element_id);
create index dead_letter_unit on dead_letter (tenant_id, left(unit, 64));

create table session_event (
  partition integer not null,
  log_offset bigint not null,
  tenant_id text not null,
  source_id text not null,
  account text not null,
  kind text not null,
  event_time timestamptz not null,
  session_hash text,
  error_code integer,
  reason text,
  latency_ms integer not null,
  primary key (partition, log_offset)
);

create table task (
  tenant_id text not null,
  task_id text not null,
  kind text not null,
  status text not null,
  unit text,
  business_date text not null,
  fix_count integer not null,
  first_event_time timestamptz not null,
  last_event_time timestamptz not null,
  max_late_by_s bigint not null,
  revision bigint not null,
  detail text not null,
  address jsonb not null,
  primary key (tenant_id, task_id)
);
`;

const hourTables = `
-- What one task of the detector counted of an hour of device time.
create table hour_count (
  tenant_id text not null,
  hour timestamptz not null,
  task integer not null,
  revision bigint not null,
  fixes integer not null,
  late integer not null,
  beyond_grace integer not null,
  heard integer not null,
  silent integer not null,
  pending integer not null,
  without_engine integer,
  final boolean not null,
  primary key (tenant_id, hour, task)
) with (fillfactor = 70);

-- What the provider holds of a unit and hour; extracted_count is null where it is not known.
create table provider_hour (
  tenant_id text not null,
  hour timestamptz not null,
  unit text not null,
  provider_count integer not null,
  extracted_count integer,
  received_time timestamptz not null,
  primary key (tenant_id, hour, unit)
);

-- One row per hour that anything is known of; its lock orders those who publish about the hour.
create table completeness (
  tenant_id text not null,
  hour timestamptz not null,
  revision bigint not null,
  primary key (tenant_id, hour)
) with (fillfactor = 70);
`;

const migrations: readonly Migration[] = [
  { id: '001-tables', sql: tables },
  { id: '002-hours', sql: hourTables },
];

/** Creates or updates the ledger's tables. Throws a Fault as `migrate` does. */
export async function migrateLedger(pool: Pool): Promise<readonly string[]> {
  return migrate(pool, LEDGER_SCHEMA, migrations);
}
