import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { isFault } from '@waybill/fault';
import { sealSecrets } from './secret-sealed.ts';
import type { SecretStores } from './secret-stores.ts';
import { resolveSecret } from './secrets.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'secret-stores-'));
after(() => rmSync(dir, { recursive: true }));
const place = (name: string): string => path.join(dir, name);

async function faultOf(reference: string, stores: SecretStores): Promise<string> {
  try {
    await resolveSecret(reference, stores);
  } catch (error) {
    assert.ok(isFault(error));
    assert.equal(error.cause, undefined);
    assert.doesNotMatch(error.message, /geheim|root-token/);
    return `${error.kind} ${error.code} ${error.message}`;
  }
  assert.fail('expected a fault');
}

interface Vault {
  readonly stores: SecretStores;
  /** Path → versions; null = deleted. */
  readonly kv: Map<string, (Record<string, unknown> | null)[]>;
  tokens: Set<string>;
  status: number | undefined;
  readonly seen: string[];
}

/** The answers of the key-value engine, version 2; secret-vault.faults.test.ts asks a real server. */
async function startVault(t: TestContext): Promise<Vault> {
  const server = createServer((request, response) => {
    const token = String(request.headers['x-vault-token']);
    vault.seen.push(`${request.url} ${String(request.headers['x-vault-namespace'])}`);
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (vault.status !== undefined) return answer(vault.status, { errors: ['Vault is sealed'] });
    if (!vault.tokens.has(token)) return answer(403, { errors: ['permission denied'] });
    const versions = vault.kv.get(request.url ?? '');
    const version = versions?.length ?? 0;
    const data = versions?.at(-1);
    if (data === undefined) return answer(404, { errors: [] });
    const metadata = { version, destroyed: false, deletion_time: '', created_time: '' };
    if (data === null) return answer(404, { data: { data, metadata } });
    return answer(200, { request_id: 'r', lease_duration: 0, data: { data, metadata } });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  writeFileSync(place('vault-token'), 'root-token\n');
  const vault: Vault = {
    stores: {
      vaultUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      vaultTokenFile: place('vault-token'),
    },
    kv: new Map([['/v1/secret/data/bay-cabs/wialon', [{ token_1: 'geheim-1' }]]]),
    tokens: new Set(['root-token']),
    status: undefined,
    seen: [],
  };
  return vault;
}

const reference = 'secret://vault/secret/bay-cabs/wialon#token_1';

test('the newest version in the vault is read, so rotation needs no restart', async (t) => {
  const vault = await startVault(t);
  assert.equal(await resolveSecret(reference, vault.stores), 'geheim-1');
  vault.kv.get('/v1/secret/data/bay-cabs/wialon')?.push({ token_1: 'geheim-2' });
  assert.equal(await resolveSecret(reference, vault.stores), 'geheim-2');
  vault.tokens = new Set(['next-token']);
  assert.match(
    await faultOf(reference, vault.stores),
    /misconfigured SECRET_MISSING.*may not read/,
  );
  writeFileSync(place('vault-token'), 'next-token');
  assert.equal(await resolveSecret(reference, vault.stores), 'geheim-2');
  await resolveSecret(reference, { ...vault.stores, vaultNamespace: 'fleet' });
  assert.match(vault.seen.at(-1) ?? '', /wialon fleet$/);
});

test('a vault that cannot answer is the weather; what it does not hold is a misconfiguration', async (t) => {
  const vault = await startVault(t);
  vault.status = 503;
  assert.match(await faultOf(reference, vault.stores), /transient SECRET_STORE_AWAY.*HTTP 503/);
  vault.status = 200;
  assert.match(await faultOf(reference, vault.stores), /SECRET_MISSING.*without data/);
  vault.status = undefined;
  vault.kv.get('/v1/secret/data/bay-cabs/wialon')?.push(null);
  assert.match(await faultOf(reference, vault.stores), /SECRET_MISSING.*no such path/);
  for (const [path, expected] of [
    ['secret/other#token_1', /no such path/],
    ['secret#token_1', /expected <mount>\/<path>/],
    ['secret/../sys/health#token_1', /expected <mount>\/<path>/],
    ['secret/a?version=1#token_1', /expected <mount>\/<path>/],
  ] as const) {
    assert.match(await faultOf(`secret://vault/${path}`, vault.stores), expected);
  }
  const gone = { ...vault.stores, vaultUrl: 'http://127.0.0.1:1' };
  assert.match(await faultOf(reference, gone), /transient SECRET_STORE_AWAY.*no answer/);
  assert.match(await faultOf(reference, {}), /SECRETS_VAULT_URL is not set/);
});

const KEY = 'k'.repeat(40);
const sealed: SecretStores = { sealedFile: place('sealed'), sealedKeyFile: place('key') };
const inSealed = 'secret://sealed/bay-cabs#token_1';

test('an encrypted file opens with its key, and a new one works without a restart', async () => {
  writeFileSync(place('key'), `${KEY}\n`);
  writeFileSync(place('sealed'), sealSecrets({ 'bay-cabs': { token_1: 'geheim-1' } }, KEY));
  assert.doesNotMatch(readFileSync(place('sealed'), 'utf8'), /geheim|bay-cabs/);
  assert.equal(await resolveSecret(inSealed, sealed), 'geheim-1');
  const other = 'j'.repeat(40);
  writeFileSync(place('sealed'), sealSecrets({ 'bay-cabs': { token_1: 'geheim-2' } }, other));
  assert.match(await faultOf(inSealed, sealed), /does not open with this key/);
  writeFileSync(place('key'), other);
  assert.equal(await resolveSecret(inSealed, sealed), 'geheim-2');
});

test('an encrypted file that was changed, or that lacks the path, gives nothing', async () => {
  writeFileSync(place('key'), KEY);
  const text = sealSecrets({ 'bay-cabs': { token_1: 'geheim' } }, KEY);
  const fields = JSON.parse(text) as { data: string };
  const data = Buffer.from(fields.data, 'base64');
  data[0] = (data[0] ?? 0) ^ 1;
  writeFileSync(place('sealed'), JSON.stringify({ ...fields, data: data.toString('base64') }));
  assert.match(await faultOf(inSealed, sealed), /does not open/);
  writeFileSync(place('sealed'), '{}');
  assert.match(await faultOf(inSealed, sealed), /does not open/);
  writeFileSync(place('sealed'), text);
  assert.match(await faultOf('secret://sealed/other#token_1', sealed), /no such path/);
  assert.match(await faultOf('secret://sealed/bay-cabs#other', sealed), /no text in field other/);
  assert.match(await faultOf(inSealed, {}), /SECRETS_SEALED_FILE is not set/);
  assert.throws(() => sealSecrets({}, 'short'), /at least 32 characters/);
});
