import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { post, type Post } from './http-post.ts';

async function options(
  t: TestContext,
  answer: (response: ServerResponse, socket: Socket) => void,
): Promise<Post> {
  const server = createServer((request, response) => answer(response, request.socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { signal } = new AbortController();
  return { url, form: 'a=b', signal, timeoutMs: 10_000, limitBytes: 1_000_000 };
}

function zipped(response: ServerResponse, packed: Buffer): void {
  response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
}

test('bodies are unpacked, small ones at once and large ones on another thread', async (t) => {
  const noise = Array.from({ length: 60_000 }, (_, n) => (n * 7919) % 104_729).join();
  const bodies = ['{}', noise];
  const at = await options(t, (response) => zipped(response, gzipSync(bodies[0] ?? '')));
  while (bodies.length > 0) {
    const { body } = await post(at);
    assert.equal(body.toString(), bodies.shift());
  }
});

test('a connection is used again', async (t) => {
  const sockets = new Set<Socket>();
  const at = await options(t, (response, socket) => {
    sockets.add(socket);
    response.end('{}');
  });
  for (let n = 0; n < 3; n += 1) await post(at);
  assert.equal(sockets.size, 1);
});

test('a body above the limit is refused, packed or unpacked', async (t) => {
  const bodies = [Buffer.alloc(101), gzipSync(Buffer.alloc(101))];
  const at = await options(t, (response) => {
    const body = bodies.shift();
    if (body?.[0] === 0) response.end(body);
    else zipped(response, body ?? Buffer.alloc(0));
  });
  const tooLarge = { code: 'POST_TOO_LARGE' };
  await assert.rejects(post({ ...at, limitBytes: 100 }), tooLarge);
  await assert.rejects(post({ ...at, limitBytes: 100 }), tooLarge);
});

test('no answer in time, and a packed answer without its end, are failures', async (t) => {
  const at = await options(t, () => undefined);
  await assert.rejects(post({ ...at, timeoutMs: 1 }), { code: 'POST_TIMEOUT' });
  const half = await options(t, (response) =>
    zipped(response, gzipSync('{"a":1}').subarray(0, 15)),
  );
  await assert.rejects(post(half), { code: 'Z_BUF_ERROR' });
});
