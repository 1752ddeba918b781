import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '@waybill/fault';

const REFERENCE = /^secret:\/\/([a-z]+)\/([^#]+)#([A-Za-z0-9_]+)$/;

/** True for `secret://…`, well formed or not. */
export function isSecretReference(text: string): boolean {
  return text.startsWith('secret://');
}

function missing(reference: string, found: string, cause?: unknown): Fault {
  return new Fault(`secret ${reference}: ${found}`, {
    kind: 'misconfigured',
    code: 'SECRET_MISSING',
    stage: 'start',
    category: 'authentication',
    cause,
  });
}

/**
 * The value behind `secret://files/<path>#<field>`: field of `<secretsDir>/<path>.json`. Read on each
 * call, so a rotated secret works without a restart. Throws a Fault `misconfigured`: `SECRET_LITERAL`
 * for a text that is no reference, `SECRET_MISSING` (never with a value) for all else.
 */
export async function resolveSecret(
  reference: string,
  secretsDir: string | undefined,
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
  if (store !== 'files') throw missing(reference, `there is no store called ${store}; use files`);
  if (secretsDir === undefined) throw missing(reference, 'SECRETS_DIR is not set');
  if (name.split('/').some((part) => part === '..' || part === '.' || part === '')) {
    throw missing(reference, 'the path must stay inside the store');
  }
  const fields = await readFields(reference, path.join(secretsDir, `${name}.json`));
  const value = fields[field];
  if (typeof value !== 'string' || value === '') {
    throw missing(reference, `the file has no text in field ${field}`);
  }
  return value;
}

async function readFields(reference: string, file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw missing(reference, `the file cannot be read (${code})`);
  }
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields === 'object' && fields !== null) return fields as Record<string, unknown>;
  } catch {
    // The parser's message quotes the text, which is the secret; it must not travel as a cause.
  }
  throw missing(reference, 'the file is not a JSON object');
}

/** A setting that may be given plainly or as a secret reference, such as a database address. */
export async function resolveSetting(
  text: string,
  secretsDir: string | undefined,
): Promise<string> {
  return isSecretReference(text) ? resolveSecret(text, secretsDir) : text;
}
