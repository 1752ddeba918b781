import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Fault } from '@waybill/fault';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { refusalAnswer, type Answer, type RefusalCode } from '../core/answer.ts';

/** A request as it came, with the whole body. */
export interface WebhookRequest {
  /**
   * New for every request, repeats too; stands in the answer's Request-Id, in log and audit, so that a
   * sender who was told nothing can ask about it.
   */
  readonly id: string;
  /** `<tenant>/<source>` of the path; undefined when the path ends before. */
  readonly path: string | undefined;
  /** What follows the source in the path: the secret of senders that cannot sign. Never logged or kept. */
  readonly pathSecret: string | undefined;
  /** Lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Of the sender: the far end of the connection, or what a trusted proxy says. Empty: unknown. */
  readonly clientAddress: string;
}

export interface HttpServer {
  readonly port: number;
  readonly inFlight: () => number;
  /** Takes no more requests and waits for those at work. */
  readonly close: () => Promise<void>;
}

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly inFlightMax: number;
  readonly handle: (request: WebhookRequest) => Promise<Answer>;
  /** Who speaks, given the far end of the connection and X-Forwarded-For. */
  readonly clientAddress: (remote: string, forwarded: string | undefined) => string;
  /** A request that ended before the handler. */
  readonly onRefused: (code: RefusalCode) => void;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
/** For the whole request to arrive; slow senders would fill the places of others. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than the idle timeout of the usual load balancer (60 s). */
const KEEP_ALIVE_MS = 72_000;

/** Listens for webhooks. Rejects with Fault `misconfigured` / `PORT_UNAVAILABLE`. */
export async function listenForWebhooks(options: HttpServerOptions): Promise<HttpServer> {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('request-id', request.id);
  });
  const refuse = (reply: FastifyReply, code: RefusalCode): FastifyReply => {
    options.onRefused(code);
    return send(reply, refusalAnswer({ kind: 'refused', code }));
  };
  const inFlight = limitInFlight(app, options.inFlightMax, refuse);
  const close = closer(app);
  acceptAnyBody(app);
  app.setErrorHandler((error: FastifyError, _request, reply) => refuse(reply, codeOf(error)));
  app.setNotFoundHandler((_request, reply) => refuse(reply, 'NOT_FOUND'));
  addRoutes(app, options, refuse);
  await listen(app, options);
  // A TCP server that listens has an address object, not a pipe name.
  const { port } = app.server.address() as AddressInfo;
  return { port, inFlight, close };
}

/** A connection that is busy when the close begins ends with its answer; it is not kept alive after it. */
function closer(app: FastifyInstance): () => Promise<void> {
  let closing = false;
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  return () => {
    closing = true;
    return app.close();
  };
}

/** Counts before the body is read: bodies are what takes memory. */
function limitInFlight(
  app: FastifyInstance,
  maximum: number,
  refuse: (reply: FastifyReply, code: RefusalCode) => FastifyReply,
): () => number {
  let count = 0;
  app.addHook('onRequest', async (_request, reply) => {
    if (count >= maximum) return refuse(reply, 'OVERLOADED');
    count += 1;
    // Also when the sender hangs up.
    reply.raw.once('close', () => (count -= 1));
  });
  return () => count;
}

/** The bytes are what was signed, so nothing may parse or change them before the check. */
function acceptAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

interface RouteParameters {
  readonly tenant?: string;
  readonly source?: string;
  readonly secret?: string;
}

function addRoutes(
  app: FastifyInstance,
  options: HttpServerOptions,
  refuse: (reply: FastifyReply, code: RefusalCode) => FastifyReply,
): void {
  const base = '/webhooks/telematics';
  for (const url of [base, `${base}/:tenant/:source`, `${base}/:tenant/:source/:secret`]) {
    app.post<{ Params: RouteParameters }>(url, async (request, reply) => {
      if (request.headers['content-encoding'] !== undefined) {
        return refuse(reply, 'ENCODING_UNSUPPORTED');
      }
      const { tenant, source, secret } = request.params;
      const headers = plainHeaders(request.headers);
      const answer = await options.handle({
        id: request.id,
        pathSecret: secret,
        clientAddress: options.clientAddress(
          request.socket.remoteAddress ?? '',
          headers['x-forwarded-for'],
        ),
        path: tenant === undefined ? undefined : `${tenant}/${source ?? ''}`,
        headers,
        // A request without a body does not reach the parser.
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      });
      return send(reply, answer);
    });
  }
}

function plainHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const { status, headers, body } = answer;
  // Bytes, not text: to the type of a text the framework would add a charset.
  return reply
    .code(status)
    .headers(headers)
    .send(body === '' ? undefined : Buffer.from(body));
}

function codeOf(error: FastifyError): RefusalCode {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return 'BODY_TOO_LARGE';
  return (error.statusCode ?? 500) < 500 ? 'REQUEST_MALFORMED' : 'INTERNAL';
}

async function listen(app: FastifyInstance, options: HttpServerOptions): Promise<void> {
  const { host, port } = options;
  try {
    await app.listen({ host, port });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Fault(
      `cannot listen on ${host}:${port} (${why}); choose another INGEST_HTTP_PORT or 0`,
      { kind: 'misconfigured', code: 'PORT_UNAVAILABLE', stage: 'start', cause: error },
    );
  }
}
