// Bearer tokens through the real door: a foreign issuer (a real OAuth2 server), and our own end point.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { SignJWT, UnsecuredJWT, generateKeyPair } from 'jose';
import { OAuth2Server } from 'oauth2-mock-server';
import { testDatabase, until, type TestDatabase } from '@waybill/testkit';
import type { WebhookSource } from '@waybill/tenant';
import {
  eventBody,
  post,
  pushSource,
  recordsOf,
  refusalsOf,
  startHarness,
  type Harness,
} from './testing/harness.ts';

const AUDIENCE = 'https://waybill.example/webhooks';
const TOKEN_KEY = 'a shared key of at least thirty-two characters'.replaceAll(' ', '-');
const OLD_KEY = 'another shared key, which was in force before'.replaceAll(' ', '-');

let database: TestDatabase;
let issuer: OAuth2Server;
let ingest: Harness;

before(async () => {
  database = await testDatabase();
});
after(() => database.stop());
beforeEach(async () => {
  issuer = new OAuth2Server();
  await issuer.issuer.keys.generate('RS256', { kid: 'first' });
  await issuer.start(0, '127.0.0.1');
  ingest = await startOne();
});
afterEach(async () => {
  await ingest.service.stop();
  if (issuer.listening) await issuer.stop();
});

async function startOne(): Promise<Harness> {
  const harness = await startHarness({
    databaseUrl: database.url,
    config: { INGEST_TOKEN_KEY: 'secret://files/test#token_key' },
  });
  harness.secrets.set('token_key', `${TOKEN_KEY} ${OLD_KEY}`).set('client', 'client-geheim');
  harness.addSources(
    foreignSource(),
    foreignSource({ source_id: 'scoped', oauth2: issuerOf({ scope: 'events.write' }) }),
    pushSource('small', { scheme: 'oauth2-own', secrets: { c1: 'secret://files/test#client' } }),
  );
  return harness;
}

type Issuer = NonNullable<WebhookSource['oauth2']>;

function issuerOf(changes: Partial<Issuer> = {}): Issuer {
  return {
    issuer: issuer.issuer.url ?? '',
    audience: AUDIENCE,
    jwks_uri: `${issuer.issuer.url}/jwks`,
    clients: ['fleet-gateway'],
    algorithms: ['RS256', 'ES256'],
    token_type: 'at+jwt',
    clock_tolerance_s: 30,
    max_token_age_s: 3600,
    ...changes,
  };
}

function foreignSource(changes: Partial<WebhookSource> = {}): WebhookSource {
  return pushSource('partner', {
    scheme: 'oauth2',
    secrets: {},
    oauth2: issuerOf(),
    ...changes,
  });
}

type Claims = Record<string, unknown>;

/** A token as the issuer gives it to its client, with changes. */
function tokenOf(changes: Claims = {}, header: Claims = {}, kid?: string): Promise<string> {
  return issuer.issuer.buildToken({
    kid,
    scopesOrTransform: (head, payload) => {
      Object.assign(head, { typ: 'at+jwt' }, header);
      Object.assign(payload, { aud: AUDIENCE, client_id: 'fleet-gateway' }, changes);
    },
  });
}

