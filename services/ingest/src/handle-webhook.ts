import { hash } from 'node:crypto';
import { hashId } from '@waybill/domain';
import { toFault } from '@waybill/fault';
import { dialects } from '@waybill/signatures';
import type { WebhookRequest } from './adapters/http-server.ts';
import { auditRow } from './audit-refusal.ts';
import type { Authenticate, Authenticated } from './authenticate.ts';
import {
  acceptedAnswer,
  keptAnswer,
  refusalAnswer,
  type Answer,
  type Refusal,
} from './core/answer.ts';
import { bodyFormat, checkBody } from './core/body-check.ts';
import { denied } from './core/denial.ts';
import { parseIdempotencyKey } from './core/idempotency-key.ts';
import type { IngestMetrics } from './metrics.ts';
import type {
  Claim,
  ClaimId,
  ClaimStore,
  Logger,
  Ports,
  Quarantine,
  RawLog,
  RefusalLog,
} from './ports.ts';

/** Not part of the raw record: they open doors, or say nothing about the event. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  ...Object.values(dialects).flatMap((dialect) => dialect.headers),
]);

export interface HandlerPorts extends Pick<Ports, 'now' | 'tracing'> {
  readonly authenticate: Authenticate;
  readonly claims: ClaimStore;
  readonly raw: RawLog;
  readonly quarantine: Quarantine;
  readonly refusals: Pick<RefusalLog, 'record'>;
  readonly metrics: IngestMetrics;
  readonly logger: Logger;
}

/** What one request came to; filled on the way and logged once. */
interface Wide {
  http_request_id: string;
  tenant_id?: string;
  source_id?: string;
  key_id?: string;
  request_id?: string;
  accepted?: string | number;
  attempt?: number;
}

type Outcome =
  | { readonly kind: 'accepted'; readonly answer: Answer }
  | { readonly kind: 'repeated'; readonly answer: Answer }
  | Refusal
  | { readonly kind: 'failed'; readonly error: unknown };

/** One request: authenticate → check → claim → append → complete → answer. */
export function createWebhookHandler(
  ports: HandlerPorts,
): (request: WebhookRequest) => Promise<Answer> {
  return async (request) => {
    const started = performance.now();
    const wide: Wide = { http_request_id: request.id };
    const outcome = await ports.tracing
      .span('webhook receive', {}, (traceparent) => receive(request, ports, wide, traceparent))
      .catch((error: unknown): Outcome => ({ kind: 'failed', error }));
    if (outcome.kind === 'refused' && outcome.code === 'UNAUTHENTICATED') {
      ports.refusals.record(auditRow(request, outcome, ports.now()));
    }
    const seconds = (performance.now() - started) / 1000;
    return report(outcome, { ...wide, body_bytes: request.body.length }, seconds, ports);
  };
}

async function receive(
  request: WebhookRequest,
  ports: HandlerPorts,
  wide: Wide,
  traceparent: string | undefined,
): Promise<Outcome> {
  const receivedTime = ports.now();
  const { headers, body } = request;
  const caller = await ports.authenticate(request, receivedTime);
  if (caller.kind === 'refused') return caller;
  const { address } = caller;
  Object.assign(wide, {
    tenant_id: address.tenantId,
    source_id: address.sourceId,
    key_id: caller.keyId,
  });

  const key = parseIdempotencyKey(caller.derivedKey ?? headers['idempotency-key']);
  if (key.kind === 'refused') return key;
  const valid = checkBody(body, bodyFormat(caller.source));
  if (valid.kind === 'refused') {
    const { code, violations = [] } = valid;
    await ports.quarantine.keep({ ...address, code, violations, body });
    return valid;
  }

  const id: ClaimId = { ...address, key: key.key };
  wide.request_id = hashId('webhook', id.tenantId, id.sourceId, id.key);
  wide.accepted = valid.accepted;
  const checked: Checked = {
    id,
    request,
    caller,
    receivedTime,
    requestId: wide.request_id,
    bodySha256: hash('sha256', body, 'hex'),
  };
  const claim = await claimFor(checked, ports.claims);
  if (claim.kind !== 'granted') return settled(claim);
  wide.attempt = claim.attempt;

  try {
    await ports.raw.append(rawRecord(checked, claim.receivedTime), traceparent);
  } catch (error) {
    await ports.claims.release(checked.requestId, claim.attempt).catch((late: unknown) => {
      ports.logger.warn({ request_id: wide.request_id, err: late }, 'claim.release_failed');
    });
    throw error;
  }
  const answer = acceptedAnswer(valid.accepted);
  await ports.claims.complete(checked.requestId, answer).catch((error: unknown) => {
    // The event is safe in the log, so the sender is told so. A repeat of the request after the lease
    // would append it once more under the same request id.
    ports.logger.warn({ request_id: wide.request_id, err: error }, 'claim.complete_failed');
  });
  return { kind: 'accepted', answer: keptAnswer(answer, false) };
}

