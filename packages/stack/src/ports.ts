import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { reasonOf, stackFault } from './errors.ts';

const HOST = '127.0.0.1';

async function listenOn(port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/**
 * Below the range from which systems give ports to outgoing connections (32768 on Linux, 49152 elsewhere):
 * otherwise a connection may take the port between our look and the server's start.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 50;

/** A port on the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listenOn(randomInt(FIRST_PORT, LAST_PORT));
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
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
