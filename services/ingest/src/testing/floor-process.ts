// The floor of the benchmark: the same HTTP server doing only raw body and HMAC. Prints its port.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createAdmission } from '../adapters/admission.ts';
import { listenForWebhooks } from '../adapters/http-server.ts';

const HEADER = /^t=(\d+),s=sha256=([0-9a-f]{64})$/;
const secret = process.env['FLOOR_SECRET'] ?? '';

function isSigned(header: string | undefined, body: Buffer): boolean {
  const [, t, mac] = HEADER.exec(header ?? '') ?? [];
  if (t === undefined || mac === undefined) return false;
  const expected = createHmac('sha256', secret).update(`${t}.`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(mac, 'hex'));
}

const server = await listenForWebhooks({
  host: '127.0.0.1',
  port: 0,
  connectionsMax: 10_000,
  admission: createAdmission({ requests: 10_000, bytes: 2 ** 30 }, Date.now),
  handle: async ({ headers, body }) => ({
    status: isSigned(headers['x-signature'], body) ? 200 : 401,
    headers: { 'content-type': 'application/json' },
    body: '{"accepted":"evt"}',
  }),
  answerToken: undefined,
  origins: [],
  tls: undefined,
  clientAddress: (remote) => remote,
  onRefused: () => undefined,
  onDropped: () => undefined,
});
process.stdout.write(`${JSON.stringify({ webhook_port: server.port })}\n`);
