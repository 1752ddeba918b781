import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SignatureHeader } from '../core/x-signature.ts';

/** A secret under its key id. */
export interface KeyedSecret {
  readonly keyId: string;
  readonly secret: string;
}

/** Takes the place of the secrets of a source that does not exist, so that its refusal takes as long. */
const decoy: readonly KeyedSecret[] = [{ keyId: '', secret: randomBytes(32).toString('hex') }];

/**
 * Key id of the secret with which one of the MACs over `<t>.<body>` was made; undefined when there is
 * none. Every secret is tried with every MAC, so the time says nothing about which one nearly matched.
 */
export function matchingKey(
  header: SignatureHeader,
  body: Uint8Array,
  secrets: readonly KeyedSecret[],
): string | undefined {
  const candidates = header.macs.map((mac) => Buffer.from(mac, 'hex'));
  let match: string | undefined;
  for (const { keyId, secret } of secrets.length > 0 ? secrets : decoy) {
    const expected = createHmac('sha256', secret).update(`${header.t}.`).update(body).digest();
    for (const candidate of candidates) {
      // Both have 32 bytes: the parser lets only 64 hex digits pass.
      if (timingSafeEqual(expected, candidate)) match ??= keyId;
    }
  }
  return secrets.length > 0 ? match : undefined;
}

/** Hex of SHA-256 over the signed bytes. */
export function signedSha256(t: string, body: Uint8Array): string {
  return createHash('sha256').update(`${t}.`).update(body).digest('hex');
}

/** Hex of SHA-256. */
export function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
