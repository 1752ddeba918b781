import { toFault } from '@waybill/fault';
import type { WebhookRequest } from './adapters/http-server.ts';
import { guessingNetwork } from './adapters/allowlist.ts';
import { matchingSecret } from './adapters/matching-secret.ts';
import type { OwnTokens } from './adapters/own-tokens.ts';
import type { SourceGate } from './adapters/source-gate.ts';
import type { ReadSourceSecrets } from './adapters/source-secrets.ts';
import { auditRow } from './audit-refusal.ts';
import { refusalAnswer, type Answer, type Refusal } from './core/answer.ts';
import { denied } from './core/denial.ts';
import { guessBrake, guessersOf } from './core/guess-brake.ts';
import { sourceAddress, type SourceAddress } from './core/source-address.ts';
import { parseTokenRequest, type TokenError, type TokenRequest } from './core/token-request.ts';
import type { IngestMetrics } from './metrics.ts';
import type { Logger, RefusalLog, SourceDirectory } from './ports.ts';
import { unavailable } from './proof.ts';

export interface TokenPorts {
  readonly tokens: OwnTokens;
  readonly sources: SourceDirectory;
  readonly secretsOf: ReadSourceSecrets;
  readonly gate: SourceGate;
  readonly refusals: Pick<RefusalLog, 'record'>;
  readonly metrics: Pick<IngestMetrics, 'tokenAnswered' | 'unauthenticated' | 'error'>;
  readonly logger: Logger;
  readonly now: () => number;
}

interface Issued {
  readonly kind: 'issued';
  readonly token: string;
  readonly client: SourceAddress;
  readonly keyId: string;
}

/** `POST /oauth/token`, RFC 6749, 4.4: clients are the sources of scheme oauth2-own, `<tenant>/<source>`. */
export function createTokenHandler(
  ports: TokenPorts,
): (request: WebhookRequest) => Promise<Answer> {
  const brake = guessBrake();
  return async (request) => {
    const { headers, body } = request;
    const asked = parseTokenRequest(body.toString('latin1'), headers['authorization']);
    if (typeof asked === 'string') {
      ports.metrics.tokenAnswered('refused');
      return errorAnswer(asked);
    }
    const guessers = guessersOf(asked.clientId, guessingNetwork(request.clientAddress));
    const waitS = brake.attempt(guessers, ports.now());
    if (waitS > 0) return brakedAnswer(waitS, request, ports);
    const result = await issue(asked, request, ports).catch((error: unknown): Refusal => {
      const fault = toFault(error, 'decide');
      ports.metrics.error(fault);
      ports.logger.error({ http_request_id: request.id, err: fault }, 'token.failed');
      return unavailable('token_key_unreadable');
    });
    if (result.kind === 'issued' || result.code !== 'UNAUTHENTICATED') {
      brake.succeeded(guessers, ports.now());
    }
    return answer(result, asked, request, ports);
  };
}

/** Not looked at, and not in the audit: what led here stands there. */
function brakedAnswer(
  waitS: number,
  { id, clientAddress }: WebhookRequest,
  { metrics, logger }: TokenPorts,
): Answer {
  metrics.tokenAnswered('braked');
  const fields = { http_request_id: id, client_address: clientAddress, outcome: 'braked' };
  logger.warn(fields, 'token.answered');
  return json(429, { error: 'slow_down' }, { 'retry-after': String(waitS) });
}

async function issue(
  asked: TokenRequest,
  request: WebhookRequest,
  ports: TokenPorts,
): Promise<Issued | Refusal> {
  const client = sourceAddress(undefined, asked.clientId);
  const source = client && ports.sources.find(client);
  if (client === undefined || source?.scheme !== 'oauth2-own') return denied('client_unknown');
  const gated = ports.gate(request, source);
  if (gated !== undefined) return gated;
  const { secrets, unreadable } = await ports.secretsOf(source);
  const keyId = matchingSecret(asked.clientSecret, secrets);
  if (keyId === undefined) {
    return unreadable > 0 ? unavailable('secret_unreadable') : denied('client_secret_wrong');
  }
  return { kind: 'issued', token: await ports.tokens.issue(client, keyId), client, keyId };
}

function answer(
  result: Issued | Refusal,
  asked: TokenRequest,
  request: WebhookRequest,
  { tokens, refusals, metrics, logger, now }: TokenPorts,
): Answer {
  const wide = { http_request_id: request.id, client_address: request.clientAddress };
  if (result.kind === 'issued') {
    const { client, keyId, token } = result;
    metrics.tokenAnswered('issued');
    const fields = { tenant_id: client.tenantId, source_id: client.sourceId, key_id: keyId };
    logger.info({ ...wide, ...fields, outcome: 'issued' }, 'token.answered');
    return json(200, { access_token: token, token_type: 'Bearer', expires_in: tokens.lifeS });
  }
  const { code, reason } = result;
  logger.warn({ ...wide, outcome: 'refused', code, reason }, 'token.answered');
  if (code !== 'UNAUTHENTICATED') {
    metrics.tokenAnswered('failed');
    return refusalAnswer(result);
  }
  metrics.tokenAnswered('refused');
  metrics.unauthenticated(reason ?? 'unknown');
  refusals.record(auditRow({ ...request, path: asked.clientId }, result, now()));
  return errorAnswer('invalid_client');
}

function errorAnswer(error: TokenError): Answer {
  return error === 'invalid_client'
    ? json(401, { error }, { 'www-authenticate': 'Basic realm="waybill"' })
    : json(400, { error });
}

function json(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}
