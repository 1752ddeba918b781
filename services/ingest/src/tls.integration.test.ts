// A real TLS listener: versions, client certificates, a change of the certificate without a restart.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { isFault } from '@waybill/fault';
import { testDatabase, until, type TestDatabase } from '@waybill/testkit';
import {
  eventBody,
  pushSource,
  refusalsOf,
  signatureOf,
  startHarness,
  type Harness,
} from './testing/harness.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

const dir = mkdtempSync(path.join(tmpdir(), 'ingest-tls-'));
const file = (name: string): string => path.join(dir, name);

let database: TestDatabase;
let authority: Pair;
let gateway: Pair;
let stranger: Pair;
let ingest: Harness;

async function pairOf(name: string, ca?: Pair): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: ca === undefined },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
    ...(ca === undefined ? {} : { ca }),
  });
  return { cert: made.cert, key: made.private };
}

function install(pair: Pair): void {
  writeFileSync(file('cert.pem'), pair.cert);
  writeFileSync(file('key.pem'), pair.key);
}

before(async () => {
  database = await testDatabase();
  authority = await pairOf('Fleet Authority');
  gateway = await pairOf('gateway-1', authority);
  stranger = await pairOf('gateway-1');
  writeFileSync(file('ca.pem'), authority.cert);
});
after(async () => {
  rmSync(dir, { recursive: true });
  await database.stop();
});
beforeEach(async () => {
  install(await pairOf('door-1'));
  ingest = await startHarness({
    databaseUrl: database.url,
    config: {
      INGEST_TLS_CERT_FILE: file('cert.pem'),
      INGEST_TLS_KEY_FILE: file('key.pem'),
      INGEST_TLS_CLIENT_CA_FILE: file('ca.pem'),
    },
  });
});
afterEach(() => ingest.service.stop());

const port = (): number => Number(new URL(ingest.url).port);

/** Connects with one version only; resolves with the connection or the error. */
function handshake(version: SecureVersion): Promise<TLSSocket | Error> {
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: port(),
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      // Without it OpenSSL would not even offer the old versions.
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', resolve);
  });
}

interface Answered {
  readonly status: number;
  readonly requestId: string;
}

/** Posts over a new connection, with a client certificate or without. */
function push(source: string, client?: Pair): Promise<Answered> {
  const body = eventBody(crypto.randomUUID());
  const { hostname, pathname } = new URL(ingest.url);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        hostname,
        port: port(),
        path: pathname,
        method: 'POST',
        agent: false,
        rejectUnauthorized: false,
        ...client,
        headers: {
          'x-signature': signatureOf(body, Math.floor(Date.now() / 1000), 'geheim-1'),
          'x-waybill-source': `bay-cabs/${source}`,
          'idempotency-key': crypto.randomUUID(),
        },
      },
      (response) => {
        response.resume();
        const requestId = String(response.headers['request-id']);
        resolve({ status: response.statusCode ?? 0, requestId });
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

async function reasonOf({ status, requestId }: Answered): Promise<unknown> {
  assert.equal(status, 401);
  const read = async (): Promise<unknown> => (await refusalsOf(ingest, requestId))[0];
  const row = (await until('the audit to be written', read)) as { reason: string };
  return row.reason;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version} is spoken`, async () => {
    const socket = await handshake(version);
    assert.ok(!(socket instanceof Error));
    assert.equal(socket.getProtocol(), version);
    socket.destroy();
  });
}

for (const version of ['TLSv1', 'TLSv1.1'] as const) {
  test(`${version} is refused by the listener`, async () => {
    const error = await handshake(version);
    assert.ok(error instanceof Error, `a ${version} connection was made`);
    // The alert comes from the other side; a refusal of our own client would read otherwise.
    assert.match(error.message, /alert protocol version/);
  });
}

test('plain HTTP gets no answer where TLS is spoken', async () => {
  await assert.rejects(fetch(ingest.url.replace('https', 'http'), { method: 'POST', body: '{}' }));
});

test('a signed event comes in over TLS, with a client certificate and without', async () => {
  ingest.addSources();
  assert.equal((await push('dispatch')).status, 200);
  assert.equal((await push('dispatch', gateway)).status, 200);
});

test('a source can demand a certificate of our authority by its subject', async () => {
  ingest.addSources(pushSource('named', { client_subjects: ['CN=gateway-1'] }));
  assert.equal((await push('named', gateway)).status, 200);
  assert.equal(await reasonOf(await push('named')), 'certificate_missing');
  // The same name, by nobody's authority.
  assert.equal(await reasonOf(await push('named', stranger)), 'certificate_wrong');
  const other = await pairOf('gateway-2', authority);
  assert.equal(await reasonOf(await push('named', other)), 'certificate_wrong');
});

test('a source can pin certificates by fingerprint, whoever made them', async () => {
  const { fingerprint256 } = new X509Certificate(stranger.cert);
  const prints = [fingerprint256.replaceAll(':', '').toLowerCase()];
  ingest.addSources(pushSource('pinned', { client_fingerprints: prints }));
  assert.equal((await push('pinned', stranger)).status, 200);
  assert.equal(await reasonOf(await push('pinned', gateway)), 'certificate_wrong');
  assert.equal(await reasonOf(await push('pinned')), 'certificate_missing');
});

async function shownName(): Promise<string> {
  const socket = await handshake('TLSv1.3');
  if (socket instanceof Error) throw socket;
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

test('a new certificate serves new connections without a restart; a damaged one is left aside', async () => {
  const open = await handshake('TLSv1.3');
  assert.ok(!(open instanceof Error));
  assert.equal(await shownName(), 'door-1');
  install(await pairOf('door-2'));
  await until('the new certificate to be shown', async () => (await shownName()) === 'door-2');
  // Who was connected stays so.
  assert.equal(open.destroyed, false);
  open.destroy();

  writeFileSync(file('cert.pem'), 'nonsense');
  await until('the damage to be reported', () =>
    ingest.lines.some(({ msg }) => msg === 'tls.reload_failed'),
  );
  assert.equal(await shownName(), 'door-2');
  install(await pairOf('door-3'));
  await until('the repaired certificate', async () => (await shownName()) === 'door-3');
});

test('a key that does not belong to its certificate stops the start', async () => {
  const { key } = await pairOf('other');
  writeFileSync(file('other-key.pem'), key);
  const config = {
    INGEST_TLS_CERT_FILE: file('cert.pem'),
    INGEST_TLS_KEY_FILE: file('other-key.pem'),
  };
  await assert.rejects(
    startHarness({ databaseUrl: database.url, config }),
    (error) => isFault(error) && error.code === 'TLS_INVALID' && error.kind === 'misconfigured',
  );
  await assert.rejects(
    startHarness({ databaseUrl: database.url, config: { INGEST_TLS_CERT_FILE: 'x' } }),
    /INGEST_TLS_KEY_FILE, and one is not set/,
  );
});
