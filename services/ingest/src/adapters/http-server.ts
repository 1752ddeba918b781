import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { Fault } from '@waybill/fault';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { refusalAnswer, type Answer, type Refusal, type RefusalCode } from '../core/answer.ts';
import type { Admission, Hold } from './admission.ts';
import { addDocumentRoutes } from './document-routes.ts';
import {
  frameworkLimits,
  limitConnections,
  parserLimits,
  pipelineLimit,
  refuseConnection,
} from './http-limits.ts';
import { BODY_LIMIT_BYTES, createBodyReader, type BodyResult } from './read-body.ts';
import { clientCertificateOf } from './tls.ts';

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
  /** Of a TLS connection whose client showed one. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** A certificate whose key the client holds. */
export interface ClientCertificate {
  /** SHA-256, hex with colons. */
  readonly fingerprint: string;
  /** `CN=…` and further parts in the order of the certificate, separated by commas. */
  readonly subject: string;
  /** Made by the configured authority and valid now. */
  readonly isTrusted: boolean;
}

export interface HttpServer {
  readonly port: number;
  /** Undefined without TLS. */
  readonly secure: Pick<SecureServer, 'setSecureContext'> | undefined;
  /** Takes nothing new, answers what is at work, and after the deadline ends what is left. */
  readonly close: (deadlineMs: number) => Promise<void>;
}

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** Open connections; more are dropped before a byte is read. */
  readonly connectionsMax: number;
  readonly admission: Pick<Admission, 'enter' | 'retryAfterS'>;
  /** Never rejects. */
  readonly handle: (request: WebhookRequest) => Promise<Answer>;
  /** Answers `POST /oauth/token`; undefined: there is no such address. */
  readonly answerToken: ((request: WebhookRequest) => Promise<Answer>) | undefined;
  /** Undefined: plain HTTP, for a proxy in front that speaks TLS. */
  readonly tls: TlsOptions | undefined;
  /** Who speaks, given the far end of the connection and X-Forwarded-For. */
  readonly clientAddress: (remote: string, forwarded: string | undefined) => string;
  /** A request that ended before the handler. */
  readonly onRefused: (code: RefusalCode) => void;
  /** A connection over the limit. */
  readonly onDropped: () => void;
}

/** Listens for webhooks. Rejects with Fault `misconfigured` / `PORT_UNAVAILABLE`. */
export async function listenForWebhooks(options: HttpServerOptions): Promise<HttpServer> {
  const { tls } = options;
  const app = fastify({
    ...frameworkLimits,
    // The types know a server with TLS only as another kind of app; all that is used here is the same.
    ...((tls ? { https: { ...parserLimits, ...tls } } : { http: parserLimits }) as object),
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
    // Instead of the framework's own words for a path that cannot be read or is too long.
    frameworkErrors: (_error, request: FastifyRequest, reply: FastifyReply) =>
      door.refuse(request, reply, { kind: 'refused', code: 'NOT_FOUND' }),
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, options.onRefused),
  });
  const state = { closing: false };
  const door = createDoor(options, state);
  admit(app, options, door);
  const bodies = readBodies(app, door, options.onRefused);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    door.refuse(request, reply, { kind: 'refused', code: codeOf(error) });
  });
  app.setNotFoundHandler((request, reply) => {
    door.refuse(request, reply, { kind: 'refused', code: 'NOT_FOUND' });
  });
  addRoutes(app, options, door);
  addDocumentRoutes(app);
  limitConnections(app, options.connectionsMax, options.onDropped);
  await listen(app, options);
  // A TCP server that listens has an address object, not a pipe name.
  const { port } = app.server.address() as AddressInfo;
  return {
    port,
    secure: app.server instanceof SecureServer ? app.server : undefined,
    close: async (deadlineMs) => {
      state.closing = true;
      await drained(app, deadlineMs);
      bodies.close();
    },
  };
}

/** Ends with the last answer, or at the deadline with what is still at work: it was never acknowledged. */
async function drained(app: FastifyInstance, deadlineMs: number): Promise<void> {
  const late = setTimeout(() => app.server.closeAllConnections(), deadlineMs);
  await app.close();
  clearTimeout(late);
}

/** What happens to one request at the door. */
interface Door {
  readonly refuse: (
    request: FastifyRequest,
    reply: FastifyReply,
    refusal: Refusal & { readonly closing?: boolean },
  ) => void;
  readonly answer: (request: FastifyRequest, reply: FastifyReply, answer: Answer) => void;
  readonly holds: WeakMap<IncomingMessage, Hold>;
}

