import { hash } from 'node:crypto';
import { hashId } from '@waybill/domain';
import { dialects } from '@waybill/signatures';
import type { Admission } from './adapters/admission.ts';
import type { WebhookRequest } from './adapters/http-server.ts';
import { auditRow } from './audit-refusal.ts';
import type { Authenticate, Authenticated } from './authenticate.ts';
import { acceptedAnswer, keptAnswer, type Answer } from './core/answer.ts';
import { bodyFormat, checkBody } from './core/body-check.ts';
import { denied } from './core/denial.ts';
import { parseIdempotencyKey } from './core/idempotency-key.ts';
import type { SourceAddress } from './core/source-address.ts';
import type { IngestMetrics } from './metrics.ts';
import type {
  Claim,
  ClaimRequest,
  ClaimStore,
  Logger,
  Ports,
  Quarantine,
  RawLog,
  RefusalLog,
} from './ports.ts';
import { reportOutcome, type Facts, type Outcome } from './report-outcome.ts';
import type { Throttle } from './throttle-requests.ts';

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
  readonly throttle: Throttle;
  readonly admission: Pick<Admission, 'attempt' | 'worked' | 'failed' | 'retryAfterS'>;
  readonly metrics: IngestMetrics;
  readonly logger: Logger;
}

/** What one request came to; filled on the way and logged once. */
interface Wide extends Facts {
  readonly http_request_id: string;
  readonly body_bytes: number;
  tenant_id?: string;
  source_id?: string;
  key_id?: string | null;
  request_id?: string;
  accepted?: string | number;
  attempt?: number;
}

/** One request on its way. */
interface Passage {
  readonly request: WebhookRequest;
  readonly wide: Wide;
  /** Headers of every answer once the sender is known. */
  headers: Readonly<Record<string, string>> | undefined;
}

/** One request: authenticate → throttle → check → claim → append → complete → answer. */
export function createWebhookHandler(
  ports: HandlerPorts,
): (request: WebhookRequest) => Promise<Answer> {
  return async (request) => {
    const started = performance.now();
    const wide: Wide = { http_request_id: request.id, body_bytes: request.body.length };
    const passage: Passage = { request, wide, headers: undefined };
    let outcome: Outcome;
    try {
      outcome = await ports.tracing.span('webhook receive', {}, (traceparent) =>
        receive(passage, traceparent, ports),
      );
    } catch (error) {
      outcome = { kind: 'failed', error };
    }
    if (outcome.kind === 'refused' && outcome.code === 'UNAUTHENTICATED') {
      ports.refusals.record(auditRow(request, outcome, ports.now()));
    }
    const seconds = (performance.now() - started) / 1000;
    return reportOutcome(outcome, { facts: wide, seconds, headers: passage.headers }, ports);
  };
}

async function receive(
  passage: Passage,
  traceparent: string | undefined,
  ports: HandlerPorts,
): Promise<Outcome> {
  const receivedTime = ports.now();
  const { request, wide } = passage;
  const { headers, body } = request;
  const asked = ports.authenticate(request, receivedTime);
  // Mostly it is known at once: a wait would cost every request a turn.
  const caller = asked instanceof Promise ? await asked : asked;
  if (caller.kind === 'refused') return caller;
  const { address } = caller;
  wide.tenant_id = address.tenantId;
  wide.source_id = address.sourceId;
  wide.key_id = caller.keyId;

  const throttled = ports.throttle(address, caller.source, receivedTime);
  if (throttled !== undefined) {
    passage.headers = throttled.headers;
    if (!throttled.allowed) {
      const { retryAfterS, violated } = throttled;
      return { kind: 'refused', code: 'RATE_LIMITED', retryAfterS, violatedPolicies: violated };
    }
  }
  const key = parseIdempotencyKey(caller.derivedKey ?? headers['idempotency-key']);
  if (key.kind === 'refused') return key;
  const valid = checkBody(body, bodyFormat(caller.source), headers);
  if (valid.kind === 'refused') {
    const { code, violations = [] } = valid;
    await ports.quarantine.keep({ ...address, code, violations, body });
    return valid;
  }

  const away = ports.admission.attempt();
  if (away !== undefined) return { kind: 'refused', reason: 'away', ...away };
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
    answer: acceptedAnswer(valid.accepted),
    traceparent,
  };
  return takeOver(checked, wide, ports);
}

/**
 * Claim → append, while the claim goes to disk → answer; that the claim is done the database learns behind
 * the answer. A crash between any two leaves a lease that runs out, and no more.
 */
async function takeOver(checked: Checked, wide: Wide, ports: HandlerPorts): Promise<Outcome> {
  const { claims, raw, logger } = ports;
  const { requestId, answer, traceparent } = checked;
  const claim = await claims.claim(claimRequest(checked));
  if (claim.kind !== 'granted') return settled(claim, answer);
  wide.attempt = claim.attempt;
  const { committed } = claim;
  const appended = raw.append(rawRecord(checked, claim.receivedTime), traceparent);
  try {
    await appended;
    await committed;
  } catch (error) {
    // A claim that is not committed yet cannot be given back.
    await Promise.allSettled([appended, committed]);
    await claims.release(requestId).catch((late: unknown) => {
      logger.warn({ request_id: requestId, err: late }, 'claim.release_failed');
    });
    throw error;
  }
  claims.complete(requestId);
  return { kind: 'accepted', answer: keptAnswer(answer, false) };
}

interface Checked {
  readonly id: ClaimId;
  readonly request: WebhookRequest;
  readonly caller: Authenticated;
  readonly receivedTime: number;
  readonly requestId: string;
  readonly bodySha256: string;
  /** Body of the answer. */
  readonly answer: string;
  readonly traceparent: string | undefined;
}

/** An Idempotency-Key is unique per source. */
interface ClaimId extends SourceAddress {
  readonly key: string;
}

function claimRequest(checked: Checked): ClaimRequest {
  const { id, caller, receivedTime, requestId, bodySha256 } = checked;
  const { stamp } = caller;
  const signed = stamp && {
    id: hashId('signed', id.tenantId, id.sourceId, stamp.text, bodySha256),
    signedTime: stamp.signedTime,
  };
  return { requestId, bodySha256, signed, receivedTime };
}

/** A repeat has the body of the first request, from which its answer follows. */
function settled(claim: Exclude<Claim, { kind: 'granted' }>, answer: string): Outcome {
  switch (claim.kind) {
    case 'done':
      return { kind: 'repeated', answer: keptAnswer(answer, true) };
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
  return {
    tenant_id: id.tenantId,
    source_id: id.sourceId,
    request_id: checked.requestId,
    received_time: receivedTime,
    verdict: caller.verdict,
    key_id: caller.keyId,
    // As sent: a derived key is ours.
    idempotency_key: caller.derivedKey === undefined ? id.key : null,
    content_type: request.headers['content-type'] ?? null,
    headers: keptHeaders(request.headers),
    body_sha256: checked.bodySha256,
    body: request.body,
  };
}

function keptHeaders(headers: WebhookRequest['headers']): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !CREDENTIALS.has(name)) kept[name] = value;
  }
  return kept;
}
