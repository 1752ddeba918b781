import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { Fault } from '@waybill/fault';
import { refusalAnswer, type Answer, type Refusal, type RefusalCode } from '../core/answer.ts';
import { pushPermission } from '../core/push-permission.ts';
import type { Admission, Hold } from './admission.ts';
import { documents } from './documents.ts';
import { limitConnections, parserLimits, pipelineLimit, refuseConnection } from './http-limits.ts';
import { BODY_LIMIT_BYTES, createBodyReader, type BodyReader } from './read-body.ts';
import { routeOf, type Route, type WebhookRoute } from './route.ts';
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
  /** Host names of senders that may ask by OPTIONS whether they may push. */
  readonly origins: readonly string[];
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
  const { tls, onRefused } = options;
  const state = { closing: false };
  const bodies = createBodyReader(() => onRefused('REQUEST_TIMEOUT'));
  const receive = createReceiver(options, state, bodies);
  const server = tls
    ? createSecureServer({ ...parserLimits, ...tls }, receive)
    : createServer(parserLimits, receive);
  server.on('clientError', (error: Error, socket: Socket) =>
    refuseConnection(error, socket, onRefused),
  );
  limitConnections(server, options.connectionsMax, options.onDropped);
  await listen(server, options);
  // A TCP server that listens has an address object, not a pipe name.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    secure: server instanceof SecureServer ? server : undefined,
    close: async (deadlineMs) => {
      state.closing = true;
      await drained(server, deadlineMs);
      bodies.close();
    },
  };
}

/** Ends with the last answer, or at the deadline with what is still at work: it was never acknowledged. */
async function drained(server: Server, deadlineMs: number): Promise<void> {
  const late = setTimeout(() => server.closeAllConnections(), deadlineMs);
  const closed = once(server, 'close');
  server.close();
  await closed;
  clearTimeout(late);
}

