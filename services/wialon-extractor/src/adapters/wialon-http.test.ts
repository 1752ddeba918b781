import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isFault } from '@waybill/fault';
import { connectWialon } from './wialon-http.ts';

const wialon = connectWialon({ now: () => 5 });
const never = new AbortController().signal;

async function server(
  t: TestContext,
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
): Promise<string> {
  const http = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => answer(request, body, response));
  });
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    http.close();
    http.closeAllConnections();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    assert.ok(isFault(error), String(error));
    assert.doesNotMatch(error.message, /secret/);
    return `${error.kind}/${error.code}`;
  }
  return 'no error';
}

test('a call is a form POST that asks for gzip, and the sid stays out of the address', async (t) => {
  const seen: unknown[] = [];
  const url = await server(t, (request, body, response) => {
    const { method, headers } = request;
    const form = Object.fromEntries(new URLSearchParams(body));
    seen.push([method, request.url, headers['accept-encoding'], headers['content-type'], form]);
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(gzipSync('{"items":[],"total":9007199254740993}'));
  });
  const answer = await wialon.call(`${url}/`, 'core/search_items', { a: '+&' }, 'sid-1', never);
  await wialon.call(url, 'avl_evts', {}, 'sid-1', never);
  assert.equal(answer.kind, 'answer');
  assert.equal(answer.body.toString(), '{"items":[],"total":9007199254740993}');
  const type = 'application/x-www-form-urlencoded;charset=UTF-8';
  assert.deepEqual(seen, [
    [
      'POST',
      '/wialon/ajax.html',
      'gzip',
      type,
      { sid: 'sid-1', svc: 'core/search_items', params: '{"a":"+&"}' },
    ],
    ['POST', '/avl_evts', 'gzip', type, { sid: 'sid-1' }],
  ]);
});

test('an error number is an answer, zero is a success', async (t) => {
  let body = '{"error":1003,"reason":"LIMIT api_concurrent"}';
  const url = await server(t, (_request, _body, response) => response.end(body));
  const refusal = await wialon.call(url, 'core/x', {}, undefined, never);
  assert.ok(refusal.kind === 'refusal');
  assert.equal(refusal.code, 1003);
  assert.equal(refusal.reason, 'LIMIT api_concurrent');
  body = '{"error":0}';
  assert.equal((await wialon.call(url, 'core/logout', {}, 's', never)).kind, 'answer');
});

test('what is no usable answer is transient, whatever it is', async (t) => {
  const replies: ((response: ServerResponse) => void)[] = [
    (response) => response.writeHead(502).end('<html>secret</html>'),
    (response) => response.end('<html>secret</html>'),
    (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/secret' }).end(),
    (response) => response.socket?.destroy(),
    (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"half');
      response.socket?.end();
    },
  ];
  const url = await server(t, (_request, _body, response) => replies.shift()?.(response));
  const token = { token: 'secret' };
  const call = () => wialon.call(url, 'token/login', token, undefined, never);
  assert.equal(await codeOf(call()), 'transient/PROVIDER_GARBLED');
  assert.equal(await codeOf(call()), 'transient/PROVIDER_GARBLED');
  assert.equal(await codeOf(call()), 'transient/PROVIDER_GARBLED');
  assert.equal(await codeOf(call()), 'transient/PROVIDER_UNREACHABLE');
  assert.equal(await codeOf(call()), 'transient/PROVIDER_UNREACHABLE');
  const gone = wialon.call('http://127.0.0.1:1', 'token/login', token, undefined, never);
  assert.equal(await codeOf(gone), 'transient/PROVIDER_UNREACHABLE');
});

test('a call ends at once when the account is no longer ours', async (t) => {
  const url = await server(t, () => undefined);
  const controller = new AbortController();
  const call = wialon.call(url, 'avl_evts', {}, 'sid', controller.signal);
  controller.abort();
  assert.equal(await codeOf(call), 'cancelled/STOPPED');
});
