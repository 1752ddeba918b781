import { isDialectName } from '@waybill/signatures';
import type { WebhookSource } from '@waybill/tenant';
import { networks } from './adapters/allowlist.ts';
import type { WebhookRequest } from './adapters/http-server.ts';
import { pathSecretCheck } from './adapters/path-secret.ts';
import { pretendCheck, signatureCheck } from './adapters/signature.ts';
import { sourceSecrets } from './adapters/source-secrets.ts';
import type { Refusal } from './core/answer.ts';
import { denied } from './core/denial.ts';
import { sourceAddress, type SourceAddress } from './core/source-address.ts';
import type { IngestMetrics } from './metrics.ts';
import type { Logger, SecretStore, SourceDirectory } from './ports.ts';
import { unavailable, type Proof, type ProofCheck } from './proof.ts';

/** Who sent a request, as far as its source demands proof. */
export interface Authenticated extends Omit<Proof, 'kind'> {
  readonly kind: 'authenticated';
  readonly address: SourceAddress;
  readonly source: WebhookSource;
}

/**
 * Decides who sent a request. A refusal carries code, reason and detail for log, metric and audit; only
 * UNAVAILABLE means that the sender may be genuine and should repeat. Never rejects.
 */
export type Authenticate = (
  request: WebhookRequest,
  receivedTime: number,
) => Promise<Authenticated | Refusal>;

export interface AuthenticatorPorts {
  readonly sources: SourceDirectory;
  readonly secrets: SecretStore;
  readonly metrics: Pick<IngestMetrics, 'authenticated'>;
  readonly logger: Logger;
  readonly now: () => number;
}

export interface AuthenticatorOptions {
  /** How long read secrets may be used before they are read again, ms. */
  readonly secretsMaxAgeMs: number;
}

/** The order: source, place (address, certificate), proof. Without a source nobody is authenticated. */
export function createAuthenticator(
  ports: AuthenticatorPorts,
  options: AuthenticatorOptions,
): Authenticate {
  const checkOf = schemes(ports, options);
  const isAllowed = allowlists();
  return async (request, receivedTime) => {
    const address = sourceAddress(request.path, request.headers['x-waybill-source']);
    const source = address && ports.sources.find(address);
    if (address === undefined || source === undefined) {
      pretendCheck(request);
      return denied('source_unknown');
    }
    if (!isAllowed(source, request.clientAddress)) {
      return denied('address_not_allowed', request.clientAddress);
    }
    const check = checkOf(source);
    if (check === undefined) return unavailable('scheme_unknown');
    const proof = await check(request, source, receivedTime);
    if (proof.kind === 'refused') return proof;
    ports.metrics.authenticated({
      tenant: address.tenantId,
      source: address.sourceId,
      key: proof.keyId ?? 'none',
    });
    return { ...proof, kind: 'authenticated', address, source };
  };
}

/** How each scheme is checked; undefined for one that this version of the software does not know. */
function schemes(
  ports: AuthenticatorPorts,
  options: AuthenticatorOptions,
): (source: WebhookSource) => ProofCheck | undefined {
  const secretsOf = sourceSecrets(ports, options.secretsMaxAgeMs);
  const signature = signatureCheck({ secretsOf, logger: ports.logger });
  const pathSecret = pathSecretCheck({ secretsOf, logger: ports.logger });
  return ({ scheme }) => {
    if (isDialectName(scheme)) return signature;
    return scheme === 'unsigned' ? pathSecret : undefined;
  };
}

/** The allowlist of a source, parsed once for each version of its tenant file. */
function allowlists(): (source: WebhookSource, address: string) => boolean {
  const parsed = new WeakMap<WebhookSource, (address: string) => boolean>();
  return (source, address) => {
    if (source.allowlist === undefined) return true;
    let allows = parsed.get(source);
    if (allows === undefined) {
      allows = networks(source.allowlist);
      parsed.set(source, allows);
    }
    return allows(address);
  };
}
