import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { reasonOf, stackFault } from './errors.ts';

const HOST = '127.0.0.1';

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, 'listening');
  return server;
}

async function listenOn(port: number): Promise<number> {
  const server = await listen(port);
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Below the range from which systems give ports to outgoing connections (32768 on Linux, 49152 elsewhere):
 * otherwise a connection may take the port between our look and the server's start.
 */
const FIRST_PORT = 20_000;
const BLOCKS = 120;
const BLOCK_PORTS = 100;

/**
 * A look and the server's start are seconds apart, and a dozen ports are given out before the first is used,
 * by several processes at once. So each process takes a block for itself: it listens on the block's first
 * port until it ends, and gives out the others in turn.
 */
async function takeBlock(): Promise<() => number> {
  const wished = randomInt(BLOCKS);
  let refused: unknown;
  for (let step = 0; step < BLOCKS; step += 1) {
    const first = FIRST_PORT + ((wished + step) % BLOCKS) * BLOCK_PORTS;
    try {
      const held = await listen(first);
      held.unref();
      let given = 0;
      return () => first + 1 + (given++ % (BLOCK_PORTS - 1));
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}

let block: Promise<() => number> | undefined;

/** A port on the loopback interface that is free and that no other call, in no process, gets meanwhile. */
export async function freePort(): Promise<number> {
  block ??= takeBlock();
  const next = await block;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listenOn(next());
    } catch (error) {
      if (attempt === BLOCK_PORTS) throw error;
    }
  }
}

/**
 * A port on the loopback interface that was free a moment ago: the wished one, or any for 0.
 * Throws STACK_PORT_BUSY naming the part and its option.
 */
export async function claimPort(part: string, wished: number): Promise<number> {
  if (wished === 0) return freePort();
  return listenOn(wished).catch((error: unknown) => {
    throw stackFault(
      'STACK_PORT_BUSY',
      `port ${wished} for ${part} cannot be used (${reasonOf(error)}): end the program that holds it or choose another (0 = any free)`,
      { otherWay: true, cause: error },
    );
  });
}

/** The wished port if it is free, else any free one; for ports nobody outside depends on. */
export async function preferPort(wished: number): Promise<number> {
  if (wished === 0) return freePort();
  return listenOn(wished).catch(() => freePort());
}
