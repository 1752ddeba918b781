import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { Fault } from '@waybill/fault';
import {
  dialectNames,
  isDialectName,
  type DialectName,
  type NamedSecret,
} from '@waybill/signatures';
import { loadTenant, type WebhookSource } from '@waybill/tenant';

/** How a request is signed, and with which secrets: said one by one, or by a tenant's files. */
export interface SigningOptions {
  readonly dialect?: DialectName;
  readonly secret?: readonly string[];
  readonly tenant?: string;
  readonly source?: string;
  readonly secretsDir?: string;
}

export interface Signing {
  readonly dialect: DialectName;
  readonly secrets: readonly NamedSecret[];
  readonly toleranceS: number;
}

const DEFAULT_TOLERANCE_S = 300;

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Where secret references of files are looked up. */
export const secretsDirOption: Option = new Option(
  '--secrets-dir <dir>',
  'root of secret://files/',
).env('SECRETS_DIR');

export const signingOptions: readonly Option[] = [
  new Option('--dialect <name>', 'how it is signed (default: waybill-hmac)').choices(dialectNames),
  new Option(
    '--secret <[id=]place>',
    'a valid secret, repeatable: secret://files/… , <file>, or <file>.json#<field>',
  ).argParser(append),
  new Option('--tenant <dir>', 'tenant folder that says dialect, secrets and tolerance'),
  new Option('--source <id>', 'source in that folder'),
  secretsDirOption,
];

function invalid(message: string): Fault {
  return new Fault(message, { kind: 'misconfigured', code: 'SECRET_INVALID', stage: 'start' });
}

/** Reads the secrets. Fault `misconfigured` names the place of one that cannot be read, never its value. */
export async function readSigning(options: SigningOptions): Promise<Signing> {
  const { secret = [], tenant, secretsDir } = options;
  const said: NamedSecret[] = [];
  for (const [index, text] of secret.entries()) {
    const [, id = `k${index + 1}`, place = text] = /^([A-Za-z0-9_-]+)=(.+)$/.exec(text) ?? [];
    said.push({ name: id, secret: await readSecret(place, secretsDir), isOwn: true });
  }
  if (tenant === undefined) {
    if (said.length === 0)
      throw invalid('expected --secret, or --tenant and --source; found neither');
    const { dialect = 'waybill-hmac' } = options;
    return { dialect, secrets: said, toleranceS: DEFAULT_TOLERANCE_S };
  }
  return ofTenant(tenant, options, said);
}

/** The source's own secrets, and those of its neighbours as candidates for a mix-up. */
async function ofTenant(
  dir: string,
  options: SigningOptions,
  said: readonly NamedSecret[],
): Promise<Signing> {
  const { model } = await loadTenant(dir);
  const sources = model.sources.filter((source) => source.kind === 'webhook');
  const own = sources.find((source) => source.source_id === options.source) ?? sources[0];
  if (own === undefined || (options.source !== undefined && own.source_id !== options.source)) {
    const known = sources.map((source) => source.source_id).join(', ');
    throw invalid(
      `expected --source to be a push source of ${dir} (${known}), found ${options.source}`,
    );
  }
  const dialect = options.dialect ?? own.scheme;
  if (!isDialectName(dialect)) {
    throw invalid(`the source ${own.source_id} has scheme ${dialect}, which signs nothing`);
  }
  const secrets: NamedSecret[] = [...said];
  for (const source of [own, ...sources.filter((other) => other !== own)]) {
    secrets.push(...(await secretsOf(source, source === own, options.secretsDir)));
  }
  return { dialect, secrets, toleranceS: own.tolerance_s };
}

async function secretsOf(
  source: WebhookSource,
  isOwn: boolean,
  secretsDir: string | undefined,
): Promise<NamedSecret[]> {
  const read: NamedSecret[] = [];
  for (const [keyId, reference] of Object.entries(source.secrets)) {
    const name = isOwn ? keyId : `the secret ${keyId} of source ${source.source_id}`;
    read.push({ name, secret: await readSecret(reference, secretsDir), isOwn });
  }
  return read;
}

/** A secret of the store, of a file, or of one field of a JSON file. */
export async function readSecret(place: string, secretsDir: string | undefined): Promise<string> {
  if (place.startsWith('secret://')) {
    // Only now: the package brings logging and tracing, which other commands need not load.
    const { resolveSecret } = await import('@waybill/runtime');
    return resolveSecret(place, secretsDir);
  }
  const [, file = place, field] = /^(.+?)#([A-Za-z0-9_]+)$/.exec(place) ?? [];
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw invalid(`the secret file ${file} cannot be read; expected a file or secret://files/…`);
  }
  // Editors end a file with a line; it is not part of the secret.
  if (field === undefined) return text.replace(/\r?\n$/, '');
  const value = fieldOf(text, field);
  if (typeof value === 'string') return value;
  throw invalid(`expected a text in field ${field} of ${file}, found none`);
}

function fieldOf(text: string, field: string): unknown {
  try {
    return (JSON.parse(text) as Readonly<Record<string, unknown>> | null)?.[field];
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}
