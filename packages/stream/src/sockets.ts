import { connect, type Socket } from 'node:net';
import { delay } from './delay.ts';

/**
 * The sockets of one client object, open → closed. The client opens new ones after its own disconnect
 * when a request or a join is still under way, and then nobody closes them: the process never ends and a
 * dead member holds partitions. Invariant: once closed, none is open and none can be opened.
 */
export interface Sockets {
  readonly open: (address: {
    readonly host: string;
    readonly port: number;
    readonly onConnect: () => void;
  }) => Socket;
  /** Lets `disconnect` say goodbye for at most `limitMs`, then destroys what is left; never throws. */
  readonly close: (disconnect: () => Promise<unknown>, limitMs: number) => Promise<void>;
}

/** Which port to connect to instead of the broker's: tests put a network in between. */
export type Route = (port: number) => number;

const KEEP_ALIVE_MS = 60_000;

export function createSockets(route: Route = (port) => port): Sockets {
  const sockets = new Set<Socket>();
  let closed = false;
  return {
    open: ({ host, port, onConnect }) => {
      if (closed) throw new Error('the connection was closed');
      // Nagle's algorithm would hold a request back until the broker's delayed ACK, for up to 40 ms.
      const socket = connect({ host, port: route(port), noDelay: true }, onConnect);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
    close: async (disconnect, limitMs) => {
      const left = new AbortController();
      await Promise.race([disconnect().catch(() => undefined), delay(limitMs, left.signal)]);
      left.abort();
      closed = true;
      // With an error, because the client fails its waiting requests on nothing else.
      for (const socket of sockets) socket.destroy(new Error('the connection was closed'));
    },
  };
}
