import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { dialects, type DialectName } from '../dialects.ts';
import { sign } from '../sign.ts';
import { diagnose, type Diagnosis } from './diagnose.ts';
import { findings, type FindingCode } from './finding.ts';

const NOW = 1698570000;
const SECRET = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'b3RoZXIgc2VjcmV0IG9mIGFub3RoZXI=';
const body =
  '{"event":"trip.status.changed","id":"evt_1","data":{"trip_id":"T/9","note":"façade"}}';
const value = JSON.parse(body) as unknown;

interface Case {
  readonly codes: readonly FindingCode[];
  readonly dialect?: DialectName;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly secret?: string;
  readonly now?: number;
}

function run({
  dialect = 'waybill-hmac',
  headers,
  body: bytes = body,
  secret = SECRET,
  now = NOW,
}: Case): Diagnosis {
  return diagnose({
    dialect: dialects[dialect],
    headers,
    body: Buffer.from(bytes),
    secrets: [
      { name: 'k1', secret, isOwn: true },
      { name: 'secret of dispatch', secret: OTHER, isOwn: false },
    ],
    clock: { nowMs: now * 1000, toleranceS: 300 },
  });
}

function mac(key: string | Buffer, signed: string | Buffer, hash = 'sha256'): string {
  return createHmac(hash, key).update(signed).digest('hex');
}

const ours = (s: string, t: number | string = NOW): Record<string, string> => ({
  'x-signature': `t=${t},s=sha256=${s}`,
});
const signed = (text: string, key: string | Buffer = SECRET): Record<string, string> =>
  ours(mac(key, `${NOW}.${text}`));
const good = mac(SECRET, `${NOW}.${body}`);
const python =
  '{"event": "trip.status.changed", "id": "evt_1", "data": {"trip_id": "T/9", "note": "fa\\u00e7ade"}}';
const seed = 'whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=';

