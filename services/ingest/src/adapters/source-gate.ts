import type { WebhookSource } from '@waybill/tenant';
import type { Refusal } from '../core/answer.ts';
import { denied } from '../core/denial.ts';
import { networks } from './allowlist.ts';
import type { WebhookRequest } from './http-server.ts';

/** From where and with which client certificate a source may come; undefined = nothing against it. */
export type SourceGate = (
  request: Pick<WebhookRequest, 'clientAddress' | 'clientCertificate'>,
  source: WebhookSource,
) => Refusal | undefined;

/** Allowlists are parsed once for each version of a tenant file. */
export function sourceGate(): SourceGate {
  const parsed = new WeakMap<readonly string[], (address: string) => boolean>();
  const isAllowed = (allowlist: readonly string[], address: string): boolean => {
    let allows = parsed.get(allowlist);
    if (allows === undefined) {
      allows = networks(allowlist);
      parsed.set(allowlist, allows);
    }
    return allows(address);
  };
  return ({ clientAddress, clientCertificate }, source) => {
    const { allowlist, client_fingerprints: prints, client_subjects: subjects } = source;
    if (allowlist !== undefined && !isAllowed(allowlist, clientAddress)) {
      return denied('address_not_allowed', clientAddress);
    }
    if (prints === undefined && subjects === undefined) return undefined;
    if (clientCertificate === undefined) return denied('certificate_missing');
    const { fingerprint, subject, isTrusted } = clientCertificate;
    const isPinned = prints?.some((print) => plainHex(print) === plainHex(fingerprint)) ?? false;
    // Anybody can make a certificate with any subject: only our authority's word counts.
    const isNamed = isTrusted && (subjects?.includes(subject) ?? false);
    return isPinned || isNamed
      ? undefined
      : denied('certificate_wrong', `${fingerprint} ${subject}`);
  };
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}
