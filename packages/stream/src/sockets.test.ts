import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createSockets } from './sockets.ts';

it(
  'ends all sockets of a client and opens no more, even if its goodbye never ends',
  { timeout: 10_000 },
  async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = {
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      onConnect: () => undefined,
    };
    const sockets = createSockets();
    const [first, second] = [sockets.open(address), sockets.open(address)];
    await Promise.all([once(first, 'connect'), once(second, 'connect')]);
    const errors = [first, second].map((socket) => once(socket, 'error'));
    await sockets.close(() => new Promise(() => undefined), 10);
    const messages = (await Promise.all(errors)).map(([error]) => (error as Error).message);
    assert.deepEqual(messages, Array(2).fill('the connection was closed'));
    assert.throws(() => sockets.open(address), /the connection was closed/);
    server.close();
  },
);
