import { readFile } from 'node:fs/promises';
import { fileProblem, missingSecret, storeAway, type SecretStore } from './secret-stores.ts';

/** A secret store that is slower is as good as away. */
const TIMEOUT_MS = 5_000;

/** Path segments as they may stand in an address: no traversal, no query. */
const SEGMENT = /^[A-Za-z0-9._-]+$/;

async function tokenOf(reference: string, file: string | undefined): Promise<string> {
  if (file === undefined) throw missingSecret(reference, 'SECRETS_VAULT_TOKEN_FILE is not set');
  try {
    const token = (await readFile(file, 'utf8')).trim();
    if (token !== '') return token;
  } catch (error) {
    throw missingSecret(reference, `the token of the vault cannot be read (${fileProblem(error)})`);
  }
  throw missingSecret(reference, 'the token of the vault is empty');
}

/** `GET /v1/<mount>/data/<path>` answers `{data: {data: {…}, metadata}}`; a deleted version has no data. */
function fieldsIn(answer: unknown): Readonly<Record<string, unknown>> | undefined {
  const outer = isObject(answer) ? answer['data'] : undefined;
  const inner = isObject(outer) ? outer['data'] : undefined;
  return isObject(inner) ? inner : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The key-value engine, version 2, of HashiCorp Vault or OpenBao: the first segment of the path is the
 * mount. The newest version is asked for at each call and the token file read again, so both may be
 * rotated without a restart.
 */
export const vaultStore: SecretStore = async (stores, reference, path) => {
  if (stores.vaultUrl === undefined) throw missingSecret(reference, 'SECRETS_VAULT_URL is not set');
  const [mount = '', ...rest] = path.split('/');
  const segments = [mount, ...rest];
  const isPlain = segments.every((segment) => SEGMENT.test(segment) && !/^\.+$/.test(segment));
  if (rest.length === 0 || !isPlain) {
    throw missingSecret(reference, 'expected <mount>/<path>, plain names between slashes');
  }
  const token = await tokenOf(reference, stores.vaultTokenFile);
  const base = stores.vaultUrl.replace(/\/$/, '');
  const { vaultNamespace: namespace } = stores;
  const headers = {
    'x-vault-token': token,
    // A local agent may demand it, as a browser that was lured there cannot send it.
    'x-vault-request': 'true',
    ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
  };
  let response: Response;
  let text: string;
  try {
    const url = `${base}/v1/${mount}/data/${rest.join('/')}`;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(url, { headers, redirect: 'error', signal });
    text = await response.text();
  } catch {
    throw storeAway(reference, 'no answer');
  }
  if (response.status === 404) throw missingSecret(reference, 'the vault has no such path');
  if (response.status === 403)
    throw missingSecret(reference, 'the token of the vault may not read it');
  if (response.status !== 200) throw storeAway(reference, `HTTP ${response.status}`);
  const fields = fieldsIn(parse(text));
  // The answer is not quoted: it may hold the secret.
  if (fields === undefined) throw missingSecret(reference, 'the vault answered without data');
  return fields;
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
