import type { WebhookSource } from '@waybill/tenant';
import type { WebhookRequest } from './adapters/http-server.ts';
import { matchingKey, signedSha256, type KeyedSecret } from './adapters/signature.ts';
import type { Refusal } from './core/answer.ts';
import { sourceAddress, type SourceAddress } from './core/source-address.ts';
import { checkTime, parseSignature } from './core/x-signature.ts';
import type { Logger, SecretStore, SourceDirectory } from './ports.ts';

/** Why a request is not authenticated; the sender gets none of it. */
export type DenialReason =
  | 'source_unknown'
  | 'signature_missing'
  | 'signature_malformed'
  | 'signature_wrong'
  | 'too_old'
  | 'in_future'
  | 'replayed';

export function denied(reason: DenialReason): Refusal {
  return { kind: 'refused', code: 'UNAUTHENTICATED', reason };
}

/** Signed bytes that must not come again under another key. */
export interface SignedBytes {
  /** Hex; the same for the same bytes, whoever signed them and however often. */
  readonly sha256: string;
  /** From when on they are refused by their age anyway; ms since epoch. */
  readonly endsTime: number;
}

/** Who sent a request, as far as its source demands proof. */
export interface Authenticated {
  readonly kind: 'authenticated';
  readonly address: SourceAddress;
  readonly source: WebhookSource;
  /** What the raw record says. */
  readonly verdict: 'VERIFIED' | 'UNSIGNED';
  /** Which of the valid secrets matched; null where there is none. */
  readonly keyId: string | null;
  /**
   * Stands for the Idempotency-Key of senders that have none: made of what is signed, so that it cannot
   * be changed on the way. Undefined: the header is required.
   */
  readonly derivedKey: string | undefined;
  /** Undefined where nothing is signed, or where the key is derived from what is signed. */
  readonly signed: SignedBytes | undefined;
}

/**
 * Decides who sent a request. A refusal carries code and reason for log, metric and audit; only
 * UNAVAILABLE means that the sender may be genuine and should repeat. Never rejects.
 */
export type Authenticate = (
  request: WebhookRequest,
  receivedTime: number,
) => Promise<Authenticated | Refusal>;

export interface AuthenticatorPorts {
  readonly sources: SourceDirectory;
  readonly secrets: SecretStore;
  readonly logger: Logger;
}

/**
 * Signature first, then time, so that an answer's duration does not tell a valid old signature from a
 * wrong one. When no readable secret matches and one cannot be read, the answer is UNAVAILABLE: a
 * genuine sender must repeat instead of giving up.
 */
export function createAuthenticator(ports: AuthenticatorPorts): Authenticate {
  return async ({ path, headers, body }, receivedTime) => {
    const address = sourceAddress(path, headers['x-waybill-source']);
    const source = address && ports.sources.find(address);
    const text = headers['x-signature'];
    if (text === undefined) return denied('signature_missing');
    const header = parseSignature(text);
    if (header === undefined) return denied('signature_malformed');
    const { secrets, unreadable } = await readSecrets(source, ports);
    const keyId = matchingKey(header, body, secrets);
    if (address === undefined || source === undefined) return denied('source_unknown');
    if (keyId === undefined) {
      return unreadable > 0
        ? { kind: 'refused', code: 'UNAVAILABLE', reason: 'secret_unreadable' }
        : denied('signature_wrong');
    }
    const time = checkTime(header.t, receivedTime, source.tolerance_s);
    if (time !== 'in_time') return denied(time);
    return {
      kind: 'authenticated',
      address,
      source,
      verdict: 'VERIFIED',
      keyId,
      derivedKey: undefined,
      signed: {
        sha256: signedSha256(header.t, body),
        // One second more: the time check works on whole seconds.
        endsTime: (Number(header.t) + source.tolerance_s + 1) * 1000,
      },
    };
  };
}

async function readSecrets(
  source: WebhookSource | undefined,
  ports: Pick<AuthenticatorPorts, 'secrets' | 'logger'>,
): Promise<{ readonly secrets: readonly KeyedSecret[]; readonly unreadable: number }> {
  const secrets: KeyedSecret[] = [];
  let unreadable = 0;
  for (const [keyId, reference] of Object.entries(source?.secrets ?? {})) {
    try {
      secrets.push({ keyId, secret: await ports.secrets(reference) });
    } catch (error) {
      unreadable += 1;
      ports.logger.error({ key_id: keyId, err: error }, 'secret.unreadable');
    }
  }
  return { secrets, unreadable };
}
