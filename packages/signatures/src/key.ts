import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { shortMac, type ShortMac } from './hmac-sha256.ts';

/** A secret, ready for use. */
export type Key =
  | { readonly kind: 'hmac'; readonly key: KeyObject; readonly sha256: ShortMac }
  | { readonly kind: 'ed25519'; readonly publicKey: KeyObject; readonly privateKey?: KeyObject };

/** DER before the 32 bytes of an Ed25519 key (RFC 8410). */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_BYTES = 32;

/** The bytes of the text itself, as UTF-8. Undefined for an empty one. */
export function textKey(secret: string): Key | undefined {
  return secret === '' ? undefined : bytesKey(Buffer.from(secret, 'utf8'));
}

export function bytesKey(bytes: Buffer): Key {
  return { kind: 'hmac', key: createSecretKey(bytes), sha256: shortMac(bytes) };
}

/** Strict: no other characters, right padding, no bits left over. */
export function decodeBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** From the seed (RFC 8032); can sign. Undefined when it has another length. */
export function ed25519PrivateKey(seed: Buffer): Key | undefined {
  if (seed.length !== ED25519_BYTES) return undefined;
  const der = Buffer.concat([PRIVATE_DER, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { kind: 'ed25519', privateKey, publicKey: createPublicKey(privateKey) };
}

export function ed25519PublicKey(bytes: Buffer): Key | undefined {
  if (bytes.length !== ED25519_BYTES) return undefined;
  const der = Buffer.concat([PUBLIC_DER, bytes]);
  return {
    kind: 'ed25519',
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
  };
}
