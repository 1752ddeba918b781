import type { PageFetched, WebhookReceived } from '@waybill/contracts';

/** A page record with everything that a test does not care about. */
export function pageOf(fields: Partial<PageFetched>): PageFetched {
  return {
    tenant_id: 'bay-cabs',
    source_id: 'fleet',
    account: 'cabs',
    page_id: '00000000000000000000000000000000',
    call: 'messages/get_messages',
    parameters: '{}',
    unit: 'wialon:7001',
    window_from_time: null,
    window_to_time: null,
    session_hash: '0f3c9a77be1d4c02',
    received_time: 1_760_000_100_000,
    provider_now_time: null,
    first_index: 0,
    message_count: 0,
    part: 0,
    parts: 1,
    body_sha256: '0'.repeat(64),
    unusable_reason: null,
    http_status: null,
    content_type: null,
    body_bytes: null,
    body: Buffer.from('[]'),
    ...fields,
  };
}

/** A verified request with the given body. */
export function requestOf(body: unknown, fields: Partial<WebhookReceived> = {}): WebhookReceived {
  return {
    tenant_id: 'bay-cabs',
    source_id: 'push',
    request_id: '00000000000000000000000000000000',
    received_time: 1_760_000_100_000,
    verdict: 'VERIFIED',
    key_id: 'k1',
    idempotency_key: 'evt_123',
    content_type: 'application/json',
    headers: {},
    body_sha256: '0'.repeat(64),
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    ...fields,
  };
}
