import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  createServer as createSecureServer,
  Server as SecureServer,
  type TlsOptions,
} from 'node:tls';
import { Fault } from '@waybill/fault';
import type { IpsMetrics } from '../ips-metrics.ts';
import { IpsFrames, type IpsFrame } from './ips-frames.ts';

/** For the login after connecting. */
const LOGIN_MS = 10_000;
/** For a packet, from its first byte. */
const PACKET_MS = 30_000;
/** Answers that the sender does not read. */
const UNREAD_BYTES_MAX = 16_384;

/** Why a connection was closed by us. */
export type IpsClose =
  | 'line_too_long'
  | 'too_slow'
  | 'idle'
  | 'not_reading'
  | 'refused'
  | 'no_packet'
  | 'unsupported'
  | 'unavailable'
  | 'overloaded'
  | 'withdrawn'
  | 'stopping';

/** What to do after a packet. */
export interface IpsReply {
  /** Without its line end; undefined: the protocol has no answer for it. */
  readonly answer?: string;
  readonly close?: IpsClose;
}

/** One connection's conversation; packets come one at a time, each after the answer to the one before. */
export interface IpsConversation {
  /** Never rejects. */
  readonly receive: (packet: IpsFrame) => Promise<IpsReply>;
  readonly isLoggedIn: () => boolean;
}

export interface IpsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  readonly idleMs: number;
  /** Undefined: plain TCP. */
  readonly tls: TlsOptions | undefined;
  readonly converse: (remoteAddress: string) => IpsConversation;
  readonly metrics: Pick<IpsMetrics, 'opened' | 'closed' | 'dropped'>;
}

export interface IpsServer {
  readonly port: number;
  /** Undefined without TLS. */
  readonly secure: Pick<SecureServer, 'setSecureContext'> | undefined;
  readonly connections: () => number;
  /** Takes nothing new, answers the packets at work, and after the deadline ends what is left. */
  readonly close: (deadlineMs: number) => Promise<void>;
}

/**
 * One connection: *reading* (waits for a packet) → *working* (a packet is at work, the socket is paused, so
 * what the sender has in store waits in its own memory) → reading … → *closed*. At a stop a reading
 * connection is closed at once, a working one behind its answer.
 */
class Connection {
  readonly #socket: Socket;
  readonly #conversation: IpsConversation;
  readonly #options: IpsServerOptions;
  readonly #frames = new IpsFrames();
  #packetSince = 0;
  #isWorking = false;
  #isStopping = false;
  #isEnded = false;

  constructor(socket: Socket, options: IpsServerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#conversation = options.converse(socket.remoteAddress ?? '');
    socket.setNoDelay(true);
    socket.setTimeout(LOGIN_MS, () => {
      // While a packet is at work it is us who are slow.
      if (!this.#isWorking) this.end('idle');
    });
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // What a broken connection held is sent again by its tracker.
    socket.on('error', () => socket.destroy());
  }

  stop(): void {
    this.#isStopping = true;
    if (!this.#isWorking) this.end('stopping');
  }

  end(why: IpsClose): void {
    if (this.#isEnded || this.#socket.destroyed) return;
    this.#isEnded = true;
    this.#options.metrics.closed(why);
    this.#socket.destroySoon();
  }

  #take(chunk: Buffer): void {
    if (this.#isEnded) return;
    const now = performance.now();
    if (!this.#frames.isBegun) this.#packetSince = now;
    this.#frames.push(chunk);
    if (this.#isWorking) return;
    const first = this.#frames.next();
    if (first !== undefined) void this.#work(first);
    else if (now - this.#packetSince > PACKET_MS) this.end('too_slow');
  }

  async #work(first: ReturnType<IpsFrames['next']>): Promise<void> {
    this.#isWorking = true;
    this.#socket.pause();
    for (let packet = first; packet !== undefined; packet = this.#frames.next()) {
      if (packet === 'too_long') return this.end('line_too_long');
      const { answer, close } = await this.#conversation.receive(packet);
      if (this.#socket.destroyed) return;
      if (answer !== undefined) this.#socket.write(`${answer}\r\n`);
      if (close !== undefined) return this.end(close);
      if (this.#isStopping) return this.end('stopping');
      if (this.#socket.writableLength > UNREAD_BYTES_MAX) return this.end('not_reading');
      this.#packetSince = performance.now();
    }
    this.#isWorking = false;
    if (this.#conversation.isLoggedIn()) this.#socket.setTimeout(this.#options.idleMs);
    this.#socket.resume();
  }
}

async function listen(server: Server, { host, port }: IpsServerOptions): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Fault(`cannot listen on ${host}:${port} (${why}); choose another INGEST_IPS_PORT`, {
      kind: 'misconfigured',
      code: 'PORT_UNAVAILABLE',
      stage: 'start',
      cause: error,
    });
  }
}

/** Listens for Wialon IPS. Rejects with Fault `misconfigured` / `PORT_UNAVAILABLE`. */
export async function listenForIps(options: IpsServerOptions): Promise<IpsServer> {
  const { tls, metrics } = options;
  const open = new Map<Socket, Connection>();
  const accept = (socket: Socket): void => {
    metrics.opened(1);
    open.set(socket, new Connection(socket, options));
    socket.once('close', () => {
      open.delete(socket);
      metrics.opened(-1);
    });
  };
  const server = tls ? createSecureServer(tls, accept) : createServer(accept);
  server.maxConnections = options.connectionsMax;
  server.on('drop', metrics.dropped);
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await listen(server, options);
  // A TCP server that listens has an address object, not a pipe name.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    secure: server instanceof SecureServer ? server : undefined,
    connections: () => open.size,
    close: async (deadlineMs) => {
      const closed = once(server, 'close');
      server.close();
      for (const connection of open.values()) connection.stop();
      const late = setTimeout(() => {
        for (const socket of open.keys()) socket.destroy();
      }, deadlineMs);
      await closed;
      clearTimeout(late);
    },
  };
}