interface Checked {
  readonly id: ClaimId;
  readonly request: WebhookRequest;
  readonly caller: Authenticated;
  readonly receivedTime: number;
  readonly requestId: string;
  readonly bodySha256: string;
}

function claimFor(checked: Checked, claims: ClaimStore): Promise<Claim> {
  const { id, caller, receivedTime, requestId, bodySha256 } = checked;
  const { signed } = caller;
  return claims.claim({ ...id, requestId, bodySha256, signed, receivedTime });
}

function settled(claim: Exclude<Claim, { kind: 'granted' }>): Outcome {
  switch (claim.kind) {
    case 'done':
      return { kind: 'repeated', answer: keptAnswer(claim.answer, true) };
    case 'running':
      return { kind: 'refused', code: 'REQUEST_IN_FLIGHT' };
    case 'other_body':
      return { kind: 'refused', code: 'IDEMPOTENCY_KEY_REUSED' };
    case 'replayed':
      return denied('replayed');
  }
}

function rawRecord(checked: Checked, receivedTime: number): Parameters<RawLog['append']>[0] {
  const { id, request, caller } = checked;
  const headers = Object.entries(request.headers).filter(([name]) => !CREDENTIALS.has(name));
  return {
    tenant_id: id.tenantId,
    source_id: id.sourceId,
    request_id: checked.requestId,
    received_time: receivedTime,
    verdict: caller.verdict,
    key_id: caller.keyId,
    idempotency_key: id.key,
    content_type: request.headers['content-type'] ?? null,
    headers: Object.fromEntries(headers),
    body_sha256: checked.bodySha256,
    body: request.body,
  };
}

/** Counts, logs one line, and turns the outcome into the answer. */
function report(outcome: Outcome, wide: object, seconds: number, ports: HandlerPorts): Answer {
  const { metrics, logger } = ports;
  const duration_ms = Math.round(seconds * 1000);
  if (outcome.kind === 'refused') {
    const { code, reason } = outcome;
    // Paths only: what was found there may be personal.
    const violations = outcome.violations?.map((violation) => violation.path);
    metrics.answered('refused', code, seconds);
    if (code === 'UNAUTHENTICATED') metrics.unauthenticated(reason ?? 'unknown');
    const fields = { ...wide, outcome: 'refused', code, reason, violations, duration_ms };
    logger.warn(fields, 'webhook.answered');
    return refusalAnswer(outcome);
  }
  if (outcome.kind !== 'failed') {
    metrics.answered(outcome.kind, 'none', seconds);
    // What was accepted stands in the raw topic with all of this; a line each would cost more than the rest.
    logger.debug({ ...wide, outcome: outcome.kind, duration_ms }, 'webhook.answered');
    return outcome.answer;
  }
  const fault = toFault(outcome.error, 'publish');
  metrics.error(fault);
  const code = fault.kind === 'bug' ? 'INTERNAL' : 'UNAVAILABLE';
  metrics.answered('failed', code, seconds);
  logger.error({ ...wide, outcome: 'failed', code, duration_ms, err: fault }, 'webhook.answered');
  return refusalAnswer({ kind: 'refused', code });
}