function createDoor(options: HttpServerOptions, state: { readonly closing: boolean }): Door {
  const write = (
    request: FastifyRequest,
    reply: FastifyReply,
    answer: Answer,
    closing: boolean,
  ): void => {
    if (reply.sent) return;
    reply.hijack();
    send(reply.raw, {
      ...answer,
      headers: {
        'request-id': request.id,
        ...answer.headers,
        ...(closing && { connection: 'close' }),
      },
    });
  };
  return {
    holds: new WeakMap(),
    refuse: (request, reply, refusal) => {
      options.onRefused(refusal.code);
      write(request, reply, refusalAnswer(refusal), state.closing || refusal.closing === true);
    },
    answer: (request, reply, answer) => write(request, reply, answer, state.closing),
  };
}

/** One write for head and body. */
function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Decides before the body is read: bodies are what takes memory. */
function admit(app: FastifyInstance, options: HttpServerOptions, door: Door): void {
  const pipelines = pipelineLimit();
  app.addHook('onRequest', (request, reply, next) => {
    const { raw } = request;
    const declared = Number(raw.headers['content-length'] ?? 0);
    if (declared > BODY_LIMIT_BYTES) {
      door.refuse(request, reply, { kind: 'refused', code: 'BODY_TOO_LARGE', closing: true });
      return;
    }
    const place = options.admission.enter(declared);
    if ('code' in place) {
      door.refuse(request, reply, { kind: 'refused', ...place, closing: true });
      return;
    }
    door.holds.set(raw, place);
    const isFirst = pipelines.enter(raw.socket);
    // Also when the sender hangs up.
    reply.raw.once('close', () => {
      place.release();
      if (isFirst) pipelines.leave(raw.socket);
    });
    if (isFirst) next();
    else door.refuse(request, reply, { kind: 'refused', code: 'OVERLOADED', closing: true });
  });
}

/** The bytes are what was signed, so nothing may parse or change them before the check. */
function readBodies(
  app: FastifyInstance,
  door: Door,
  onRefused: (code: RefusalCode) => void,
): { readonly close: () => void } {
  const reader = createBodyReader(() => onRefused('REQUEST_TIMEOUT'));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, payload, done) => {
    const hold = door.holds.get(request.raw);
    // Every request that gets here came in through `admit`.
    if (hold === undefined) return;
    reader.read(payload, hold, (result) => done(null, result));
  });
  return reader;
}

interface RouteParameters {
  readonly tenant?: string;
  readonly source?: string;
  readonly secret?: string;
}

const EMPTY: BodyResult = { kind: 'body', body: Buffer.alloc(0) };

function addRoutes(app: FastifyInstance, options: HttpServerOptions, door: Door): void {
  const base = '/webhooks/telematics';
  const post = (url: string, handle: HttpServerOptions['handle']): void => {
    app.post<{ Params: RouteParameters; Body: BodyResult | undefined }>(url, (request, reply) => {
      // A request without a body does not reach the parser.
      const result = request.body ?? EMPTY;
      if (request.headers['content-encoding'] !== undefined) {
        door.refuse(request, reply, { kind: 'refused', code: 'ENCODING_UNSUPPORTED' });
      } else if (result.kind === 'refused') {
        const { code } = result;
        const later =
          code === 'OVERLOADED' ? { retryAfterS: options.admission.retryAfterS(code) } : {};
        door.refuse(request, reply, { kind: 'refused', code, closing: true, ...later });
      } else if (result.kind === 'gone') {
        reply.hijack();
      } else {
        const handled = handle(webhookRequest(request, result.body, options));
        void handled.then((answer) => door.answer(request, reply, answer));
      }
    });
  };
  for (const url of [base, `${base}/:tenant/:source`, `${base}/:tenant/:source/:secret`]) {
    post(url, options.handle);
  }
  if (options.answerToken !== undefined) post('/oauth/token', options.answerToken);
}

function webhookRequest(
  request: FastifyRequest<{ Params: RouteParameters }>,
  body: Buffer,
  options: Pick<HttpServerOptions, 'clientAddress'>,
): WebhookRequest {
  const { tenant, source, secret } = request.params;
  const { socket } = request;
  const headers = plainHeaders(request.headers);
  return {
    id: request.id,
    path: tenant === undefined ? undefined : `${tenant}/${source ?? ''}`,
    pathSecret: secret,
    headers,
    body,
    clientAddress: options.clientAddress(socket.remoteAddress ?? '', headers['x-forwarded-for']),
    clientCertificate: clientCertificateOf(socket),
  };
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
