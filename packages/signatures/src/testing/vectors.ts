// Signature vectors for everybody: made with node:crypto alone, from the signed bytes written out, so
// that they do not repeat a mistake of the dialects that they test. `testdata/signature-vectors.json` is
// what comes out; README.md says how to read it.
import { createHmac, createPrivateKey, sign } from 'node:crypto';
import type { SignatureReason } from '../verify.ts';

/** One request and what a receiver must make of it. */
export interface Vector {
  readonly name: string;
  readonly dialect: string;
  /** Where the example is published; absent: ours. */
  readonly published?: string;
  /** Valid secrets by key id. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** UTF-8. */
  readonly body: string;
  /** The receiver's clock, unix seconds. */
  readonly now: number;
  readonly tolerance_s: number;
  readonly expected: { readonly key_id: string } | { readonly refused: SignatureReason };
}

type Changes = Partial<Omit<Vector, 'dialect'>> & Pick<Vector, 'name' | 'expected'>;

const valid = { key_id: 'k1' };
const wrong = { refused: 'signature_wrong' } as const;
const malformed = { refused: 'signature_malformed' } as const;
const missing = { refused: 'signature_missing' } as const;

const event =
  '{"event":"trip.status.changed","id":"evt_123","data":{"trip_id":"T-9001","status":"arrived","site_id":"CUST-77","ts":"2025-10-29T14:01:00Z"}}';
const other = '{"note":"façade, 東京, 🚚"}';
const t = 1698570000;

type Encoding = 'hex' | 'base64';

function hmac(key: string | Buffer, signed: string, encoding: Encoding, hash = 'sha256'): string {
  return createHmac(hash, key).update(signed, 'utf8').digest(encoding);
}

/** Vectors of one dialect: a good request, and what each of `cases` changes in it. */
function family(dialect: string, good: Omit<Vector, 'name' | 'dialect' | 'expected'>) {
  return (cases: readonly Changes[]): Vector[] =>
    [{ name: 'good', expected: valid }, ...cases].map(({ name, expected, ...changes }) => ({
      ...good,
      ...changes,
      name: `${dialect}: ${name}`,
      dialect,
      expected,
    }));
}

/** Without one header. */
function without(
  headers: Readonly<Record<string, string>>,
  name: string,
): { readonly headers: Record<string, string> } {
  return { headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) };
}

/** The time cases that every dialect with a time has. */
function clocks(signedAt: number): Changes[] {
  return [
    { name: '300 s old', now: signedAt + 300, expected: valid },
    { name: '301 s old', now: signedAt + 301, expected: { refused: 'too_old' } },
    { name: '300 s ahead', now: signedAt - 300, expected: valid },
    { name: '301 s ahead', now: signedAt - 301, expected: { refused: 'in_future' } },
    {
      name: 'old and wrong is wrong',
      now: signedAt + 9999,
      body: 'other bytes',
      expected: wrong,
    },
  ];
}

interface MemberStyle {
  readonly dialect: string;
  readonly header: string;
  /** Text before the hex digits. */
  readonly member: string;
  readonly secrets: readonly [string, string];
}

