import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { blackBoxPacket, dataPacket, loginPacket, type IpsFix } from './ips-packet.ts';

/** Where a receiver of Wialon IPS 2.0 listens. */
export interface IpsTarget {
  readonly host: string;
  readonly port: number;
}

/** Messages per `#B#` packet. */
const BLACK_BOX = 50;

/** Something other than the answer that says yes. */
export class IpsRefused extends Error {}

/**
 * One tracker's connection: logs in, sends packets one by one and waits for the answer to each. What was sent
 * without an answer is sent again by the caller: a receiver sees it twice, as in life.
 */
class Connection {
  readonly #socket: Socket;
  readonly #answers: AsyncIterator<string>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  /** Sends a packet; throws IpsRefused unless the answer is `expected`. */
  async exchange(packet: string, expected: string): Promise<void> {
    this.#socket.write(packet);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new IpsRefused('the connection ended without an answer');
    if (value !== expected) throw new IpsRefused(`expected ${expected}, found ${value}`);
  }

  end(): void {
    this.#socket.destroy();
  }
}

async function open({ host, port }: IpsTarget, id: string, password: string): Promise<Connection> {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  // Later errors end the connection: the answer that is waited for does not come.
  socket.on('error', () => undefined);
  const connection = new Connection(socket);
  await connection.exchange(loginPacket(id, password), '#AL#1');
  return connection;
}

/**
 * Sends fixes of trackers to a receiver of Wialon IPS 2.0: one connection per tracker, one fix as `#D#`, more
 * as `#B#` of up to 50. Connections stay open and are opened anew after a failure.
 */
export class IpsSender {
  readonly #target: IpsTarget;
  readonly #connections = new Map<string, Connection>();

  constructor(target: IpsTarget) {
    this.#target = target;
  }

  /** Resolves when all fixes are acknowledged; throws IpsRefused or the error of the socket. */
  async send(id: string, fixes: readonly IpsFix[], password: string = 'NA'): Promise<void> {
    const known = this.#connections.get(id);
    const connection = known ?? (await open(this.#target, id, password));
    this.#connections.set(id, connection);
    try {
      for (let first = 0; first < fixes.length; first += BLACK_BOX) {
        const part = fixes.slice(first, first + BLACK_BOX);
        const [only] = part;
        if (part.length === 1 && only !== undefined) {
          await connection.exchange(dataPacket(only), '#AD#1');
        } else {
          await connection.exchange(blackBoxPacket(part), `#AB#${part.length}`);
        }
      }
    } catch (error) {
      this.#connections.delete(id);
      connection.end();
      throw error;
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.end();
    this.#connections.clear();
  }
}
