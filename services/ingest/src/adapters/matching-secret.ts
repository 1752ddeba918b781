import { hash, timingSafeEqual } from 'node:crypto';
import type { KeyedSecret } from './source-secrets.ts';

/** Key id of the secret that equals the text. Hashes are compared: equal lengths, constant time. */
export function matchingSecret(text: string, secrets: readonly KeyedSecret[]): string | undefined {
  const given = hash('sha256', text, 'buffer');
  let match: string | undefined;
  for (const { keyId, secret } of secrets) {
    if (timingSafeEqual(given, hash('sha256', secret, 'buffer'))) match ??= keyId;
  }
  return match;
}
