import { hash } from 'node:crypto';

/** 32 hex digits of SHA-256 over the parts, each preceded by its length so that no two lists collide. */
export function hashId(...parts: readonly (string | number)[]): string {
  let text = '';
  for (const part of parts) {
    const s = String(part);
    text += `${s.length}:${s}`;
  }
  return hash('sha256', text, 'hex').slice(0, 32);
}

/** 16 hex digits; for fingerprints in events and logs, never for identity. */
export function shortHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}

/** 64 hex digits of SHA-256 over bytes: fingerprint of a raw body. */
export function bodyHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