/** `t=…,<member><hex>` over `<t>.<body>`. */
function members({ dialect, header, member, secrets: [one, two] }: MemberStyle): Vector[] {
  const mac = hmac(one, `${t}.${event}`, 'hex');
  const second = hmac(two, `${t}.${event}`, 'hex');
  const zeros = '0'.repeat(64);
  const send = (text: string): Pick<Vector, 'headers'> => ({ headers: { [header]: text } });
  const good = send(`t=${t},${member}${mac}`);
  const common = { secrets: { k1: one }, body: event, now: t, tolerance_s: 300 };
  const empty = hmac(one, `${t}.`, 'hex');
  const wide = hmac(one, `${t}.${other}`, 'hex');
  return family(dialect, { ...common, ...good })([
    ...clocks(t),
    {
      name: 'capital hex digits',
      ...send(`t=${t},${member}${mac.toUpperCase()}`),
      expected: valid,
    },
    {
      name: 'the second secret during a rotation',
      secrets: { k1: two, k2: one },
      expected: { key_id: 'k2' },
    },
    {
      name: 'first signature wrong, second right',
      ...send(`t=${t},${member}${zeros},${member}${mac}`),
      expected: valid,
    },
    {
      name: 'signed with both secrets, receiver knows one',
      ...send(`t=${t},${member}${second},${member}${mac}`),
      expected: valid,
    },
    {
      name: 'five signatures',
      ...send([`t=${t}`, ...Array<string>(4).fill(`${member}${zeros}`), member + mac].join(',')),
      expected: valid,
    },
    {
      name: 'six signatures',
      ...send([`t=${t}`, ...Array<string>(5).fill(`${member}${zeros}`), member + mac].join(',')),
      expected: malformed,
    },
    { name: 'members in another order', ...send(`${member}${mac},t=${t}`), expected: valid },
    { name: 'spaces around members', ...send(`t=${t} , ${member}${mac}`), expected: valid },
    { name: 'an unknown member', ...send(`t=${t},x=1,${member}${mac}`), expected: valid },
    {
      name: 'characters outside ASCII',
      ...send(`t=${t},${member}${wide}`),
      body: other,
      expected: valid,
    },
    { name: 'empty body', ...send(`t=${t},${member}${empty}`), body: '', expected: valid },
    { name: 'one byte more', body: `${event}\n`, expected: wrong },
    { name: 'one byte less', body: event.slice(0, -1), expected: wrong },
    { name: 'time one second later', ...send(`t=${t + 1},${member}${mac}`), expected: wrong },
    { name: 'leading zero in t', ...send(`t=0${t},${member}${mac}`), expected: wrong },
    { name: 'another secret', secrets: { k1: two }, expected: wrong },
    { name: 'no secret', secrets: {}, expected: wrong },
    { name: 'no header', headers: {}, expected: missing },
    { name: 'empty header', ...send(''), expected: malformed },
    { name: '63 hex digits', ...send(`t=${t},${member}${mac.slice(1)}`), expected: malformed },
    { name: '65 hex digits', ...send(`t=${t},${member}${mac}0`), expected: malformed },
    { name: 'time in words', ...send(`t=abc,${member}${mac}`), expected: malformed },
    { name: 'time in milliseconds', ...send(`t=${t}000,${member}${mac}`), expected: malformed },
    { name: 'negative time', ...send(`t=-${t},${member}${mac}`), expected: malformed },
    { name: 'time twice', ...send(`t=${t},t=${t},${member}${mac}`), expected: malformed },
    { name: 'no time', ...send(`${member}${mac}`), expected: malformed },
    { name: 'no signature', ...send(`t=${t}`), expected: malformed },
    {
      name: 'base64 instead of hex',
      ...send(`t=${t},${member}${hmac(one, `${t}.${event}`, 'base64')}`),
      expected: malformed,
    },
  ]);
}

function ed25519(seed: string, signed: string): string {
  const der = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.from(seed, 'base64'),
  ]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return sign(null, Buffer.from(signed, 'utf8'), key).toString('base64');
}

