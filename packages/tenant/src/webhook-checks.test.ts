import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadTenant, problemsOf, problemText, type WebhookSource } from './index.ts';
import { isNetwork } from './webhook-checks.ts';

const valid = new URL('../testdata/valid', import.meta.url).pathname;
const OWN = `    scheme: waybill-hmac
    secrets:
      k1: secret://files/valid-haulage/webhook#k1
`;
let root = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'waybill-webhook-source-'));
});
after(() => rm(root, { recursive: true }));

/** The valid folder with these lines in the place of its push source's scheme and secrets. */
async function folderWith(lines: string): Promise<string> {
  const dir = await mkdtemp(join(root, 't-'));
  await cp(valid, dir, { recursive: true });
  const file = join(dir, 'tenant.yaml');
  const text = await readFile(file, 'utf8');
  assert.ok(text.includes(OWN));
  const indented = lines.replaceAll(/^(?=.)/gm, '    ');
  await writeFile(file, text.replace(OWN, `${indented}\n`));
  return dir;
}

async function sourceOf(lines: string): Promise<WebhookSource> {
  const { model } = await loadTenant(await folderWith(lines));
  const source = model.sources.find((candidate) => candidate.kind === 'webhook');
  assert.ok(source?.kind === 'webhook');
  return source;
}

async function problemsWith(lines: string): Promise<string[]> {
  try {
    await loadTenant(await folderWith(lines));
    return [];
  } catch (error) {
    return problemsOf(error).map(problemText);
  }
}

const SECRETS = 'secrets: { k1: "secret://files/x#k1" }';
const ISSUER = `scheme: oauth2
oauth2:
  issuer: https://id.example
  audience: waybill
  jwks_uri: https://id.example/jwks
  clients: [gateway]`;

test('a source of each scheme is read, with defaults', async () => {
  for (const scheme of [
    'standard-webhooks',
    'stripe',
    'github',
    'samsara',
    'motive',
    'oauth2-own',
  ]) {
    const source = await sourceOf(`scheme: ${scheme}\n${SECRETS}`);
    assert.deepEqual([source.scheme, source.tolerance_s], [scheme, 300]);
  }
  const unsigned = await sourceOf(`scheme: unsigned\n${SECRETS}\nallowlist: [203.0.113.0/24]`);
  assert.deepEqual(unsigned.allowlist, ['203.0.113.0/24']);
  const foreign = await sourceOf(ISSUER);
  assert.deepEqual(foreign.secrets, {});
  assert.deepEqual(foreign.oauth2?.algorithms, ['RS256', 'PS256', 'ES256', 'EdDSA']);
  assert.equal(foreign.oauth2.token_type, 'at+jwt');
});

const print = '0f'.repeat(32);
const cases: readonly (readonly [string, string, RegExp])[] = [
  ['a scheme with a typo', `scheme: samsra\n${SECRETS}`, /found "samsra"; did you mean samsara\?/],
  ['a signing source without a secret', 'scheme: samsara', /secrets: .*needs a secret/],
  ['a literal among the secrets', 'scheme: motive\nsecrets: { k1: geheim }', /not shown/],
  [
    'a path secret alone',
    `scheme: unsigned\n${SECRETS}`,
    /allowlist: .*stands in many logs.*; add/,
  ],
  ['a foreign issuer that is not described', 'scheme: oauth2', /oauth2: .*know the issuer/],
  ['secrets for a foreign issuer', `${ISSUER}\n${SECRETS}`, /secrets: .*public keys/],
  [
    'an issuer nobody looks at',
    ISSUER.replace('scheme: oauth2', `${SECRETS}\nscheme: stripe`),
    /does not look at oauth2/,
  ],
  [
    'keys over plain HTTP',
    ISSUER.replace('https://id.example/jwks', 'http://id.example/jwks'),
    /jwks_uri: expected an https/,
  ],
  [
    'a shared key at a foreign issuer',
    `${ISSUER}\n  algorithms: [HS256]`,
    /algorithms\.0: .*found "HS256"/,
  ],
  [
    'an allowlist with a typo',
    `scheme: motive\n${SECRETS}\nallowlist: [203.0.113.0/33]`,
    /allowlist\.0: .*CIDR/,
  ],
  [
    'a fingerprint of another length',
    `scheme: motive\n${SECRETS}\nclient_fingerprints: ["${print.slice(2)}"]`,
    /client_fingerprints\.0: expected 32 bytes/,
  ],
];
for (const [name, lines, expected] of cases) {
  test(`${name} is refused with the way out`, async () => {
    const problems = await problemsWith(lines);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', expected);
    assert.ok(!problems.join().includes('geheim'));
  });
}

test('client certificates take the place of an allowlist; fingerprints may have colons', async () => {
  const colons = print.replaceAll(/(..)(?=.)/g, '$1:');
  for (const demanded of [`client_fingerprints: ["${colons}"]`, 'client_subjects: ["CN=gw-1"]']) {
    assert.deepEqual(await problemsWith(`scheme: unsigned\n${SECRETS}\n${demanded}`), []);
  }
});

test('networks are addresses or CIDR of both families', () => {
  for (const network of ['203.0.113.7', '0.0.0.0/0', '2001:db8::/32', '::1', '::/0']) {
    assert.ok(isNetwork(network), network);
  }
  for (const other of ['', 'x', '203.0.113', '1.2.3.4/', '1.2.3.4/33', '::1/129', '1.2.3.4/8/8']) {
    assert.ok(!isNetwork(other), other);
  }
});
