import type { Migration } from '@waybill/postgres';

/** The audit of requests that were not authenticated. */
export const refusalMigration: Migration = {
  id: '010-refusals',
  sql: `
create table refusal (
  refusal_id bigint generated always as identity primary key,
  http_request_id text collate "C" not null,
  refused_time timestamptz not null,
  tenant_id text,
  source_id text,
  reason text not null,
  detail text,
  client_address text not null,
  body_bytes integer not null,
  body_sha256 text not null
);
create index refusal_request on refusal (http_request_id);
comment on table refusal is 'Why a request got a bare 401; tenant and source as it claimed, true or not.';
`,
};