/** One request and the way to answer it. */
interface Visit {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Receive = (request: IncomingMessage, response: ServerResponse) => void;

/** Every request: a place at the door → its address → its body → the handler → the answer. */
function createReceiver(
  options: HttpServerOptions,
  state: { readonly closing: boolean },
  bodies: BodyReader,
): Receive {
  const pages = documents();
  const pipelines = pipelineLimit();
  const addressOf = senderAddresses(options);

  /** What needs no body. */
  const knownAnswer = (route: Route, { headers }: IncomingMessage): Answer | undefined => {
    if (route.kind === 'document') return pages.get(route.path);
    return route.kind === 'permission' ? pushPermission(headers, options.origins) : undefined;
  };
  const answer = (visit: Visit, given: Answer): void => send(visit, given, state.closing);
  const refuse = (visit: Visit, refusal: Refusal, closing: boolean): void => {
    options.onRefused(refusal.code);
    send(visit, refusalAnswer(refusal), closing || state.closing);
  };
  const receiveBody = (visit: Visit, hold: Hold, handled: Handled): void => {
    const { request } = visit;
    bodies.read(request, hold, (result) => {
      if (result.kind === 'gone') return;
      if (result.kind === 'refused') {
        const { code } = result;
        const later =
          code === 'OVERLOADED' ? { retryAfterS: options.admission.retryAfterS(code) } : {};
        refuse(visit, { kind: 'refused', code, ...later }, true);
        return;
      }
      const { route, handle } = handled;
      const { id } = visit;
      const clientAddress = addressOf(request);
      void handle(webhookRequest({ id, request, route, body: result.body, clientAddress })).then(
        (given) => answer(visit, given),
      );
    });
  };

  return (request, response) => {
    const visit = { id: randomUUID(), request, response };
    const hold = admit(visit, { options, pipelines, refuse, closing: state.closing });
    if (hold === undefined) return;
    const route = routeOf(request.method, request.url);
    const handle = route?.kind === 'token' ? options.answerToken : options.handle;
    const known = route && knownAnswer(route, request);
    if (known !== undefined) answer(visit, known);
    else if (route === undefined || !('secret' in route) || handle === undefined) {
      refuse(visit, { kind: 'refused', code: 'NOT_FOUND' }, false);
    } else if (request.headers['content-encoding'] !== undefined) {
      refuse(visit, { kind: 'refused', code: 'ENCODING_UNSUPPORTED' }, false);
    } else receiveBody(visit, hold, { route, handle });
  };
}

interface Handled {
  readonly route: WebhookRoute;
  readonly handle: HttpServerOptions['handle'];
}

/** One write for head and body. */
function send({ id, response }: Visit, { status, headers, body }: Answer, closing: boolean): void {
  const all: Record<string, string | number> = {
    'request-id': id,
    ...headers,
    'content-length': Buffer.byteLength(body),
  };
  if (closing) all['connection'] = 'close';
  response.writeHead(status, all);
  response.end(body);
}

interface Entrance {
  readonly options: Pick<HttpServerOptions, 'admission'>;
  readonly pipelines: ReturnType<typeof pipelineLimit>;
  readonly refuse: (visit: Visit, refusal: Refusal, closing: boolean) => void;
  readonly closing: boolean;
}

/** Decides before the body is read: bodies are what takes memory. Undefined: the request was refused. */
function admit(visit: Visit, entrance: Entrance): Hold | undefined {
  const { request, response } = visit;
  const { options, pipelines, refuse } = entrance;
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > BODY_LIMIT_BYTES) {
    refuse(visit, { kind: 'refused', code: 'BODY_TOO_LARGE' }, true);
    return undefined;
  }
  if (entrance.closing) {
    refuse(visit, { kind: 'refused', code: 'UNAVAILABLE' }, true);
    return undefined;
  }
  const place = options.admission.enter(declared);
  if ('code' in place) {
    refuse(visit, { kind: 'refused', ...place }, true);
    return undefined;
  }
  const { socket } = request;
  const isWithin = pipelines.enter(socket);
  // Also when the sender hangs up.
  response.once('close', () => {
    place.release();
    if (isWithin) pipelines.leave(socket);
  });
  if (isWithin) return place;
  refuse(visit, { kind: 'refused', code: 'OVERLOADED' }, true);
  return undefined;
}

interface Received {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly route: WebhookRoute;
  readonly body: Buffer;
  readonly clientAddress: string;
}

function webhookRequest({ id, request, route, body, clientAddress }: Received): WebhookRequest {
  return {
    id,
    path: route.path,
    pathSecret: route.secret,
    headers: plainHeaders(request),
    body,
    clientAddress,
    clientCertificate: clientCertificateOf(request.socket),
  };
}

/** Of repeated headers Node makes one text, with one exception that no sender of ours has a use for. */
function plainHeaders({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  delete headers['set-cookie'];
  return headers as Readonly<Record<string, string>>;
}

/** Addresses of senders, worked out once per connection as long as its proxy says the same. */
function senderAddresses({
  clientAddress,
}: Pick<HttpServerOptions, 'clientAddress'>): (request: IncomingMessage) => string {
  const known = new WeakMap<Socket, { readonly forwarded: unknown; readonly address: string }>();
  return ({ socket, headers }) => {
    const forwarded = headers['x-forwarded-for'];
    const before = known.get(socket);
    if (before !== undefined && before.forwarded === forwarded) return before.address;
    const text = Array.isArray(forwarded) ? forwarded.join(', ') : forwarded;
    const address = clientAddress(socket.remoteAddress ?? '', text);
    known.set(socket, { forwarded, address });
    return address;
  };
}

async function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Fault(
      `cannot listen on ${host}:${port} (${why}); choose another INGEST_HTTP_PORT or 0`,
      { kind: 'misconfigured', code: 'PORT_UNAVAILABLE', stage: 'start', cause: error },
    );
  }
}
