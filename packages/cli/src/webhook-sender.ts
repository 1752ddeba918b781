import { randomUUID } from 'node:crypto';
import { Option } from 'commander';
import { Fault } from '@waybill/fault';
import { dialectNames, dialects, sign, type Dialect, type Key } from '@waybill/signatures';
import { readSecret, secretsDirOption } from './webhook-secrets.ts';

const TIMEOUT_MS = 30_000;

/** Where pushed requests go, and how they are signed. */
export interface SenderOptions {
  readonly url: string;
  readonly source?: string;
  readonly dialect: (typeof dialectNames)[number];
  readonly secretFile?: string;
  readonly secretsDir?: string;
}

export const senderOptions: readonly Option[] = [
  new Option('--url <url>', 'address that takes webhooks')
    .env('WEBHOOK_URL')
    .default('http://127.0.0.1:8092/webhooks/telematics'),
  new Option('--source <tenant/source>', 'who sends, where the address does not say it').env(
    'WEBHOOK_SOURCE',
  ),
  new Option('--dialect <name>', 'how it is signed').choices(dialectNames).default('waybill-hmac'),
  new Option(
    '--secret-file <file>',
    'file with the secret; <file>.json#<field> for one field of an object, or secret://files/…',
  ).env('WEBHOOK_SECRET_FILE'),
  secretsDirOption,
];

function unusable(message: string, cause?: unknown): Fault {
  return new Fault(message, {
    kind: 'misconfigured',
    code: 'SECRET_INVALID',
    stage: 'start',
    cause,
  });
}

/** A request as it goes out, before it is signed. */
export interface Draft {
  readonly body: Buffer;
  readonly idempotencyKey: string;
  /** Unix seconds that are signed. */
  readonly t: number;
  /** Takes the place of the body after it was signed. */
  readonly sentBody?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SentAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly durationMs: number;
}

export type Sender = (draft: Draft) => Promise<SentAnswer>;

/** Reads the secret once and gives what signs and posts. Faults: `misconfigured` for options. */
export async function createSender(options: SenderOptions): Promise<Sender> {
  if (!URL.canParse(options.url) || !/^https?:/.test(options.url)) {
    throw new Fault(`expected an http:// or https:// address, found ${options.url}`, {
      kind: 'misconfigured',
      code: 'ADDRESS_INVALID',
      stage: 'start',
    });
  }
  const dialect: Dialect = dialects[options.dialect];
  const key = await keyOf(options, dialect);
  return async (draft) => {
    const { body, idempotencyKey, t, sentBody = body } = draft;
    const signed =
      key && sign(dialect, { t: String(t), id: messageId(idempotencyKey) }, [key], body);
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      ...draft.headers,
      'idempotency-key': idempotencyKey,
      ...(options.source === undefined ? {} : { 'x-waybill-source': options.source }),
      ...signed,
    };
    return post(options.url, headers, sentBody);
  };
}

async function keyOf(options: SenderOptions, dialect: Dialect): Promise<Key | undefined> {
  // Senders that cannot sign have their secret in the address.
  if (options.secretFile === undefined) return undefined;
  const key = dialect.key(await readSecret(options.secretFile, options.secretsDir));
  if (key === undefined) {
    throw unusable(`the text in ${options.secretFile} cannot be a secret of ${dialect.name}`);
  }
  return key;
}

/** Ids of messages have no dots: they end where the signed time begins. */
function messageId(idempotencyKey: string): string {
  return idempotencyKey.replaceAll(/[^\x21-\x2d\x2f-\x7e]/g, '-');
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<SentAnswer> {
  const started = performance.now();
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    const durationMs = Math.round((performance.now() - started) * 10) / 10;
    return { status: response.status, headers: response.headers, body: text, durationMs };
  } catch (error) {
    throw new Fault(`${new URL(url).origin} does not answer; is ingest running there?`, {
      kind: 'transient',
      code: 'SERVICE_UNREACHABLE',
      stage: 'deliver',
      cause: error,
    });
  }
}

export function newKey(): string {
  return randomUUID();
}
