// Against a real server: BAO_BIN=<path of OpenBao's binary, or Vault's> npm run test:faults -- secret-vault
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { isFault } from '@waybill/fault';
import type { SecretStores } from './secret-stores.ts';
import { resolveSecret } from './secrets.ts';

const BINARY = process.env['BAO_BIN'];
const ROOT = 'root-token';
const REFERENCE = 'secret://vault/secret/bay-cabs/wialon#token_1';

interface Server {
  readonly stores: SecretStores;
  readonly tokenFile: string;
  /** One call of the server's API, as its administrator; the answer's JSON. */
  readonly admin: (method: string, at: string, body?: object) => Promise<Record<string, unknown>>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A server in its development mode: in memory, unsealed, with the key-value engine at `secret`. */
async function start(t: TestContext, binary: string): Promise<Server> {
  const dir = await mkdtemp(path.join(tmpdir(), 'secret-vault-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const address = url.slice('http://'.length);
  const flags = ['-dev', '-dev-no-store-token', `-dev-root-token-id=${ROOT}`];
  const child = spawn(binary, ['server', ...flags, `-dev-listen-address=${address}`], {
    stdio: 'ignore',
    env: { HOME: dir, PATH: process.env['PATH'] },
  });
  const gone = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await gone;
    await rm(dir, { recursive: true });
  });
  const admin: Server['admin'] = async (method, at, body) => {
    const response = await fetch(`${url}/v1/${at}`, {
      method,
      headers: { 'x-vault-token': ROOT },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${at}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  const tokenFile = path.join(dir, 'token');
  await writeFile(tokenFile, `${ROOT}\n`);
  for (let tries = 0; ; tries += 1) {
    try {
      await admin('GET', 'sys/health');
      break;
    } catch (error) {
      if (tries === 300) throw error;
      await delay(100);
    }
  }
  return { stores: { vaultUrl: url, vaultTokenFile: tokenFile }, tokenFile, admin };
}

async function faultOf(stores: SecretStores): Promise<string> {
  try {
    await resolveSecret(REFERENCE, stores);
  } catch (error) {
    assert.ok(isFault(error));
    return `${error.kind} ${error.code} ${error.message}`;
  }
  return assert.fail('expected a fault');
}

test(
  'a real server: rotation, a token that is renewed, revoked and replaced, deleted versions, sealing',
  { skip: BINARY === undefined && 'set BAO_BIN' },
  async (t) => {
    const { stores, tokenFile, admin } = await start(t, BINARY ?? '');
    assert.match(await faultOf(stores), /misconfigured SECRET_MISSING.*no such path/);
    const write = (token_1: string): Promise<unknown> =>
      admin('POST', 'secret/data/bay-cabs/wialon', { data: { token_1 } });
    await write('geheim-1');
    assert.equal(await resolveSecret(REFERENCE, stores), 'geheim-1');
    await write('geheim-2');
    assert.equal(await resolveSecret(REFERENCE, stores), 'geheim-2');

    const policy = 'path "secret/data/bay-cabs/*" { capabilities = ["read"] }';
    await admin('PUT', 'sys/policies/acl/waybill', { policy });
    const least = { policies: ['waybill'], ttl: '1h', no_default_policy: false };
    const { auth } = await admin('POST', 'auth/token/create', least);
    const { client_token: token } = auth as { client_token: string };
    await writeFile(tokenFile, token);
    assert.equal(await resolveSecret(REFERENCE, stores), 'geheim-2', 'reading is enough');
    await admin('POST', 'auth/token/renew', { token, increment: '2h' });
    assert.equal(await resolveSecret(REFERENCE, stores), 'geheim-2');
    await admin('POST', 'auth/token/revoke', { token });
    assert.match(await faultOf(stores), /misconfigured SECRET_MISSING.*may not read/);
    await writeFile(tokenFile, ROOT);
    assert.equal(await resolveSecret(REFERENCE, stores), 'geheim-2');

    await admin('DELETE', 'secret/data/bay-cabs/wialon');
    assert.match(await faultOf(stores), /misconfigured SECRET_MISSING/);
    await admin('POST', 'secret/undelete/bay-cabs/wialon', { versions: [2] });
    assert.equal(await resolveSecret(REFERENCE, stores), 'geheim-2');
    await admin('PUT', 'sys/seal');
    assert.match(await faultOf(stores), /transient SECRET_STORE_AWAY.*HTTP 503/);
  },
);
