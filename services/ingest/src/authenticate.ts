import type { WebhookSource } from '@waybill/tenant';
import { matchingKey, type KeyedSecret } from './adapters/signature.ts';
import type { Refusal } from './core/answer.ts';
import { checkTime, parseSignature } from './core/x-signature.ts';
import type { Logger, SecretStore } from './ports.ts';

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

export interface Authenticated {
  readonly kind: 'authenticated';
  readonly keyId: string;
  readonly t: string;
  /** Greatest distance of the signed time from now, s. */
  readonly toleranceS: number;
}

export interface Credentials {
  /** undefined when the request names none that we know. */
  readonly source: WebhookSource | undefined;
  /** X-Signature as sent. */
  readonly signature: string | undefined;
  readonly body: Uint8Array;
  /** ms since epoch. */
  readonly receivedTime: number;
}

/**
 * Signature first, then time, so that an answer's duration does not tell a valid old signature from a
 * wrong one. When no readable secret matches and one cannot be read, the answer is UNAVAILABLE: a
 * genuine sender must repeat instead of giving up.
 */
export async function authenticate(
  request: Credentials,
  ports: { readonly secrets: SecretStore; readonly logger: Logger },
): Promise<Authenticated | Refusal> {
  const { source } = request;
  if (request.signature === undefined) return denied('signature_missing');
  const header = parseSignature(request.signature);
  if (header === undefined) return denied('signature_malformed');
  const { secrets, unreadable } = await readSecrets(source, ports);
  const keyId = matchingKey(header, request.body, secrets);
  if (source === undefined) return denied('source_unknown');
  if (keyId === undefined) {
    return unreadable > 0
      ? { kind: 'refused', code: 'UNAVAILABLE', reason: 'secret_unreadable' }
      : denied('signature_wrong');
  }
  const time = checkTime(header.t, request.receivedTime, source.tolerance_s);
  if (time !== 'in_time') return denied(time);
  return { kind: 'authenticated', keyId, t: header.t, toleranceS: source.tolerance_s };
}

async function readSecrets(
  source: WebhookSource | undefined,
  ports: { readonly secrets: SecretStore; readonly logger: Logger },
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
