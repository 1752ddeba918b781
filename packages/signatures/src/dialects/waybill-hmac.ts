import { stamped, type Dialect } from '../dialect.ts';
import { textKey } from '../key.ts';
import { readHeader, readMembers, writeMembers } from '../mac-text.ts';

const form = { header: 'x-signature', member: 's', label: 'sha256=' };

/** Ours: `X-Signature: t=<unix seconds>,s=sha256=<hex>[,s=…]`, HMAC-SHA256 over `<t>.<body>`. */
export const waybillHmac: Dialect = {
  name: 'waybill-hmac',
  origin: 'our own scheme; examples in testdata/signature-vectors.json',
  headers: [form.header],
  stamp: ['t'],
  algorithm: 'sha256',
  prefix: (stamp) => `${stamped(stamp, 't')}.`,
  read: (headers) => readHeader(headers, form.header, (text) => readMembers(form, text)),
  write: (stamp, signatures) => writeMembers(form, stamp, signatures),
  key: textKey,
};
