import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import { connectAdmin } from './admin.ts';
import type { StreamOptions } from './port.ts';
import { connectStreams } from './streams.ts';
import { memoryLogger } from './testing/cluster.ts';

/** A port of this machine that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

describe('a cluster that is not there', () => {
  it('is named in one line', async () => {
    const broker = `127.0.0.1:${await closedPort()}`;
    const options: StreamOptions = {
      brokers: [broker],
      registryUrl: 'http://127.0.0.1:1',
      clientId: 'test',
      logger: memoryLogger(),
    };
    const expected = (e: unknown): boolean =>
      isFault(e) &&
      e.code === 'BROKER_UNAVAILABLE' &&
      e.message.includes(broker) &&
      e.message.includes('KAFKA_BROKERS') &&
      !e.message.includes('\n');
    await assert.rejects(connectStreams(options), expected);
    await assert.rejects(connectAdmin(options), expected);
  });
});
