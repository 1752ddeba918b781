import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '@waybill/fault';
import { sealedStore } from './secret-sealed.ts';
import {
  fileProblem,
  missingSecret,
  type SecretStore,
  type SecretStores,
} from './secret-stores.ts';
import { vaultStore } from './secret-vault.ts';

const REFERENCE = /^secret:\/\/([a-z]+)\/([^#]+)#([A-Za-z0-9_]+)$/;

/** True for `secret://…`, well formed or not. */
export function isSecretReference(text: string): boolean {
  return text.startsWith('secret://');
}

/** A folder of JSON files, as an orchestrator mounts them: `<folder>/<path>.json`. */
const fileStore: SecretStore = async (stores, reference, name) => {
  if (stores.filesDir === undefined) throw missingSecret(reference, 'SECRETS_DIR is not set');
  if (name.split('/').some((part) => part === '..' || part === '.' || part === '')) {
    throw missingSecret(reference, 'the path must stay inside the store');
  }
  let text: string;
  try {
    text = await readFile(path.join(stores.filesDir, `${name}.json`), 'utf8');
  } catch (error) {
    throw missingSecret(reference, `the file cannot be read (${fileProblem(error)})`);
  }
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields === 'object' && fields !== null) return fields as Record<string, unknown>;
  } catch {
    // The parser's message quotes the text, which is the secret; it must not travel as a cause.
  }
  throw missingSecret(reference, 'the file is not a JSON object');
};

const storesByName: ReadonlyMap<string, SecretStore> = new Map([
  ['files', fileStore],
  ['sealed', sealedStore],
  ['vault', vaultStore],
]);

/**
 * The value behind `secret://<store>/<path>#<field>`. Read on each call, so a rotated secret works without
 * a restart. Stores: `files` (field of `<SECRETS_DIR>/<path>.json`), `sealed` (an encrypted file), `vault`
 * (Vault or OpenBao, KV version 2, `<mount>/<path>`). A text for `stores` is the folder of `files`. Throws a
 * Fault `misconfigured`: `SECRET_LITERAL` for a text that is no reference, `SECRET_MISSING` (never with a
 * value) for all else; `transient` / `SECRET_STORE_AWAY` when the vault cannot answer.
 */
export async function resolveSecret(
  reference: string,
  stores: SecretStores | string | undefined,
): Promise<string> {
  const [, store, name, field] = REFERENCE.exec(reference) ?? [];
  if (store === undefined || name === undefined || field === undefined) {
    throw new Fault(
      'a secret must be a reference secret://<store>/<path>#<field>, found a literal',
      {
        kind: 'misconfigured',
        code: 'SECRET_LITERAL',
        stage: 'start',
        category: 'authentication',
      },
    );
  }
  const read = storesByName.get(store);
  if (read === undefined) {
    const known = [...storesByName.keys()].join(', ');
    throw missingSecret(reference, `there is no store called ${store}; use one of ${known}`);
  }
  const settings = typeof stores === 'object' ? stores : { filesDir: stores };
  const value = (await read(settings, reference, name))[field];
  if (typeof value !== 'string' || value === '') {
    throw missingSecret(reference, `there is no text in field ${field}`);
  }
  return value;
}

/** A setting that may be given plainly or as a secret reference, such as a database address. */
export async function resolveSetting(
  text: string,
  stores: SecretStores | string | undefined,
): Promise<string> {
  return isSecretReference(text) ? resolveSecret(text, stores) : text;
}
