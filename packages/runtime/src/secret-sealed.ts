import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Fault } from '@waybill/fault';
import { fileProblem, missingSecret, type SecretStore } from './secret-stores.ts';

const FORMAT = 'waybill-sealed-1';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const SALT_BYTES = 16;
/** scrypt: 32 MiB and about 60 ms per key; the key is kept while file and salt are the same. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
/** Shorter key files can be guessed. */
const LEAST_KEY = 32;

interface Sealed {
  readonly format: typeof FORMAT;
  readonly salt: string;
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

/** Secrets by path, and by field within it. */
export type PlainSecrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

let cached: { readonly from: string; readonly key: Buffer } | undefined;

function keyOf(passphrase: string, salt: string): Buffer {
  const from = `${salt}\n${passphrase}`;
  if (cached?.from === from) return cached.key;
  const key = scryptSync(passphrase, Buffer.from(salt, 'base64'), KEY_BYTES, COST);
  cached = { from, key };
  return key;
}

/**
 * The text of an encrypted file: AES-256-GCM under a key that scrypt derives from the key file's text.
 * Throws `SECRET_KEY_WEAK` for a key of under 32 characters.
 */
export function sealSecrets(secrets: PlainSecrets, keyText: string): string {
  const passphrase = keyText.trim();
  if (passphrase.length < LEAST_KEY) {
    throw new Fault(`expected a key of at least ${LEAST_KEY} characters`, {
      kind: 'misconfigured',
      code: 'SECRET_KEY_WEAK',
      stage: 'start',
      category: 'authentication',
    });
  }
  const salt = randomBytes(SALT_BYTES).toString('base64');
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(passphrase, salt), iv);
  cipher.setAAD(Buffer.from(FORMAT));
  const data = Buffer.concat([cipher.update(JSON.stringify(secrets), 'utf8'), cipher.final()]);
  const sealed: Sealed = {
    format: FORMAT,
    salt,
    iv: iv.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
  return `${JSON.stringify(sealed)}\n`;
}

function isSealed(value: unknown): value is Sealed {
  if (typeof value !== 'object' || value === null || !('format' in value)) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return (
    fields['format'] === FORMAT &&
    ['salt', 'iv', 'tag', 'data'].every((name) => typeof fields[name] === 'string')
  );
}

/** Throws when the key is another one or the file was changed; the message says nothing of its content. */
function open(text: string, passphrase: string): unknown {
  const sealed: unknown = JSON.parse(text);
  if (!isSealed(sealed)) throw new TypeError('another format');
  const iv = Buffer.from(sealed.iv, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(passphrase, sealed.salt), iv, {
    authTagLength: 16,
  });
  decipher.setAAD(Buffer.from(FORMAT));
  decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
  const data = Buffer.concat([
    decipher.update(Buffer.from(sealed.data, 'base64')),
    decipher.final(),
  ]);
  return JSON.parse(data.toString('utf8'));
}

async function textOf(
  reference: string,
  file: string | undefined,
  variable: string,
): Promise<string> {
  if (file === undefined) throw missingSecret(reference, `${variable} is not set`);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw missingSecret(
      reference,
      `the file of ${variable} cannot be read (${fileProblem(error)})`,
    );
  }
}

/** One encrypted file for a machine without a vault; both files are read at each call. */
export const sealedStore: SecretStore = async (stores, reference, path) => {
  const text = await textOf(reference, stores.sealedFile, 'SECRETS_SEALED_FILE');
  const key = await textOf(reference, stores.sealedKeyFile, 'SECRETS_KEY_FILE');
  let secrets: unknown;
  try {
    secrets = open(text, key.trim());
  } catch {
    throw missingSecret(reference, 'the encrypted file does not open with this key');
  }
  const fields = (secrets as Readonly<Record<string, unknown>> | null)?.[path];
  if (typeof fields === 'object' && fields !== null) {
    return fields as Readonly<Record<string, unknown>>;
  }
  throw missingSecret(reference, 'the encrypted file has no such path');
};
