import type { RefusalCode } from './answer.ts';

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

export type ParsedKey =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

/** The key without the quotes that the structured-field form has; both forms are in use. */
export function parseIdempotencyKey(header: string | undefined): ParsedKey {
  const text = (header ?? '').trim();
  const quoted = text.length >= 2 && text.startsWith('"') && text.endsWith('"');
  const key = quoted ? text.slice(1, -1) : text;
  if (text === '') return { kind: 'refused', code: 'IDEMPOTENCY_KEY_MISSING' };
  if (!PRINTABLE.test(key)) return { kind: 'refused', code: 'IDEMPOTENCY_KEY_INVALID' };
  return { kind: 'key', key };
}
