import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault, toFault } from '@waybill/fault';
import type { Metrics } from './metrics.ts';

const BODY_LIMIT_BYTES = 8 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** Position of a reader in one partition; fits the stream core's `Position`. */
export interface HealthPosition {
  readonly topic: string;
  readonly partition: number;
  readonly next: bigint;
  readonly lag: bigint;
}

export interface HealthReport {
  readonly service: string;
  /** Assigned, restored and connected. */
  readonly ready: boolean;
  readonly positions: readonly HealthPosition[];
  /** Further facts, put beside the others. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

export interface RouteAnswer {
  readonly status: number;
  /** Text or bytes go out as they are, anything else as JSON (bigint as text). */
  readonly body: unknown;
  readonly contentType?: string;
}

/** Answers one route; a Fault becomes 4xx for refused, malformed and misconfigured, else 503 or 500. */
export type Route = (url: URL, body: Buffer) => Promise<RouteAnswer>;

/** Keys are `GET /report`, `POST /tenants/*`: a `*` stands for the rest of the path. */
export type Routes = Readonly<Record<string, Route>>;

export interface HealthServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

export interface HealthOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly health: () => HealthReport;
  readonly routes?: Routes | (() => Routes);
}

/** Serves /metrics, /health and the given routes. Throws Fault `misconfigured` / `PORT_UNAVAILABLE`. */
export async function serveHealth(options: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    void answer(options, request).then((result) => send(response, result));
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await listen(server, options.host, options.port);
  // A TCP server that listens has an address object, not a pipe name.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // Whoever still waits for an answer gets a second, then the socket is cut.
        setTimeout(() => server.closeAllConnections(), 1000).unref();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Fault(
          `cannot listen on ${host}:${port} (${error.code ?? error.message}); choose another HTTP_PORT or 0`,
          { kind: 'misconfigured', code: 'PORT_UNAVAILABLE', stage: 'start', cause: error },
        ),
      );
    });
    server.listen(port, host, () => resolve());
  });
}

async function answer(options: HealthOptions, request: IncomingMessage): Promise<RouteAnswer> {
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? 'GET';
    if (method === 'GET' && url.pathname === '/metrics') {
      const { text, contentType } = options.metrics;
      return { status: 200, body: await text(), contentType };
    }
    if (method === 'GET' && url.pathname === '/health') return healthAnswer(options.health());
    const routes = typeof options.routes === 'function' ? options.routes() : options.routes;
    const route = findRoute(routes ?? {}, method, url.pathname);
    if (route === undefined) return { status: 404, body: { code: 'NOT_FOUND' } };
    const body = await readBody(request);
    if (body === undefined) return { status: 413, body: { code: 'TOO_LARGE' } };
    return await route(url, body);
  } catch (error) {
    return faultAnswer(toFault(error, 'decide'));
  }
}

function findRoute(routes: Routes, method: string, path: string): Route | undefined {
  const exact = routes[`${method} ${path}`];
  if (exact !== undefined) return exact;
  return Object.entries(routes).find(
    ([key]) => key.endsWith('*') && `${method} ${path}`.startsWith(key.slice(0, -1)),
  )?.[1];
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function healthAnswer(report: HealthReport): RouteAnswer {
  const { service, ready, positions, extra } = report;
  return {
    status: ready ? 200 : 503,
    // That this answer is given at all shows that the loop turns.
    body: { live: true, ready, service, positions, ...extra },
  };
}

function faultAnswer(fault: Fault): RouteAnswer {
  const { kind, code, message } = fault;
  return { status: statusOf(kind), body: { kind, code, message } };
}

function statusOf(kind: Fault['kind']): number {
  switch (kind) {
    case 'malformed':
      return 400;
    case 'refused':
    case 'unmapped':
    case 'misconfigured':
      return 422;
    case 'transient':
    case 'cancelled':
      return 503;
    case 'bug':
      return 500;
  }
}

function send(response: ServerResponse, result: RouteAnswer): void {
  const plain = typeof result.body === 'string' || Buffer.isBuffer(result.body);
  const body = plain ? result.body : `${toJson(result.body)}\n`;
  const contentType = result.contentType ?? (plain ? 'text/plain' : 'application/json');
  response.writeHead(result.status, { 'content-type': contentType }).end(body);
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? inner.toString() : inner,
  );
}