const cases: Readonly<Record<string, Case>> = {
  'a good request': { codes: [], headers: ours(good) },
  'a clock an hour behind': { codes: ['clock_skew'], headers: ours(good), now: NOW + 3600 },
  'a clock ahead': { codes: ['clock_skew'], headers: ours(good), now: NOW - 500 },
  'no header': { codes: ['header_missing'], headers: {} },
  'half of a header': {
    codes: ['header_malformed'],
    headers: { 'x-signature': `s=sha256=${good}` },
  },
  'the header of another dialect, rightly signed': {
    codes: ['wrong_dialect'],
    headers: sign(dialects.samsara, { t: String(NOW) }, keysOf('samsara'), Buffer.from(body)),
  },
  'the header of another dialect': {
    codes: ['wrong_dialect'],
    headers: { 'stripe-signature': `t=${NOW},v1=${'0'.repeat(64)}` },
  },
  'time in milliseconds': {
    codes: ['time_unit'],
    headers: ours(mac(SECRET, `${NOW}000.${body}`), `${NOW}000`),
  },
  'time signed in milliseconds, sent in seconds': {
    codes: ['time_unit'],
    headers: ours(mac(SECRET, `${NOW}000.${body}`)),
  },
  'a cut signature': {
    codes: ['header_malformed', 'signature_truncated'],
    headers: ours(good.slice(0, 40)),
  },
  'base64 instead of hexadecimal': {
    codes: ['header_malformed', 'signature_encoding'],
    headers: ours(Buffer.from(good, 'hex').toString('base64')),
  },
  'base64 of the URL kind': {
    codes: ['header_malformed', 'signature_encoding'],
    headers: ours(Buffer.from(mac(SECRET, `${NOW}.${body}`), 'hex').toString('base64url')),
  },
  'no label': { codes: ['header_malformed'], headers: { 'x-signature': `t=${NOW},s=${good}` } },
  'SHA-1': {
    codes: ['header_malformed', 'hash_wrong'],
    headers: ours(mac(SECRET, `${NOW}.${body}`, 'sha1')),
  },
  'SHA-512': {
    codes: ['header_malformed', 'hash_wrong'],
    headers: ours(mac(SECRET, `${NOW}.${body}`, 'sha512')),
  },
  'a line feed after the secret': {
    codes: ['secret_whitespace'],
    headers: signed(body, `${SECRET}\n`),
  },
  'a secret that was kept with a space': {
    codes: ['secret_whitespace'],
    headers: signed(body, SECRET),
    secret: ` ${SECRET} `,
  },
  'quotes around the secret': {
    codes: ['secret_whitespace'],
    headers: signed(body, `"${SECRET}"`),
  },
  'a secret that was decoded': {
    codes: ['secret_encoding'],
    headers: signed(body, Buffer.from(SECRET, 'base64')),
  },
  'a secret that was decoded from hexadecimal': {
    codes: ['secret_encoding'],
    headers: signed(body, Buffer.from('00ff00ff00ff00ff', 'hex')),
    secret: '00ff00ff00ff00ff',
  },
  'a vendor secret that was not decoded': {
    codes: ['secret_encoding'],
    dialect: 'samsara',
    headers: {
      'x-samsara-timestamp': `${NOW}`,
      'x-samsara-signature': `v1=${mac(SECRET, `v1:${NOW}:${body}`)}`,
    },
  },
  'the secret of another source': { codes: ['secret_other'], headers: signed(body, OTHER) },
  'a secret nobody knows': { codes: ['secret_unknown'], headers: signed(body, 'unknown') },
  'no dot': { codes: ['signed_form'], headers: ours(mac(SECRET, `${NOW}${body}`)) },
  'a colon': { codes: ['signed_form'], headers: ours(mac(SECRET, `${NOW}:${body}`)) },
  'body before time': { codes: ['signed_form'], headers: ours(mac(SECRET, `${body}.${NOW}`)) },
  'the body alone': { codes: ['signed_form'], headers: ours(mac(SECRET, body)) },
  'the hash of the body': {
    codes: ['signed_form'],
    headers: signed(createHash('sha256').update(body).digest('hex')),
  },
  'a time asked for twice': {
    codes: ['signed_form'],
    headers: ours(mac(SECRET, `${NOW - 1}.${body}`)),
  },
  'a line feed that got lost': { codes: ['body_newline'], headers: signed(`${body}\n`) },
  'a line feed that was added': {
    codes: ['body_newline'],
    headers: signed(body),
    body: `${body}\n`,
  },
  'line ends that were changed': {
    codes: ['body_newline'],
    headers: signed('{\r\n"a":1\r\n}'),
    body: '{\n"a":1\n}',
  },
  'a body signed compact, sent indented': {
    codes: ['body_serialised'],
    headers: signed(body),
    body: JSON.stringify(value, null, 2),
  },
  'a body signed indented, sent compact': {
    codes: ['body_serialised'],
    headers: signed(JSON.stringify(value, null, 4)),
  },
  'a body as Python writes it': { codes: ['body_serialised'], headers: signed(python) },
  'a body as PHP writes it': {
    codes: ['body_serialised'],
    headers: signed(body.replaceAll('/', '\\/')),
  },
  'names in another order': {
    codes: ['body_serialised'],
    headers: signed(
      '{"data":{"note":"façade","trip_id":"T/9"},"event":"trip.status.changed","id":"evt_1"}',
    ),
  },
  'Latin-1': {
    codes: ['body_encoding'],
    headers: ours(mac(SECRET, Buffer.from(`${NOW}.${body}`, 'latin1'))),
  },
  'an empty body': { codes: ['body_missing'], headers: signed('') },
  'a body that was cut': {
    codes: ['body_truncated'],
    headers: signed(body),
    body: body.slice(0, 50),
  },
  'a length that does not fit': {
    codes: ['body_truncated'],
    headers: { ...signed('what was sent'), 'content-length': '999' },
  },
  'two mistakes: a decoded secret and a line feed': {
    codes: ['secret_encoding', 'body_newline'],
    headers: signed(`${body}\n`, Buffer.from(SECRET, 'base64')),
  },
  'three, of which one is the encoding of the signature': {
    codes: ['header_malformed', 'body_newline', 'signed_form', 'signature_encoding'],
    headers: ours(createHmac('sha256', SECRET).update(`${body}\n`).digest('base64')),
  },
  'a vendor without a time': {
    codes: ['body_newline'],
    dialect: 'motive',
    headers: { 'x-kt-webhook-signature': mac(SECRET, `${body}\n`, 'sha1') },
  },
  'Standard Webhooks with an undecoded secret': {
    codes: ['secret_encoding'],
    dialect: 'standard-webhooks',
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': `${NOW}`,
      'webhook-signature': `v1,${createHmac('sha256', `whsec_${SECRET}`).update(`msg_1.${NOW}.${body}`).digest('base64')}`,
    },
    secret: `whsec_${SECRET}`,
  },
  'Standard Webhooks in hexadecimal': {
    codes: ['header_malformed', 'signature_encoding'],
    dialect: 'standard-webhooks',
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': `${NOW}`,
      'webhook-signature': `v1,${mac(Buffer.from(SECRET, 'base64'), `msg_1.${NOW}.${body}`)}`,
    },
    secret: `whsec_${SECRET}`,
  },
  'an Ed25519 signature of another body': {
    codes: ['secret_unknown'],
    dialect: 'standard-webhooks',
    headers: sign(
      dialects['standard-webhooks'],
      { t: String(NOW), id: 'msg_1' },
      [dialects['standard-webhooks'].key(seed)].flatMap((key) => key ?? []),
      Buffer.from('other'),
    ),
    secret: seed,
  },
};

function keysOf(name: DialectName): Parameters<typeof sign>[2] {
  return [dialects[name].key(SECRET)].flatMap((key) => key ?? []);
}

for (const [name, one] of Object.entries(cases)) {
  test(`${name}: ${one.codes.join(', ') || 'nothing is wrong'}`, () => {
    const { findings: found } = run(one);
    assert.deepEqual(
      found.map((entry) => entry.code),
      one.codes,
      found.map((entry) => entry.what).join('\n'),
    );
    const text = JSON.stringify(found);
    for (const secret of [SECRET, OTHER, one.secret ?? SECRET])
      assert.ok(!text.includes(secret.trim()));
  });
}

test('every kind of finding is among the cases', () => {
  const seen = new Set(Object.values(cases).flatMap((one) => one.codes));
  assert.deepEqual(
    Object.keys(findings).filter((code) => !seen.has(code as FindingCode)),
    [],
  );
});

test('an hour of skew is recognised as a time zone', () => {
  const { findings: found } = run({ codes: [], headers: ours(good), now: NOW + 7203 });
  assert.match(found[0]?.what ?? '', /7203 s old.*local time taken for UTC/);
});
