import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { RefusalCode } from '../core/answer.ts';

/** For the headers to arrive. */
const HEADERS_TIMEOUT_MS = 5_000;
/** For the whole request to arrive; slow senders would fill the places of others. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How often the two are looked at. */
const TIMEOUT_CHECK_MS = 1_000;
/** Longer than the idle timeout of the usual load balancer (60 s). */
const KEEP_ALIVE_MS = 72_000;
/** Request line and headers together. */
const HEADER_BYTES_MAX = 16 * 1024;
/** Headers beyond it are not read. */
const HEADERS_MAX = 100;
/** Requests of one connection that are sent before the answer to the first. */
const PIPELINED_MAX = 8;

/** Limits of the HTTP parser; the same with and without TLS. */
export const parserLimits = {
  maxHeaderSize: HEADER_BYTES_MAX,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
} as const;

/** Limits that are set on the listening server. `onDropped`: a connection over the limit. */
export function limitConnections(server: Server, maximum: number, onDropped: () => void): void {
  server.maxConnections = maximum;
  server.maxHeadersCount = HEADERS_MAX;
  server.on('drop', onDropped);
}

/** Counts the requests of each connection that are at work; false = one too many. */
export function pipelineLimit(): {
  readonly enter: (socket: Socket) => boolean;
  readonly leave: (socket: Socket) => void;
} {
  const atWork = new WeakMap<Socket, number>();
  return {
    enter: (socket) => {
      const count = atWork.get(socket) ?? 0;
      if (count >= PIPELINED_MAX) return false;
      atWork.set(socket, count + 1);
      return true;
    },
    leave: (socket) => {
      atWork.set(socket, (atWork.get(socket) ?? 1) - 1);
    },
  };
}

const STATUS_LINES = {
  REQUEST_TIMEOUT: '408 Request Timeout',
  HEADERS_TOO_LARGE: '431 Request Header Fields Too Large',
  REQUEST_MALFORMED: '400 Bad Request',
} satisfies Partial<Record<RefusalCode, string>>;

/** Answers what is no HTTP request, or takes too long to become one, and ends the connection. */
export function refuseConnection(
  error: NodeJS.ErrnoException,
  socket: Socket,
  onRefused: (code: RefusalCode) => void,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = connectionCode(error.code);
  onRefused(code);
  socket.end(`HTTP/1.1 ${STATUS_LINES[code]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function connectionCode(code: string | undefined): keyof typeof STATUS_LINES {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'REQUEST_TIMEOUT';
  return code === 'HPE_HEADER_OVERFLOW' ? 'HEADERS_TOO_LARGE' : 'REQUEST_MALFORMED';
}
