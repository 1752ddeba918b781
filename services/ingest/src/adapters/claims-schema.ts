import type { Migration } from '@waybill/postgres';

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
];