function standardWebhooks(): Vector[] {
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
  const at = 1614265330;
  const body = '{"test": 2432232314}';
  const key = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const mac = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
  const seed = 'VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=';
  const asymmetric =
    'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==';
  const published = 'standard-webhooks/standard-webhooks, tests of libraries/';
  const headers = { 'webhook-id': id, 'webhook-timestamp': `${at}`, 'webhook-signature': mac };
  const change = (changes: Record<string, string>): Pick<Vector, 'headers'> => ({
    headers: { ...headers, ...changes },
  });
  const signed = (text: string): Pick<Vector, 'headers'> => change({ 'webhook-signature': text });
  const stale = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';
  const raw = Buffer.from(key, 'base64');
  const evt = `v1,${hmac(raw, `evt_123.${t}.${event}`, 'base64')}`;
  // Public key of the published seed, in the form that a receiver is given.
  const publicKey = 'whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=';
  const common = { secrets: { k1: `whsec_${key}` }, body, now: at, tolerance_s: 300 };
  return family('standard-webhooks', { ...common, headers })([
    { name: 'published v1', published, expected: valid },
    {
      name: 'published v1a',
      published,
      secrets: { k1: `whsk_${seed}` },
      ...signed(asymmetric),
      expected: valid,
    },
    {
      name: 'v1a with the public key alone',
      secrets: { k1: publicKey },
      ...signed(asymmetric),
      expected: valid,
    },
    {
      name: 'v1a of another seed',
      secrets: { k1: publicKey },
      ...signed(`v1a,${ed25519(Buffer.alloc(32, 7).toString('base64'), `${id}.${at}.${body}`)}`),
      expected: wrong,
    },
    { name: 'v1 where only v1a is known', secrets: { k1: publicKey }, expected: wrong },
    ...clocks(at),
    { name: 'secret without prefix', secrets: { k1: key }, expected: valid },
    {
      name: 'signatures with a wrong v1, a v2 and a v1a around the right one',
      ...signed(`${stale} ${stale.replace('v1,', 'v2,')} ${mac} ${asymmetric}`),
      expected: valid,
    },
    {
      name: 'another id and body',
      headers: { 'webhook-id': 'evt_123', 'webhook-timestamp': `${t}`, 'webhook-signature': evt },
      body: event,
      now: t,
      expected: valid,
    },
    { name: 'one byte more', body: `${body} `, expected: wrong },
    { name: 'another id', ...change({ 'webhook-id': `${id}x` }), expected: wrong },
    { name: 'another time', ...change({ 'webhook-timestamp': `${at + 1}` }), expected: wrong },
    { name: 'another secret', secrets: { k1: `whsec_${seed}` }, expected: wrong },
    { name: 'a secret that is no base64', secrets: { k1: 'whsec_!' }, expected: wrong },
    { name: 'stale signature', ...signed(stale), expected: wrong },
    { name: 'no id', ...without(headers, 'webhook-id'), expected: missing },
    { name: 'no time', ...without(headers, 'webhook-timestamp'), expected: missing },
    { name: 'no signature', ...without(headers, 'webhook-signature'), expected: missing },
    { name: 'time is no number', ...change({ 'webhook-timestamp': 'hello' }), expected: malformed },
    { name: 'partial signature', ...signed('v1,'), expected: malformed },
    { name: 'signature without version', ...signed(mac.slice(3)), expected: malformed },
    { name: 'signature cut short', ...signed(mac.slice(0, -8)), expected: malformed },
    { name: 'an unknown version alone', ...signed(mac.replace('v1', 'v9')), expected: malformed },
    { name: 'id with a dot', ...change({ 'webhook-id': 'a.b' }), expected: malformed },
    { name: 'empty id', ...change({ 'webhook-id': '' }), expected: malformed },
  ]);
}

interface PlainStyle {
  readonly dialect: string;
  readonly header: string;
  readonly label: string;
  readonly hash: 'sha256' | 'sha1';
  readonly published: string;
  readonly secret: string;
  readonly body: string;
  readonly mac: string;
}