async function push(
  token: string | undefined,
  source = 'partner',
  harness = ingest,
): Promise<Response> {
  return post(harness, {
    body: eventBody(randomUUID()),
    signature: null,
    source: `bay-cabs/${source}`,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
}

async function reasonOf(response: Response): Promise<unknown> {
  assert.equal(response.status, 401);
  assert.equal(await response.text(), '');
  const id = response.headers.get('request-id') ?? '';
  const row = await until('the audit to be written', async () => (await refusalsOf(ingest, id))[0]);
  return row['reason'];
}

test('a token fetched with client credentials opens the source that names the client', async () => {
  issuer.service.once('beforeTokenSigning', (token: { header: Claims; payload: Claims }) => {
    token.header['typ'] = 'at+jwt';
    Object.assign(token.payload, { aud: AUDIENCE, client_id: 'fleet-gateway' });
  });
  const answer = await fetch(`${issuer.issuer.url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('fleet-gateway:geheim')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const response = await push(token);
  assert.equal(response.status, 200, await response.text());
  const [record] = recordsOf(ingest.log);
  assert.deepEqual([record?.verdict, record?.key_id], ['VERIFIED', 'fleet-gateway']);
  assert.equal(record?.headers['authorization'], undefined);
  assert.ok(!JSON.stringify(ingest.lines).includes(token));
});

test('whatever is wrong with a token gives a bare 401 and its reason in the audit', async () => {
  const now = Math.floor(Date.now() / 1000);
  const { privateKey } = await generateKeyPair('RS256');
  const ofStranger = (header: Claims): Promise<string> =>
    new SignJWT({ client_id: 'fleet-gateway' })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...header })
      .setIssuer(issuer.issuer.url ?? '')
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const good = await tokenOf();
  const cases: readonly (readonly [reason: string, token: string | undefined])[] = [
    ['token_missing', undefined],
    ['token_malformed', 'no.jwt'],
    ['token_malformed', 'a.b.c'],
    ['token_expired', await tokenOf({ exp: now - 60, iat: now - 300 })],
    ['token_expired', await tokenOf({ iat: now - 7200, exp: now + 300 })],
    ['token_not_yet_valid', await tokenOf({ nbf: now + 120 })],
    ['token_not_yet_valid', await tokenOf({ iat: now + 120, exp: now + 300 })],
    ['token_issuer_wrong', await tokenOf({ iss: 'https://other.example' })],
    ['token_audience_wrong', await tokenOf({ aud: 'https://other.example' })],
    ['token_type_wrong', await tokenOf({}, { typ: 'JWT' })],
    ['token_claim_missing', await tokenOf({ exp: undefined })],
    ['token_signature_wrong', await ofStranger({ kid: 'first' })],
    ['token_signature_wrong', `${good.slice(0, -6)}AAAAAA`],
    ['token_key_unknown', await ofStranger({ kid: 'never-published' })],
    [
      'token_algorithm_refused',
      new UnsecuredJWT({ client_id: 'fleet-gateway', aud: AUDIENCE }).encode(),
    ],
    [
      // The classic: the public key as the secret of an HMAC.
      'token_algorithm_refused',
      await new SignJWT({ client_id: 'fleet-gateway', aud: AUDIENCE })
        .setProtectedHeader({ alg: 'HS256', kid: 'first', typ: 'at+jwt' })
        .sign(Buffer.from('public-key-of-the-issuer-as-a-text')),
    ],
  ];
  for (const [reason, token] of cases) assert.equal(await reasonOf(await push(token)), reason);
  assert.equal(ingest.log.sent.length, 0);
});

test('a valid token of another client, or without the scope, learns that it is not enough', async () => {
  for (const [token, source] of [
    [await tokenOf({ client_id: 'somebody' }), 'partner'],
    [await tokenOf({ client_id: undefined, azp: 'somebody' }), 'partner'],
    [await tokenOf({ scope: 'events.read' }), 'scoped'],
    [await tokenOf(), 'scoped'],
  ] as const) {
    const response = await push(token, source);
    assert.equal(response.status, 403);
    assert.match(await response.text(), /"code":"FORBIDDEN"/);
  }
  for (const claims of [
    { scope: 'events.read events.write' },
    { scp: 'events.write' },
    { roles: ['events.write'] },
    { client_id: undefined, azp: 'fleet-gateway', scope: 'events.write' },
  ]) {
    assert.equal((await push(await tokenOf(claims), 'scoped')).status, 200);
  }
});

test('a key that the issuer adds later works without a restart', async () => {
  assert.equal((await push(await tokenOf())).status, 200);
  await issuer.issuer.keys.generate('ES256', { kid: 'second' });
  // The first request for keys was a moment ago; the issuer is not asked twice in 30 s.
  ingest.clock = Date.now() + 31_000;
  assert.equal((await push(await tokenOf({}, {}, 'second'))).status, 200);
});

test('while the issuer is away, known keys work and unknown ones are closed', async () => {
  const token = await tokenOf();
  const never = await startOne();
  try {
    assert.equal((await push(token)).status, 200);
    await issuer.stop();
    assert.equal((await push(token)).status, 200);
    assert.equal((await push(token, 'partner', never)).status, 503);
    assert.ok(never.lines.some(({ msg }) => msg === 'issuer.unreachable'));
  } finally {
    await never.service.stop();
  }
});

async function fetchToken(
  changes: { readonly form?: Record<string, string>; readonly basic?: string } = {},
  harness = ingest,
): Promise<Response> {
  return fetch(new URL('/oauth/token', harness.url), {
    method: 'POST',
    headers: changes.basic === undefined ? {} : { authorization: `Basic ${btoa(changes.basic)}` },
    body: new URLSearchParams(
      changes.form ?? {
        grant_type: 'client_credentials',
        client_id: 'bay-cabs/small',
        client_secret: 'client-geheim',
      },
    ),
  });
}

async function ownToken(): Promise<string> {
  const answer = await fetchToken();
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { access_token: string }).access_token;
}

test('our own end point gives a client a token that every instance accepts', async () => {
  const answer = await fetchToken({
    form: { grant_type: 'client_credentials' },
    basic: 'bay-cabs%2Fsmall:client-geheim',
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const token = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual([token['token_type'], token['expires_in']], ['Bearer', 600]);
  const other = await startOne();
  try {
    assert.equal((await push(String(token['access_token']), 'small', other)).status, 200);
    const [record] = recordsOf(other.log);
    assert.deepEqual([record?.verdict, record?.key_id], ['VERIFIED', 'c1']);
  } finally {
    await other.service.stop();
  }
});

test('the end point answers as RFC 6749 says, and the audit knows more', async () => {
  const form = {
    grant_type: 'client_credentials',
    client_id: 'bay-cabs/small',
    client_secret: 'client-geheim',
  };
  const cases: readonly (readonly [number, string, Parameters<typeof fetchToken>[0]])[] = [
    [400, 'unsupported_grant_type', { form: { ...form, grant_type: 'password' } }],
    [400, 'invalid_request', { form: { client_id: 'x' } }],
    [400, 'invalid_request', { form, basic: 'bay-cabs%2Fsmall:client-geheim' }],
    [401, 'invalid_client', { form: { ...form, client_secret: 'client-falsch' } }],
    [401, 'invalid_client', { form: { ...form, client_id: 'bay-cabs/nobody' } }],
    [401, 'invalid_client', { form: { ...form, client_id: 'bay-cabs/dispatch' } }],
    [401, 'invalid_client', { form: { grant_type: 'client_credentials' } }],
  ];
  for (const [status, error, request] of cases) {
    const answer = await fetchToken(request);
    assert.equal(answer.status, status, error);
    assert.deepEqual(await answer.json(), { error });
  }
  const reasons = await until('the audit to be written', async () => {
    const rows = await refusalsOf(ingest, '?tenant=bay-cabs&source=small');
    return rows.find((row) => row['reason'] === 'client_secret_wrong');
  });
  assert.equal(reasons['source_id'], 'small');
  assert.match(await ingest.metricsText(), /webhook_tokens_total\{outcome="refused".*\} 7/);
  assert.ok(!JSON.stringify(ingest.lines).includes('client-falsch'));
});

test('guesses at a secret are slowed down, right requests are not', async () => {
  ingest.clock = Date.now();
  const wrong = { grant_type: 'client_credentials', client_id: 'bay-cabs/small' };
  const guess = (): Promise<Response> =>
    fetchToken({ form: { ...wrong, client_secret: `client-${randomUUID()}` } });
  for (let count = 0; count < 20; count += 1) await ownToken();
  const answers = await Promise.all(Array.from({ length: 15 }, guess));
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), ...statuses.slice(10)]);
  assert.equal(statuses.at(-1), 429);
  const braked = answers.find(({ status }) => status === 429);
  assert.equal(braked?.headers.get('retry-after'), '10');
  assert.deepEqual(await braked.json(), { error: 'slow_down' });
  assert.equal((await fetchToken()).status, 429, 'not even looked at');
  assert.match(await ingest.metricsText(), /webhook_tokens_total\{outcome="braked".*\} 6/);
  ingest.clock += 10_000;
  assert.equal((await fetchToken()).status, 200);
});

test('a token of ours is good for its source, its time and its secret only', async () => {
  const token = await ownToken();
  assert.equal((await push(token, 'small')).status, 200);
  assert.equal(await reasonOf(await push(await tokenOf(), 'small')), 'token_algorithm_refused');
  ingest.clock = Date.now() + 606_000;
  assert.equal(await reasonOf(await push(token, 'small')), 'token_expired');
  ingest.clock = undefined;
  // The client got a new secret under a new key id: what the old one opened is closed.
  ingest.addSources(
    pushSource('small', { scheme: 'oauth2-own', secrets: { c2: 'secret://files/test#client' } }),
    pushSource('tiny', { scheme: 'oauth2-own', secrets: { c1: 'secret://files/test#client' } }),
  );
  assert.equal(await reasonOf(await push(token, 'small')), 'token_expired');
  assert.equal(await reasonOf(await push(token, 'tiny')), 'token_audience_wrong');
});

test('the shared key is rotated without a restart: two are valid, the first one signs', async () => {
  ingest.secrets.set('token_key', OLD_KEY);
  const old = await ownToken();
  ingest.secrets.set('token_key', `${TOKEN_KEY} ${OLD_KEY}`);
  assert.equal((await push(old, 'small')).status, 200);
  const newer = await ownToken();
  ingest.secrets.set('token_key', TOKEN_KEY);
  assert.equal((await push(newer, 'small')).status, 200);
  assert.equal(await reasonOf(await push(old, 'small')), 'token_key_unknown');
  ingest.secrets.delete('token_key');
  assert.equal((await push(newer, 'small')).status, 503);
  assert.equal((await fetchToken()).status, 503);
});

test('without a shared key there is no end point, and its sources are closed', async () => {
  const plain = await startHarness({ databaseUrl: database.url });
  try {
    plain.secrets.set('client', 'client-geheim');
    plain.addSources(
      pushSource('small', { scheme: 'oauth2-own', secrets: { c1: 'secret://files/test#client' } }),
    );
    assert.equal((await fetchToken({}, plain)).status, 404);
    assert.equal((await push(await ownToken(), 'small', plain)).status, 503);
  } finally {
    await plain.service.stop();
  }
});
