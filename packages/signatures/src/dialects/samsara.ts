import { UNIX_SECONDS, stamped, type Dialect } from '../dialect.ts';
import { bytesKey, decodeBase64 } from '../key.ts';
import { readHex, toHex } from '../mac-text.ts';

const TIMESTAMP = 'x-samsara-timestamp';
const form = { header: 'x-samsara-signature', label: 'v1=' };

/**
 * `X-Samsara-Timestamp` (unix seconds) and `X-Samsara-Signature: v1=<hex>`, HMAC-SHA256 over
 * `v1:<time>:<body>`. The key is what the base64 of the secret stands for.
 */
export const samsara: Dialect = {
  name: 'samsara',
  origin: 'Samsara developer documentation, "Webhook signatures"; no published example',
  headers: [form.header],
  stamp: ['t'],
  algorithm: 'sha256',
  prefix: (stamp) => `v1:${stamped(stamp, 't')}:`,
  read: (headers) => {
    const t = headers[TIMESTAMP];
    const text = headers[form.header];
    if (text === undefined) return { kind: 'missing', header: form.header };
    if (t === undefined) return { kind: 'missing', header: TIMESTAMP };
    if (!UNIX_SECONDS.test(t)) {
      return { kind: 'malformed', header: TIMESTAMP, expected: 'whole seconds since 1970' };
    }
    const reading = readHex(form, 'sha256', text);
    return reading.kind === 'read' ? { ...reading, stamp: { t } } : reading;
  },
  write: (stamp, [signature]) => ({
    [TIMESTAMP]: stamped(stamp, 't'),
    [form.header]: signature === undefined ? '' : `v1=${toHex(signature)}`,
  }),
  key: (secret) => {
    const bytes = decodeBase64(secret);
    return bytes && bytesKey(bytes);
  },
};
