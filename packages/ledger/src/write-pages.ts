import type { PageFetched, SourceProgressed, WebhookReceived } from '@waybill/contracts';
import {
  columnArrays,
  inputOf,
  namesOf,
  onePerKey,
  type Addressed,
  type Column,
  type LedgerTx,
} from './batch.ts';

/** The call that a pushed request stands for. */
const WEBHOOK_CALL = 'POST /webhooks/telematics';

/** What the ledger has no column for. */
type Left =
  | 'body'
  | 'account'
  | 'session_hash'
  | 'unusable_reason'
  | 'http_status'
  | 'content_type'
  | 'body_bytes';

type Page = Addressed<Omit<PageFetched, Left>> & {
  readonly topic: string;
  readonly account: string | null;
  readonly sessionHash: string | null;
};

const columns: readonly Column<Page>[] = [
  { name: 'topic', type: 'text', of: (page) => page.topic },
  { name: 'partition', type: 'integer', of: (page) => page.partition },
  { name: 'raw_offset', type: 'bigint', of: (page) => page.offset },
  { name: 'tenant_id', type: 'text', of: (page) => page.value.tenant_id },
  { name: 'source_id', type: 'text', of: (page) => page.value.source_id },
  { name: 'account', type: 'text', of: (page) => page.account },
  { name: 'page_id', type: 'text', of: (page) => page.value.page_id },
  { name: 'call', type: 'text', of: (page) => page.value.call },
  { name: 'parameters', type: 'text', of: (page) => page.value.parameters },
  { name: 'unit', type: 'text', of: (page) => page.value.unit },
  { name: 'window_from_time', type: 'timestamptz', of: (page) => page.value.window_from_time },
  { name: 'window_to_time', type: 'timestamptz', of: (page) => page.value.window_to_time },
  { name: 'session_hash', type: 'text', of: (page) => page.sessionHash },
  { name: 'received_time', type: 'timestamptz', of: (page) => page.value.received_time },
  { name: 'provider_now_time', type: 'timestamptz', of: (page) => page.value.provider_now_time },
  { name: 'first_index', type: 'integer', of: (page) => page.value.first_index },
  { name: 'message_count', type: 'integer', of: (page) => page.value.message_count },
  { name: 'part', type: 'integer', of: (page) => page.value.part },
  { name: 'parts', type: 'integer', of: (page) => page.value.parts },
  { name: 'body_sha256', type: 'text', of: (page) => page.value.body_sha256 },
];

const insert = `insert into ledger.page (${namesOf(columns)})
select * from ${inputOf(columns)} on conflict do nothing`;

async function insertPages(tx: LedgerTx, pages: readonly Page[]): Promise<void> {
  const rows = onePerKey(
    pages,
    ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`,
    (first) => first,
  );
  if (rows.length > 0) await tx.query(insert, columnArrays(columns, rows));
}

/** Notes the calls and windows of pages, without their bodies. */
export async function writePages(
  tx: LedgerTx,
  topic: string,
  pages: readonly Addressed<PageFetched>[],
): Promise<void> {
  await insertPages(
    tx,
    pages.map((page) => ({
      ...page,
      topic,
      account: page.value.account,
      sessionHash: page.value.session_hash,
    })),
  );
}

/** Notes pushed requests as pages: one message each, no session and no window. */
export async function writeRequests(
  tx: LedgerTx,
  topic: string,
  requests: readonly Addressed<WebhookReceived>[],
): Promise<void> {
  await insertPages(
    tx,
    requests.map(({ partition, offset, value }) => ({
      partition,
      offset,
      topic,
      account: null,
      sessionHash: null,
      value: {
        tenant_id: value.tenant_id,
        source_id: value.source_id,
        page_id: value.request_id,
        call: WEBHOOK_CALL,
        parameters: JSON.stringify({
          idempotency_key: value.idempotency_key,
          key_id: value.key_id,
          verdict: value.verdict,
        }),
        unit: null,
        window_from_time: null,
        window_to_time: null,
        received_time: value.received_time,
        provider_now_time: null,
        first_index: 0,
        message_count: 1,
        part: 0,
        parts: 1,
        body_sha256: value.body_sha256,
      },
    })),
  );
}

const progressColumns: readonly Column<SourceProgressed>[] = [
  { name: 'tenant_id', type: 'text', of: (progress) => progress.tenant_id },
  { name: 'source_id', type: 'text', of: (progress) => progress.source_id },
  { name: 'account', type: 'text', of: (progress) => progress.account },
  { name: 'complete_to_time', type: 'timestamptz', of: (progress) => progress.complete_to_time },
  { name: 'received_time', type: 'timestamptz', of: (progress) => progress.received_time },
];

const upsertProgress = `insert into ledger.source_progress as known (${namesOf(progressColumns)})
select * from ${inputOf(progressColumns)}
on conflict (tenant_id, source_id, account) do update
  set complete_to_time = excluded.complete_to_time, received_time = excluded.received_time
  where excluded.complete_to_time > known.complete_to_time`;

/** Keeps how far each source is complete. */
export async function writeProgress(
  tx: LedgerTx,
  records: readonly SourceProgressed[],
): Promise<void> {
  const rows = onePerKey(
    records,
    ({ tenant_id: tenant, source_id: source, account }) => `${tenant}/${source}/${account}`,
    (a, b) => (b.complete_to_time > a.complete_to_time ? b : a),
  );
  if (rows.length > 0) await tx.query(upsertProgress, columnArrays(progressColumns, rows));
}
