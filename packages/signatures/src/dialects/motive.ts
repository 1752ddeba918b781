import type { Dialect } from '../dialect.ts';
import { textKey } from '../key.ts';
import { readHeader, readHex, toHex } from '../mac-text.ts';

const form = { header: 'x-kt-webhook-signature', label: '' };

/**
 * Motive (KeepTruckin): `X-KT-Webhook-Signature: <hex>`, HMAC-SHA1 over the body alone; no time, no id.
 * The shell line in the vendor's page takes the signature for the key; the example itself is right.
 */
export const motive: Dialect = {
  name: 'motive',
  origin: 'Motive developer portal, "Company webhooks overview"; published example there',
  headers: [form.header],
  stamp: [],
  algorithm: 'sha1',
  prefix: () => '',
  read: (headers) => readHeader(headers, form.header, (text) => readHex(form, 'sha1', text)),
  write: (_stamp, [signature]) => ({
    [form.header]: signature === undefined ? '' : toHex(signature),
  }),
  key: textKey,
};
