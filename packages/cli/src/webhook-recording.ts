import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Fault } from '@waybill/fault';
import { dialects } from '@waybill/signatures';

/** Most requests of one recording. */
export const RECORDED_MAX = 100_000;

/**
 * One recorded request; a recording is one JSON object a line. The body is text where it is UTF-8, else
 * base64; either way replay sends the very bytes.
 */
export interface RecordedRequest {
  /** When it came, ISO 8601 UTC. */
  readonly at: string;
  /** Path without query and without the secret of senders that cannot sign. */
  readonly path: string;
  /** Lower case names; without credentials and without what belongs to the connection. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly body_base64?: string;
  /** What the receiver answered; null when it was only recorded. */
  readonly status: number | null;
}

/** Proofs and cookies, and headers that a new connection makes itself. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'x-api-key'],
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'expect'],
  ...['x-forwarded-for', 'x-real-ip', 'forwarded', 'upgrade', 'te', 'trailer'],
  ...Object.values(dialects).flatMap(({ headers }) => headers),
]);

const SECRET_PATH = /^(\/webhooks\/telematics\/[^/]+\/[^/]+)\/.*$/;

/** What a recording keeps of a request. */
export function recorded(
  request: {
    readonly at: Date;
    readonly url: string;
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
    readonly body: Buffer;
  },
  status: number | null,
): RecordedRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || LEFT_OUT.has(name)) continue;
    headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  const text = request.body.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(request.body);
  const [path = '/'] = request.url.split('?');
  return {
    at: request.at.toISOString(),
    path: path.replace(SECRET_PATH, '$1'),
    headers,
    ...(isText ? { body: text } : { body_base64: request.body.toString('base64') }),
    status,
  };
}

/** The bytes of a recorded body. */
export function bodyOf(request: RecordedRequest): Buffer {
  return request.body_base64 === undefined
    ? Buffer.from(request.body ?? '', 'utf8')
    : Buffer.from(request.body_base64, 'base64');
}

function isRecorded(value: unknown): value is RecordedRequest {
  if (typeof value !== 'object' || value === null) return false;
  const { at, path, headers, status, body, body_base64: base64 } = value as Record<string, unknown>;
  return (
    [at, path].every((text) => typeof text === 'string') &&
    (status === null || typeof status === 'number') &&
    (typeof body === 'string') !== (typeof base64 === 'string') &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every((text) => typeof text === 'string')
  );
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Reads a recording. Fault `malformed` / `RECORDING_INVALID` with file and line. */
export async function readRecording(file: string): Promise<readonly RecordedRequest[]> {
  const requests: RecordedRequest[] = [];
  const invalid = (message: string, cause?: unknown): Fault =>
    new Fault(message, { kind: 'malformed', code: 'RECORDING_INVALID', stage: 'decode', cause });
  const input = createReadStream(file, 'utf8');
  let number = 0;
  try {
    for await (const line of createInterface({ input })) {
      number += 1;
      if (line.trim() === '') continue;
      const value = parseLine(line);
      if (!isRecorded(value)) {
        throw invalid(
          `${file}:${number}: expected {at, path, headers, body or body_base64, status}`,
        );
      }
      if (requests.push(value) > RECORDED_MAX) {
        throw invalid(`${file}: expected at most ${RECORDED_MAX} requests, found more`);
      }
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw invalid(`cannot read ${file}`, error);
  }
  return requests;
}
