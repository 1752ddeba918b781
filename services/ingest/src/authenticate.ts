import { isDialectName } from '@waybill/signatures';
import type { WebhookSource } from '@waybill/tenant';
import type { WebhookRequest } from './adapters/http-server.ts';
import { pretendCheck } from './adapters/signature.ts';
import type { SourceGate } from './adapters/source-gate.ts';
import type { Refusal } from './core/answer.ts';
import { denied } from './core/denial.ts';
import { sourceAddress, type SourceAddress } from './core/source-address.ts';
import type { IngestMetrics } from './metrics.ts';
import type { SourceDirectory } from './ports.ts';
import { unavailable, type Proof, type ProofCheck } from './proof.ts';

/** Who sent a request, as far as its source demands proof. */
export interface Authenticated extends Omit<Proof, 'kind'> {
  readonly kind: 'authenticated';
  readonly address: SourceAddress;
  readonly source: WebhookSource;
}

/**
 * Decides who sent a request. A refusal carries code, reason and detail for log, metric and audit; only
 * UNAVAILABLE means that the sender may be genuine and should repeat. Never rejects; a promise only where
 * something has to be waited for.
 */
export type Authenticate = (
  request: WebhookRequest,
  receivedTime: number,
) => Authenticated | Refusal | Promise<Authenticated | Refusal>;

/** One check per kind of scheme; undefined where this process cannot do it. */
export interface ProofChecks {
  readonly signature: ProofCheck;
  readonly pathSecret: ProofCheck;
  readonly foreignToken: ProofCheck;
  readonly ownToken: ProofCheck | undefined;
}

export interface AuthenticatorPorts {
  readonly sources: SourceDirectory;
  readonly gate: SourceGate;
  readonly checks: ProofChecks;
  readonly metrics: Pick<IngestMetrics, 'authenticated'>;
}

/** The order: source, gate (address, certificate), proof. Without a source nobody is authenticated. */
export function createAuthenticator(ports: AuthenticatorPorts): Authenticate {
  const known = (
    proof: Proof | Refusal,
    address: SourceAddress,
    source: WebhookSource,
  ): Authenticated | Refusal => {
    if (proof.kind === 'refused') return proof;
    ports.metrics.authenticated(source, {
      tenant: address.tenantId,
      source: address.sourceId,
      key: proof.keyId ?? 'none',
    });
    const { verdict, keyId, derivedKey, stamp } = proof;
    return { kind: 'authenticated', address, source, verdict, keyId, derivedKey, stamp };
  };
  return (request, receivedTime) => {
    const address = sourceAddress(request.path, request.headers['x-waybill-source']);
    const source = address && ports.sources.find(address);
    if (address === undefined || source === undefined) {
      pretendCheck(request);
      return denied('source_unknown');
    }
    const gated = ports.gate(request, source);
    if (gated !== undefined) return gated;
    const check = checkOf(source, ports.checks);
    if (check === undefined) return unavailable('scheme_not_configured');
    const proof = check(request, source, receivedTime);
    return proof instanceof Promise
      ? proof.then((settled) => known(settled, address, source))
      : known(proof, address, source);
  };
}

function checkOf({ scheme }: WebhookSource, checks: ProofChecks): ProofCheck | undefined {
  if (isDialectName(scheme)) return checks.signature;
  switch (scheme) {
    case 'unsigned':
      return checks.pathSecret;
    case 'oauth2':
      return checks.foreignToken;
    case 'oauth2-own':
      return checks.ownToken;
    default:
      return undefined;
  }
}
