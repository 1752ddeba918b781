import { stamped, type Dialect } from '../dialect.ts';
import { textKey } from '../key.ts';
import { readHeader, readMembers, writeMembers } from '../mac-text.ts';

const form = { header: 'stripe-signature', member: 'v1', label: '' };

/**
 * `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=…]`, HMAC-SHA256 over `<t>.<body>`. The key is the whole
 * text of the secret, `whsec_` included.
 */
export const stripe: Dialect = {
  name: 'stripe',
  origin: 'Stripe documentation, "Verify webhook signatures manually"; no published example',
  headers: [form.header],
  stamp: ['t'],
  algorithm: 'sha256',
  prefix: (stamp) => `${stamped(stamp, 't')}.`,
  read: (headers) => readHeader(headers, form.header, (text) => readMembers(form, text)),
  write: (stamp, signatures) => writeMembers(form, stamp, signatures),
  key: textKey,
};
