import {
  MAX_HEADER_LENGTH,
  MAX_SIGNATURES,
  UNIX_SECONDS,
  stamped,
  type Dialect,
  type Reading,
  type Signature,
} from '../dialect.ts';
import { bytesKey, decodeBase64, ed25519PrivateKey, ed25519PublicKey, type Key } from '../key.ts';
import { fromBase64 } from '../mac-text.ts';

const ID = 'webhook-id';
const TIMESTAMP = 'webhook-timestamp';
const SIGNATURE = 'webhook-signature';

/** Without dots, or another split of the signed bytes into id and time would fit too. */
const MESSAGE_ID = /^[\x21-\x2d\x2f-\x7e]{1,255}$/;

/** Bounds of the specification for the bytes of an HMAC key. */
const KEY_BYTES = { minimum: 24, maximum: 64 };

const HEADERS = [ID, TIMESTAMP, SIGNATURE] as const;

/**
 * Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp` (unix seconds), `webhook-signature` with
 * `v1,<base64>` (HMAC-SHA256) or `v1a,<base64>` (Ed25519), separated by spaces, over `<id>.<time>.<body>`.
 */
export const standardWebhooks: Dialect = {
  name: 'standard-webhooks',
  origin:
    'Standard Webhooks 1.0.0; published examples (v1, v1a) in the tests of its reference libraries',
  headers: [SIGNATURE],
  stamp: ['t', 'id'],
  algorithm: 'sha256',
  prefix: (stamp) => `${stamped(stamp, 'id')}.${stamped(stamp, 't')}.`,
  read,
  write: (stamp, signatures) => ({
    [ID]: stamped(stamp, 'id'),
    [TIMESTAMP]: stamped(stamp, 't'),
    [SIGNATURE]: signatures.map(text).join(' '),
  }),
  key,
};

function read(headers: Readonly<Record<string, string | undefined>>): Reading {
  const [id, t, texts] = HEADERS.map((name) => headers[name]);
  if (id === undefined || t === undefined || texts === undefined) {
    const header = HEADERS.find((name) => headers[name] === undefined) ?? SIGNATURE;
    return { kind: 'missing', header };
  }
  const malformed = (header: string, expected: string): Reading => ({
    kind: 'malformed',
    header,
    expected,
  });
  if (!MESSAGE_ID.test(id)) return malformed(ID, '1 to 255 printable characters without a dot');
  if (!UNIX_SECONDS.test(t)) return malformed(TIMESTAMP, 'whole seconds since 1970');
  if (texts.length > MAX_HEADER_LENGTH) {
    return malformed(SIGNATURE, `at most ${MAX_HEADER_LENGTH} characters`);
  }
  const signatures = texts.split(' ').flatMap((part) => parse(part) ?? []);
  if (signatures.length === 0) {
    return malformed(SIGNATURE, 'v1,<base64 of 32 bytes> or v1a,<base64 of 64 bytes>');
  }
  if (signatures.length > MAX_SIGNATURES) {
    return malformed(SIGNATURE, `at most ${MAX_SIGNATURES} signatures`);
  }
  return { kind: 'read', stamp: { id, t }, signatures };
}

/** Undefined for versions that are not known; they are passed over. */
function parse(part: string): Signature | undefined {
  const comma = part.indexOf(',');
  const encoded = part.slice(comma + 1);
  switch (part.slice(0, comma)) {
    case 'v1':
      return fromBase64('sha256', encoded);
    case 'v1a':
      return fromBase64('ed25519', encoded);
    default:
      return undefined;
  }
}

function text({ algorithm, bytes }: Signature): string {
  return `${algorithm === 'ed25519' ? 'v1a' : 'v1'},${bytes.toString('base64')}`;
}

/** `[whsec_]<base64>` for HMAC, `whpk_<base64>` and `whsk_<base64>` for Ed25519. */
function key(secret: string): Key | undefined {
  const [, prefix, encoded = ''] = /^(whsec_|whsk_|whpk_)?(.*)$/.exec(secret) ?? [];
  const bytes = decodeBase64(encoded);
  if (bytes === undefined) return undefined;
  if (prefix === 'whsk_') return ed25519PrivateKey(bytes);
  if (prefix === 'whpk_') return ed25519PublicKey(bytes);
  const fits = bytes.length >= KEY_BYTES.minimum && bytes.length <= KEY_BYTES.maximum;
  return fits ? bytesKey(bytes) : undefined;
}
