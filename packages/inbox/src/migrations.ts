import type { Migration } from '@waybill/postgres';

/** Schema of all delivery state. */
export const SCHEMA = 'delivery';

const inbox = `
-- One row per event and target. States:
--   due            to be delivered; also while a worker has it (the lease stands on the lane)
--   waiting_until  failed for now; tried again at due_at
--   paused         misconfigured; its lane stands still; tried again at due_at or on resume
--   waiting_for    parked until waiting_key is released; due_at = when to look again, null = never
--   manual         parked until a person acts (resume)
--   done           delivered, superseded or dead-lettered: see outcome
-- due, waiting_until and paused keep the lane's order; waiting_for and manual let the others pass.
create table inbox (
  tenant text not null,
  target text not null,
  entity text not null,
  event_id text not null,
  entity_id text not null,
  lane text not null,
  -- Ids of the other system that the fact needs, as <entity>/<telematics id>.
  refs text[] not null,
  message jsonb not null,
  original bytea,
  traceparent text,
  source_topic text not null,
  source_partition int not null,
  source_offset bigint not null,
  event_time timestamptz not null,
  provider_time timestamptz not null,
  received_time timestamptz not null,
  revision bigint not null,
  activation bigint not null,
  resolution bigint not null default 1,
  state text not null check
    (state in ('due', 'waiting_until', 'paused', 'waiting_for', 'manual', 'done')),
  due_at timestamptz,
  waiting_key text,
  reason text,
  attempts int not null default 0,
  first_failed_at timestamptz,
  parked_since timestamptz,
  enqueued_at timestamptz not null,
  outcome text,
  delivered_revision bigint,
  delivered_activation bigint,
  delivered_resolution bigint,
  delivered_at timestamptz,
  erp_table text,
  erp_key text,
  erp_vehicle_id text,
  business_date text,
  primary key (tenant, target, entity, event_id)
);
create index inbox_lane on inbox (tenant, target, lane, event_time, event_id)
  where state in ('due', 'waiting_until', 'paused');
create index inbox_open on inbox (state, due_at) where state <> 'done';
create index inbox_waiting on inbox (waiting_key) where state = 'waiting_for';
create index inbox_refs on inbox using gin (refs);
create index inbox_delivered on inbox (tenant, target, delivered_at);
create index inbox_entity on inbox (tenant, entity, entity_id);

-- A lane is worked on by whoever holds its lease: one delivery in flight per lane.
create table lane (
  tenant text not null,
  target text not null,
  lane text not null,
  -- When its first row is due; null = nothing to do.
  next_due_at timestamptz,
  lease_until timestamptz,
  lease_token bigint,
  primary key (tenant, target, lane)
);
create index lane_due on lane (tenant, target, next_due_at) where next_due_at is not null;
create sequence lease_token;

-- The breaker of a target. closed: rows are claimed; open: only probes.
create table target (
  tenant text not null,
  target text not null,
  breaker text not null default 'closed' check (breaker in ('closed', 'open')),
  reason text,
  failures int not null default 0,
  failed_lanes text[] not null default '{}',
  opened_at timestamptz,
  next_probe_at timestamptz,
  probe_interval_ms int not null default 1000,
  probes int not null default 0,
  primary key (tenant, target)
);

-- What must be published; deleted when the broker confirmed it.
create table outbox (
  id bigint generated always as identity primary key,
  kind text not null,
  key text not null,
  payload jsonb not null,
  original bytea,
  traceparent text,
  created_at timestamptz not null default clock_timestamp()
);
`;

/** Steps of the schema, in order; never edited once released. */
export const MIGRATIONS: readonly Migration[] = [{ id: '001-inbox', sql: inbox }];
