import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * A network between clients and one broker: flowing ⇄ stalled (bytes wait, nobody is told) and flowing ⇄
 * cut (connections are reset and refused). Clients come here by the stream core's internal `route`.
 */
export interface FaultProxy {
  readonly port: number;
  /** Resets all connections and every new one until `heal`. */
  readonly cut: () => void;
  /** A black hole: connections are accepted, but nothing passes until `heal`. */
  readonly stall: () => void;
  /** Each piece of data arrives `ms` later, in both directions. */
  readonly delay: (ms: number) => void;
  readonly heal: () => void;
  /** Sees what is sent before it is passed on; it may stall or cut the network for it. */
  readonly watch: (observer: Observer) => void;
  readonly close: () => Promise<void>;
}

type Observer = (sent: Buffer, by: 'client' | 'broker') => void;

type State = 'flowing' | 'stalled' | 'cut';

export async function openFaultProxy(target: number): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let state: State = 'flowing';
  let delayMs = 0;
  let observe: Observer = () => undefined;
  /** Data that came before the network was stalled for it. */
  const held: (() => void)[] = [];

  function pipe(from: Socket, to: Socket, by: 'client' | 'broker'): void {
    sockets.add(from);
    if (state === 'stalled') from.pause();
    from.on('data', (data: Buffer) => {
      observe(data, by);
      if (state === 'stalled') held.push(() => to.write(data));
      else if (state === 'flowing' && delayMs === 0) to.write(data);
      else if (state === 'flowing') setTimeout(() => to.write(data), delayMs);
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  const server = createServer((client) => {
    if (state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const broker = connect(target, '127.0.0.1');
    pipe(client, broker, 'client');
    pipe(broker, client, 'broker');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = 'cut';
      for (const socket of sockets) socket.resetAndDestroy();
    },
    stall: () => {
      state = 'stalled';
      for (const socket of sockets) socket.pause();
    },
    delay: (ms) => {
      delayMs = ms;
    },
    heal: () => {
      state = 'flowing';
      delayMs = 0;
      for (const pass of held.splice(0)) pass();
      for (const socket of sockets) socket.resume();
    },
    watch: (observer) => {
      observe = observer;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}
