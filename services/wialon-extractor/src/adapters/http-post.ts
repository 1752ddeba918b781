import { Agent, request as plainRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';

/**
 * An unused connection is closed after so long: providers close theirs without a word, and a poll that
 * is sent into a closing connection is an answer lost.
 */
const KEEP_ALIVE_MS = 4000;
/** Larger bodies are unpacked on another thread. */
const UNPACKED_AT_ONCE_BYTES = 64 * 1024;

const agents = {
  'http:': new Agent({ keepAlive: true, timeout: KEEP_ALIVE_MS }),
  'https:': new TlsAgent({ keepAlive: true, timeout: KEEP_ALIVE_MS }),
} as const;
const unpack = promisify(gunzip);

/** A request and what bounds it. */
export interface Post {
  readonly url: string;
  readonly form: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Limit of the body, packed or unpacked. */
  readonly limitBytes: number;
}

/** Codes of failures beside those of the system, such as ECONNREFUSED. */
export const postCodes = { timeout: 'POST_TIMEOUT', tooLarge: 'POST_TOO_LARGE' } as const;

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What of an answer had come when it failed. */
const partials = new WeakMap<Error, PostAnswer>();

/** What came of the answer before `post` rejected with this error; undefined = nothing. */
export function partialOf(error: unknown): PostAnswer | undefined {
  return error instanceof Error ? partials.get(error) : undefined;
}

/** An answer, unpacked. */
export interface PostAnswer {
  readonly status: number;
  readonly contentType?: string | undefined;
  readonly body: Buffer;
}

/** Reads to the end; an answer that is cut off is the error ECONNRESET. */
function readBody(response: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > limitBytes) response.destroy(failure(postCodes.tooLarge));
    });
    response.on('error', (error: Error) => {
      partials.set(error, { ...headOf(response), body: Buffer.concat(chunks, bytes) });
      reject(error);
    });
    response.on('end', () => resolve(Buffer.concat(chunks, bytes)));
  });
}

function headOf({ statusCode, headers }: IncomingMessage): Omit<PostAnswer, 'body'> {
  return { status: statusCode ?? 0, contentType: headers['content-type'] };
}

async function unpacked(packed: Buffer, limitBytes: number): Promise<Buffer> {
  const options = { maxOutputLength: limitBytes };
  try {
    return packed.length > UNPACKED_AT_ONCE_BYTES
      ? await unpack(packed, options)
      : gunzipSync(packed, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ERR_BUFFER_TOO_LARGE' ? failure(postCodes.tooLarge) : error;
  }
}

function send({ url, form, signal, timeoutMs }: Post): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const isTls = target.protocol === 'https:';
    const request = (isTls ? tlsRequest : plainRequest)(target, {
      method: 'POST',
      agent: agents[isTls ? 'https:' : 'http:'],
      headers: {
        // Without gzip the provider refuses to load messages.
        'accept-encoding': 'gzip',
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
        'content-length': Buffer.byteLength(form),
      },
    });
    const leave = (): void => void request.destroy(failure('ABORT_ERR'));
    const timer = setTimeout(() => request.destroy(failure(postCodes.timeout)), timeoutMs);
    signal.addEventListener('abort', leave, { once: true });
    request.on('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    });
    request.on('error', reject);
    request.on('response', resolve);
    if (signal.aborted) leave();
    else request.end(form);
  });
}

/**
 * One form POST over kept connections, with far less work per call than `fetch` does. Redirects are answers
 * like any other. Rejects with an Error that has a `code`.
 */
export async function post(options: Post): Promise<PostAnswer> {
  const response = await send(options);
  const body = await readBody(response, options.limitBytes);
  const head = headOf(response);
  if (response.headers['content-encoding'] !== 'gzip') return { ...head, body };
  try {
    return { ...head, body: await unpacked(body, options.limitBytes) };
  } catch (error) {
    if (error instanceof Error) partials.set(error, { ...head, body });
    throw error;
  }
}
