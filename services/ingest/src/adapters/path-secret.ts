import { hash, timingSafeEqual } from 'node:crypto';
import { denied } from '../core/denial.ts';
import type { Logger } from '../ports.ts';
import { unavailable, type ProofCheck } from '../proof.ts';
import type { KeyedSecret, ReadSourceSecrets } from './source-secrets.ts';

/** Shorter ones could be guessed. */
const MIN_BITS = 128;

/**
 * Senders that cannot sign: the last segment of the path is one of the secrets. The body proves nothing,
 * so the verdict is UNSIGNED, and repeats are known by the body.
 */
export function pathSecretCheck(ports: {
  readonly secretsOf: ReadSourceSecrets;
  readonly logger: Logger;
}): ProofCheck {
  return async ({ pathSecret, body }, source) => {
    const { secrets, unreadable } = await ports.secretsOf(source);
    const usable = secrets.filter(({ secret }) => bitsOf(secret) >= MIN_BITS);
    for (const { keyId } of secrets.filter((known) => !usable.includes(known))) {
      const expected = `at least ${MIN_BITS} bits in letters, digits, - and _`;
      ports.logger.error({ key_id: keyId, expected }, 'secret.unusable');
    }
    if (pathSecret === undefined) return denied('path_secret_missing');
    const keyId = matchingSecret(pathSecret, usable);
    if (keyId === undefined) {
      if (unreadable > 0 || usable.length < secrets.length) return unavailable('secret_unreadable');
      return denied(secrets.length === 0 ? 'secret_missing' : 'path_secret_wrong');
    }
    const derivedKey = hash('sha256', body, 'hex');
    return { kind: 'proof', verdict: 'UNSIGNED', keyId, derivedKey, signed: undefined };
  };
}

/** Key id of the secret that equals the text. Hashes are compared: equal lengths, constant time. */
export function matchingSecret(text: string, secrets: readonly KeyedSecret[]): string | undefined {
  const given = hash('sha256', text, 'buffer');
  let match: string | undefined;
  for (const { keyId, secret } of secrets) {
    if (timingSafeEqual(given, hash('sha256', secret, 'buffer'))) match ??= keyId;
  }
  return match;
}

/** Most bits that a text of this alphabet and length can hold; 0 when it cannot stand in a path. */
function bitsOf(secret: string): number {
  if (/^[0-9a-f]+$/i.test(secret)) return secret.length * 4;
  return /^[A-Za-z0-9_-]+$/.test(secret) ? secret.length * 6 : 0;
}
