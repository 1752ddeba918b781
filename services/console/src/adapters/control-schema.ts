import type { Migration } from '@waybill/postgres';

/** Schema of all tables of the console. */
export const CONTROL_SCHEMA = 'control';

const tables = `
create extension if not exists btree_gist with schema public;

create table tenant_file (
  tenant_id text not null,
  version bigint not null,
  document text not null,
  document_sha256 text not null,
  applied_time timestamptz not null,
  applied_by text not null,
  primary key (tenant_id, version)
);

-- One row per id: its version rises with each change, deleted ids stay.
create table mapped_id (
  tenant_id text not null,
  entity text not null check (entity in ('vehicle', 'driver', 'customer', 'site')),
  telematics_id text not null,
  version bigint not null,
  deleted boolean not null,
  origin text not null check (origin in ('file', 'operator')),
  changed_time timestamptz not null,
  changed_by text not null,
  primary key (tenant_id, entity, telematics_id)
);

-- All intervals that ever held: those of former versions have an until_version.
create table id_mapping (
  id bigint generated always as identity primary key,
  tenant_id text not null,
  entity text not null,
  telematics_id text not null,
  erp_id text not null check (erp_id <> ''),
  valid_from_time timestamptz,
  valid_to_time timestamptz,
  since_version bigint not null,
  until_version bigint,
  foreign key (tenant_id, entity, telematics_id) references mapped_id,
  check (valid_from_time < valid_to_time),
  constraint one_erp_id_at_an_instant exclude using gist (
    tenant_id with =, entity with =, telematics_id with =,
    tstzrange(valid_from_time, valid_to_time) with &&
  ) where (until_version is null)
);
create index id_mapping_erp_id on id_mapping (tenant_id, entity, erp_id);

create table outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key text not null,
  message_type text not null,
  message jsonb not null,
  created_time timestamptz not null default now()
);

create table audit (
  id bigint generated always as identity primary key,
  tenant_id text not null,
  action text not null,
  done_by text not null,
  done_time timestamptz not null default now(),
  detail jsonb not null
);
`;

const reworks = `
create table rework (
  rework_id text primary key,
  command jsonb not null,
  requested_time timestamptz not null default now(),
  cancelled_by text
);
`;

const rereads = `
-- A re-reading of raw topics: its end marker is in the outbox, or was.
alter table rework add column marked boolean not null default false;
`;

const driverPlans = `
-- What was published last of whom the ERP plans on a unit.
create table driver_plan (
  tenant_id text not null,
  unit text not null,
  intervals text not null,
  primary key (tenant_id, unit)
);
`;

export const migrations: readonly Migration[] = [
  { id: '001-tables', sql: tables },
  { id: '002-rework', sql: reworks },
  { id: '003-reread', sql: rereads },
  { id: '004-driver-plan', sql: driverPlans },
];
