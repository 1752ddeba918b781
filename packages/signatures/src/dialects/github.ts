import type { Dialect } from '../dialect.ts';
import { textKey } from '../key.ts';
import { readHeader, readHex, toHex } from '../mac-text.ts';

const form = { header: 'x-hub-signature-256', label: 'sha256=' };

/**
 * `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 over the body alone. There is no time, and
 * `X-GitHub-Delivery` is not signed: repeats are known by the body.
 */
export const github: Dialect = {
  name: 'github',
  origin: 'GitHub documentation, "Validating webhook deliveries"; published example there',
  headers: [form.header, 'x-hub-signature'],
  stamp: [],
  algorithm: 'sha256',
  prefix: () => '',
  read: (headers) => readHeader(headers, form.header, (text) => readHex(form, 'sha256', text)),
  write: (_stamp, [signature]) => ({
    [form.header]: signature === undefined ? '' : `sha256=${toHex(signature)}`,
  }),
  key: textKey,
};
