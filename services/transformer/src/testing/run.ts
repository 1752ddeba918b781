import {
  topics,
  type ElementRejected,
  type Message,
  type PageFetched,
  type SourceProgressed,
  type WebhookReceived,
} from '@waybill/contracts';
import type { RunningService } from '@waybill/runtime';
import {
  createStreamDriver,
  type DrivenService,
  type Read,
  type StreamDriver,
} from '@waybill/testkit';
import { createService } from '../service.ts';

export const TASKS = 3;
/** The context of every batch's span. */
export const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const KEY = 'bay-cabs/fleet/cabs';

/** A transformer on an in-memory log. */
export interface Transformer {
  readonly driver: StreamDriver;
  readonly service: DrivenService<RunningService>;
  /** Pages and progress of one account, in one chunk. */
  readonly pages: (...messages: readonly Message[]) => Promise<void>;
  readonly webhook: (request: WebhookReceived) => Promise<void>;
  readonly positions: () => Promise<readonly Read[]>;
  readonly rejected: () => Promise<readonly ElementRejected[]>;
  readonly lines: readonly object[];
}

/** Starts one; `traceRatio` is the share of pages whose positions carry a trace, default none. */
export async function startTransformer(traceRatio = 0): Promise<Transformer> {
  const lines: object[] = [];
  const driver = await createStreamDriver({ partitions: { task: TASKS, source: 2 } });
  const service = await driver.start(
    (streams) =>
      createService(
        { KAFKA_TASK_PARTITIONS: TASKS, TRACE_POSITION_RATIO: traceRatio },
        {
          streams,
          logger: { warn: (fields) => lines.push(fields) },
          metrics: { event: () => undefined, rejected: () => undefined, nulled: () => undefined },
        },
      ),
    { tracing: { batch: (_span, work) => work(TRACE) } },
  );
  return {
    driver,
    service,
    pages: (...messages) =>
      driver.pipe(
        topics.wialonPage,
        messages.map((message) => ({ key: KEY, message })),
      ),
    webhook: (value) =>
      driver.pipe(topics.webhookRaw, [{ key: 'r', message: { type: 'WebhookReceived', value } }]),
    positions: () => driver.read(topics.position),
    rejected: async () =>
      (await driver.read(topics.transformerDeadLetter)).flatMap(({ message }) =>
        message ? [message.value] : [],
      ),
    lines,
  };
}

/** A message as the provider sends it. */
export const good = {
  ...{ t: 1_760_000_001, f: 1, tp: 'ud', rt: 1_760_000_003 },
  pos: { y: 52.1, x: 21 },
};

/** The answer of one call. */
export function page(body: unknown, fields: Partial<PageFetched> = {}): Message {
  const value: PageFetched = {
    tenant_id: 'bay-cabs',
    source_id: 'fleet',
    account: 'cabs',
    page_id: '80000000000000000000000000000000',
    call: 'messages/get_messages',
    parameters: '{}',
    unit: 'wialon:7001',
    window_from_time: null,
    window_to_time: null,
    session_hash: '0f3c9a77be1d4c02',
    received_time: 1_760_000_100_000,
    provider_now_time: null,
    first_index: 0,
    message_count: 1,
    part: 0,
    parts: 1,
    body_sha256: '0'.repeat(64),
    unusable_reason: null,
    http_status: null,
    content_type: null,
    body_bytes: null,
    body: Buffer.from(JSON.stringify(body)),
    ...fields,
  };
  return { type: 'PageFetched', value };
}

/** A verified request that tells of a trip's status. */
export const statusRequest: WebhookReceived = {
  tenant_id: 'bay-cabs',
  source_id: 'push',
  request_id: 'f'.repeat(32),
  received_time: 1_760_000_100_000,
  verdict: 'VERIFIED',
  key_id: null,
  idempotency_key: null,
  content_type: null,
  headers: {},
  body_sha256: '0'.repeat(64),
  body: Buffer.from(
    JSON.stringify({
      event: 'trip.status.changed',
      id: 'evt_1',
      data: { trip_id: 'T-1', status: 'started', ts: 1_760_000_000 },
    }),
  ),
};

/** The statement that everything up to `completeTo` (ms) stands before it. */
export function progress(completeTo: number): Message {
  const value: SourceProgressed = {
    tenant_id: 'bay-cabs',
    source_id: 'fleet',
    account: 'cabs',
    complete_to_time: completeTo,
    received_time: 1_760_000_100_001,
  };
  return { type: 'SourceProgressed', value };
}
