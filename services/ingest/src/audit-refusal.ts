import { hash } from 'node:crypto';
import type { WebhookRequest } from './adapters/http-server.ts';
import type { Refusal } from './core/answer.ts';
import { sourceAddress } from './core/source-address.ts';
import type { RecordedRefusal } from './ports.ts';

/**
 * The audit's row of a request that was not authenticated. Tenant and source are what it claimed; hash and
 * length of the body let a sender find out whether it arrived as it was sent.
 */
export function auditRow(
  { id, path, headers, body, clientAddress }: WebhookRequest,
  { reason, detail }: Refusal,
  refusedTime: number,
): RecordedRefusal {
  const claimed = sourceAddress(path, headers['x-waybill-source']);
  return {
    http_request_id: id,
    refused_time: refusedTime,
    tenant_id: claimed?.tenantId ?? null,
    source_id: claimed?.sourceId ?? null,
    reason: reason ?? 'unknown',
    detail: detail === undefined ? null : plain(detail),
    client_address: clientAddress,
    body_bytes: body.length,
    body_sha256: hash('sha256', body, 'hex'),
  };
}

const MAX_DETAIL_LENGTH = 500;

/** A detail may hold what a stranger chose, such as the subject of his certificate. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').slice(0, MAX_DETAIL_LENGTH);
}
