import type { Migration } from '@waybill/postgres';
import { refusalMigration } from './refusal-schema.ts';

/** Schema that belongs to this service alone. */
export const SCHEMA = 'ingest';

export const migrations: readonly Migration[] = [
  {
    id: '001-claims',
    sql: `
create table claim (
  tenant_id text not null,
  source_id text not null,
  idempotency_key text not null,
  request_id text not null,
  body_sha256 text not null,
  received_time timestamptz not null,
  attempt integer not null default 1,
  lease_until timestamptz not null,
  answer_status integer,
  answer_body text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, source_id, idempotency_key),
  check ((answer_status is null) = (answer_body is null))
);
create index claim_created_at on claim (created_at);
comment on table claim is 'One row per Idempotency-Key; without an answer it is open until lease_until.';

create table signature (
  tenant_id text not null,
  source_id text not null,
  signed_sha256 text not null,
  idempotency_key text not null,
  ends_at timestamptz not null,
  primary key (tenant_id, source_id, signed_sha256)
);
create index signature_ends_at on signature (ends_at);
comment on table signature is 'Signed bytes and the key they came with, while their time is within tolerance.';
`,
  },
  {
    // Many keys per statement: ids that compare as bytes, free room in the page for the note "done", and
    // no order of keys that differs between the two tables' indexes.
    id: '002-group-commit',
    sql: `
alter table claim
  drop constraint claim_pkey,
  alter column request_id type text collate "C",
  add primary key (request_id),
  set (fillfactor = 70);
alter table signature
  drop constraint signature_pkey,
  alter column signed_sha256 type text collate "C",
  alter column source_id type text collate "C",
  alter column tenant_id type text collate "C",
  add primary key (signed_sha256, tenant_id, source_id);
comment on table claim is
  'One row per Idempotency-Key, under the hash of tenant, source and key; without an answer it is open until lease_until.';
`,
  },
  refusalMigration,
];
