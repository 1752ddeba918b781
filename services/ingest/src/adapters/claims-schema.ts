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
  {
    // What is written per request is a narrow row that nobody touches again: the end of the work is noted
    // once per round. Rows of before are taken over; -1 is a round that never was, so they count as done.
    id: '011-rounds',
    sql: `
create table claim_round (
  round_id bigint generated always as identity primary key,
  lease_until timestamptz not null
);
create index claim_round_lease_until on claim_round (lease_until);
comment on table claim_round is 'Claims opened together. The row stands while they are at work and is deleted when all their records are in the log.';

create table pushed (
  request_id bytea primary key,
  body_sha256 bytea not null,
  round_id bigint not null,
  attempt integer not null default 1,
  received_time timestamptz not null,
  created_at timestamptz not null default now(),
  answer text
);
insert into pushed (request_id, body_sha256, round_id, attempt, received_time, created_at, answer)
  select decode(request_id, 'hex'), decode(body_sha256, 'hex'),
         case when answer_status is null then 0 else -1 end, attempt, received_time, created_at, answer_body
  from claim;
drop table claim;
alter table pushed rename to claim;
alter index pushed_pkey rename to claim_pkey;
create index claim_created_at on claim (created_at);
comment on table claim is 'One row per Idempotency-Key, under the hash of tenant, source and key. Done when its round does not exist; round 0 = given back unfinished.';

drop table signature;
create table signature (
  signed_id bytea primary key,
  request_id bytea not null,
  ends_at timestamptz not null
);
create index signature_ends_at on signature (ends_at);
comment on table signature is 'Signed bytes and the claim they came with, while their time is within tolerance.';
`,
  },
  {
    // A vacuum that gives the empty end of a table back to the disk locks everybody out meanwhile, and the next
    // rows need it again at once.
    id: '012-keep-pages',
    sql: `
alter table claim_round set (vacuum_truncate = false);
alter table signature set (vacuum_truncate = false);
alter table claim set (vacuum_truncate = false);
`,
  },
  {
    // Statements are planned by the settings of their connection, not by statistics; gathering them sorts samples of
    // 30,000 rows a column while requests want the processor.
    id: '013-no-statistics',
    sql: `
alter table claim
  alter column request_id set statistics 0, alter column body_sha256 set statistics 0,
  alter column round_id set statistics 0, alter column attempt set statistics 0,
  alter column received_time set statistics 0, alter column created_at set statistics 0,
  alter column answer set statistics 0;
alter table signature
  alter column signed_id set statistics 0, alter column request_id set statistics 0,
  alter column ends_at set statistics 0;
alter table claim_round
  alter column round_id set statistics 0, alter column lease_until set statistics 0;
`,
  },
  {
    // One row per request instead of two with four index entries. It stands under the signed bytes, which begin with
    // their time: new ones go to the end of that index, and what is too old is found at its beginning. Older
    // instances do not know this table and answer 503. The table `signature` stays as it was for as long as signed
    // bytes in it are within tolerance (former-signatures.ts); it may be dropped afterwards.
    id: '014-one-row',
    sql: `
create table claimed (
  signed_id uuid primary key,
  request_id uuid unique,
  bound_to uuid,
  body_id uuid,
  round_id bigint,
  received_time timestamptz not null,
  attempt integer not null default 1,
  check ((request_id is null) <> (bound_to is null))
) with (vacuum_truncate = false);
insert into claimed (signed_id, request_id, body_id, round_id, received_time, attempt)
  select (lpad(to_hex(extract(epoch from created_at)::bigint), 8, '0')
           || left(encode(request_id, 'hex'), 24))::uuid,
         encode(request_id, 'hex')::uuid, left(encode(body_sha256, 'hex'), 32)::uuid,
         round_id, received_time, attempt
  from claim;
drop table claim;
alter table claimed rename to claim;
alter index claimed_pkey rename to claim_pkey;
alter index claimed_request_id_key rename to claim_request_id_key;
alter table claim
  alter column signed_id set statistics 0, alter column request_id set statistics 0,
  alter column bound_to set statistics 0, alter column body_id set statistics 0,
  alter column round_id set statistics 0, alter column received_time set statistics 0,
  alter column attempt set statistics 0;
comment on table claim is 'One row per Idempotency-Key (request_id), with the signed bytes it came with first; further signed bytes have rows of their own, bound_to the key. Done when its round does not exist; round 0 = given back unfinished.';
`,
  },
];