/** One hexadecimal MAC over the body alone; the good one is published. */
function plain(style: PlainStyle): Vector[] {
  const { dialect, header, label, hash, published, secret, body, mac } = style;
  const send = (text: string): Pick<Vector, 'headers'> => ({ headers: { [header]: text } });
  const common = { secrets: { k1: secret }, body, now: t, tolerance_s: 300 };
  const longer = label + hmac(secret, event, 'hex', hash);
  return family(dialect, { ...common, ...send(label + mac) })([
    { name: 'published', published, expected: valid },
    { name: 'another body', ...send(longer), body: event, expected: valid },
    { name: 'there is no time, so age does not matter', now: t + 1_000_000, expected: valid },
    { name: 'capital hex digits', ...send(label + mac.toUpperCase()), expected: valid },
    {
      name: 'the second secret during a rotation',
      secrets: { k1: 'other', k2: secret },
      expected: { key_id: 'k2' },
    },
    {
      name: 'empty body',
      ...send(label + hmac(secret, '', 'hex', hash)),
      body: '',
      expected: valid,
    },
    { name: 'one byte more', body: `${body}\n`, expected: wrong },
    { name: 'another secret', secrets: { k1: 'other' }, expected: wrong },
    { name: 'the signature taken for the key', secrets: { k1: mac }, expected: wrong },
    { name: 'no header', headers: {}, expected: missing },
    { name: 'cut short', ...send((label + mac).slice(0, -1)), expected: malformed },
    {
      name: 'another hash',
      ...send(label + hmac(secret, body, 'hex', hash === 'sha1' ? 'sha256' : 'sha1')),
      expected: malformed,
    },
  ]);
}

function samsara(): Vector[] {
  const secret = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const key = Buffer.from(secret, 'base64');
  const mac = hmac(key, `v1:${t}:${event}`, 'hex');
  const headers = { 'x-samsara-timestamp': `${t}`, 'x-samsara-signature': `v1=${mac}` };
  const common = { secrets: { k1: secret }, body: event, now: t, tolerance_s: 300 };
  const change = (changes: Record<string, string>): Pick<Vector, 'headers'> => ({
    headers: { ...headers, ...changes },
  });
  const text = hmac(secret, `v1:${t}:${event}`, 'hex');
  return family('samsara', { ...common, headers })([
    ...clocks(t),
    {
      name: 'capital hex digits',
      ...change({ 'x-samsara-signature': `v1=${mac.toUpperCase()}` }),
      expected: valid,
    },
    {
      name: 'signed with the text of the secret instead of what it stands for',
      ...change({ 'x-samsara-signature': `v1=${text}` }),
      expected: wrong,
    },
    { name: 'another time', ...change({ 'x-samsara-timestamp': `${t + 1}` }), expected: wrong },
    { name: 'one byte more', body: `${event} `, expected: wrong },
    { name: 'a secret that is no base64', secrets: { k1: 'not base64!' }, expected: wrong },
    { name: 'no time', ...without(headers, 'x-samsara-timestamp'), expected: missing },
    { name: 'no signature', ...without(headers, 'x-samsara-signature'), expected: missing },
    { name: 'no version', ...change({ 'x-samsara-signature': mac }), expected: malformed },
    {
      name: 'time in milliseconds',
      ...change({ 'x-samsara-timestamp': `${t}000` }),
      expected: malformed,
    },
  ]);
}

/** All vectors, in the order of the file. */
export function makeVectors(): Vector[] {
  return [
    ...members({
      dialect: 'waybill-hmac',
      header: 'x-signature',
      member: 's=sha256=',
      secrets: ['whk_test_secret_0123456789abcdef', 'whk_test_secret_rotated_9876543210'],
    }),
    ...standardWebhooks(),
    ...members({
      dialect: 'stripe',
      header: 'stripe-signature',
      member: 'v1=',
      secrets: ['whsec_test', 'whsec_other'],
    }),
    ...plain({
      dialect: 'github',
      header: 'x-hub-signature-256',
      label: 'sha256=',
      hash: 'sha256',
      published: 'docs.github.com, Validating webhook deliveries',
      secret: "It's a Secret to Everybody",
      body: 'Hello, World!',
      mac: '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    }),
    ...samsara(),
    ...plain({
      dialect: 'motive',
      header: 'x-kt-webhook-signature',
      label: '',
      hash: 'sha1',
      published: 'developer.gomotive.com/reference/company-webhooks-overview',
      secret: 'd9d36bea41c44ae49d1bfc4a48ba2abe',
      body: '["fault_code_closed"]',
      mac: 'f04a8386a21a6cba0447024e83b3f0983352bb72',
    }),
  ];
}
