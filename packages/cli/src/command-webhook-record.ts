import { createWriteStream, type WriteStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { Fault } from '@waybill/fault';
import { EXIT } from './exit-code.ts';
import type { Run } from './run.ts';
import type { Terminal } from './terminal.ts';
import { RECORDED_MAX, recorded } from './webhook-recording.ts';

interface Options {
  readonly port: number;
  readonly host: string;
  readonly forward?: string;
  readonly count: number;
}

/** As large as ingest takes them. */
const BODY_BYTES_MAX = 1_000_000;
const FORWARD_TIMEOUT_MS = 30_000;

const help = `
Point a sender at the printed address. Every request is appended to the file as one JSON object a line:
  {at, path, headers, body | body_base64, status}
without signatures, tokens, cookies and path secrets. With --forward it also goes on to the real address,
unchanged, and the sender gets its answer, which is recorded as the expected status; without, the answer
is 200. Bodies up to 1 MB. Ends with Ctrl-C or after --count.

Examples:
  waybill webhook record staging.jsonl --port 9000 --forward http://127.0.0.1:8092
  waybill webhook record sample.jsonl --count 100`;

function wholeNumber(maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 0 && value <= maximum) return value;
    throw new InvalidArgumentError(`expected a whole number up to ${maximum}.`);
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Headers that belong to one connection. */
const HOP = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'expect',
]);

async function forwarded(base: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    value === undefined || HOP.has(name) ? [] : [[name, String(value)] as [string, string]],
  );
  const response = await fetch(new URL(request.url ?? '/', base), {
    method: request.method ?? 'POST',
    headers,
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS),
  });
  const kept = [
    'content-type',
    'retry-after',
    'request-id',
    'idempotent-replayed',
    'www-authenticate',
  ];
  const answered = kept.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: Object.fromEntries(answered), body: bytes };
}

async function answerOf(options: Options, request: IncomingMessage, body: Buffer): Promise<Answer> {
  if (options.forward === undefined) {
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{}'),
    };
  }
  try {
    return await forwarded(options.forward, request, body);
  } catch {
    return { status: 502, headers: {}, body: Buffer.alloc(0) };
  }
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  options: Options,
): Promise<string | undefined> {
  const at = new Date();
  const body = request.method === 'POST' ? await bodyOf(request) : undefined;
  if (body === undefined) {
    response.writeHead(request.method === 'POST' ? 413 : 405, { connection: 'close' }).end();
    return undefined;
  }
  const answer = await answerOf(options, request, body);
  response.writeHead(answer.status, answer.headers).end(answer.body);
  const { url = '/', headers } = request;
  // What never reached the receiver has no expected status.
  const isKnown = options.forward !== undefined && answer.status !== 502;
  return JSON.stringify(recorded({ at, url, headers, body }, isKnown ? answer.status : null));
}

async function listen(server: Server, { host, port }: Options): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Fault(`cannot listen on ${host}:${port}; choose another --port`, {
      kind: 'misconfigured',
      code: 'PORT_UNAVAILABLE',
      stage: 'start',
      cause: error,
    });
  }
  // A TCP server that listens has an address object.
  return (server.address() as AddressInfo).port;
}

async function openFile(file: string): Promise<WriteStream> {
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  try {
    await once(stream, 'open');
  } catch (error) {
    throw new Fault(`cannot write ${file}`, {
      kind: 'misconfigured',
      code: 'FILE_UNWRITABLE',
      stage: 'start',
      cause: error,
    });
  }
  return stream;
}

async function recordTo(file: string, options: Options, terminal: Terminal): Promise<number> {
  const stream = await openFile(file);
  const ended = Promise.withResolvers<void>();
  let count = 0;
  const server = createServer((request, response) => {
    take(request, response, options).then(
      (line) => {
        if (line === undefined || count >= options.count) return;
        count += 1;
        stream.write(`${line}\n`);
        if (count >= options.count) ended.resolve();
      },
      () => response.destroy(),
    );
  });
  const port = await listen(server, options);
  terminal.err(`recording http://${options.host}:${port} into ${file}; Ctrl-C ends it`);
  const end = (): void => ended.resolve();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  await ended.promise;
  process.off('SIGINT', end);
  process.off('SIGTERM', end);
  server.closeIdleConnections();
  await new Promise((resolve) => server.close(resolve));
  stream.end();
  await once(stream, 'close');
  return count;
}

/** `waybill webhook record`: takes a sender's requests and writes them down. */
export function recordCommand(run: Run): Command {
  return new Command('record')
    .description('store real requests for replay, without their credentials')
    .argument('<file>', 'recording; requests are appended')
    .option('--port <n>', 'port to listen on; 0 = any free one', wholeNumber(65_535), 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--forward <url>', 'where the requests really belong')
    .option('--count <n>', 'requests to record', wholeNumber(RECORDED_MAX), RECORDED_MAX)
    .addHelpText('after', help)
    .action((file: string, options: Options) =>
      run(async (terminal) => {
        terminal.out(`${await recordTo(file, options, terminal)} requests recorded in ${file}`);
        return EXIT.ok;
      }),
    );
}
