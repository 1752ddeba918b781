import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '@waybill/fault';
import { serveHealth, type HealthServer } from './health.ts';
import { createMetrics } from './metrics.ts';

async function served(
  options: { readonly ready?: () => boolean },
  work: (base: string, server: HealthServer) => Promise<void>,
): Promise<void> {
  const server = await serveHealth({
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics('sample'),
    health: () => ({
      service: 'sample',
      ready: options.ready?.() ?? true,
      positions: [{ topic: 'a.b.event.v1', partition: 1, next: 2n ** 60n, lag: 5n }],
      extra: { inbox_due: 3 },
    }),
    routes: {
      'GET /report': async (url) => ({ status: 200, body: { tenant: url.searchParams.get('t') } }),
      'POST /tenants/*': async (url, body) => ({
        status: 201,
        body: `${url.pathname}:${body.toString()}`,
        contentType: 'text/csv',
      }),
      'GET /refused': async () => {
        throw new Fault('no', { kind: 'refused', code: 'NO', stage: 'decide' });
      },
      'GET /broken': async () => {
        throw new TypeError('x is undefined');
      },
    },
  });
  try {
    await work(`http://127.0.0.1:${server.port}`, server);
  } finally {
    await server.close();
  }
}

test('health answers 200 when ready and 503 when not, with positions as text', async () => {
  let ready = true;
  await served({ ready: () => ready }, async (base) => {
    const good = await fetch(`${base}/health`);
    assert.equal(good.status, 200);
    assert.deepEqual(await good.json(), {
      live: true,
      ready: true,
      service: 'sample',
      positions: [{ topic: 'a.b.event.v1', partition: 1, next: '1152921504606846976', lag: '5' }],
      inbox_due: 3,
    });
    ready = false;
    const bad = await fetch(`${base}/health`);
    assert.equal(bad.status, 503);
    assert.equal(((await bad.json()) as { ready: boolean }).ready, false);
  });
});

test('metrics are served as text', async () => {
  await served({}, async (base) => {
    const response = await fetch(`${base}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
    assert.match(await response.text(), /process_peak_rss_bytes/);
  });
});

test('routes get address and body; what they throw is answered by kind', async () => {
  await served({}, async (base) => {
    assert.deepEqual(await (await fetch(`${base}/report?t=x`)).json(), { tenant: 'x' });
    const posted = await fetch(`${base}/tenants/bay-cabs/apply`, { method: 'POST', body: 'b' });
    assert.equal(posted.status, 201);
    assert.equal(await posted.text(), '/tenants/bay-cabs/apply:b');
    const refused = await fetch(`${base}/refused`);
    assert.equal(refused.status, 422);
    assert.deepEqual(await refused.json(), { kind: 'refused', code: 'NO', message: 'no' });
    assert.equal((await fetch(`${base}/broken`)).status, 500);
    assert.equal((await fetch(`${base}/report`, { method: 'POST' })).status, 404);
  });
});

test('a body over the limit is refused', async () => {
  await served({}, async (base) => {
    const body = Buffer.alloc(9 * 1024 * 1024);
    const status = await fetch(`${base}/tenants/x`, { method: 'POST', body }).then(
      (response) => response.status,
      // The socket may be cut while we still write.
      () => 413,
    );
    assert.equal(status, 413);
  });
});

test('a busy port is one clear line', async () => {
  await served({}, async (_base, first) => {
    await assert.rejects(
      serveHealth({
        host: '127.0.0.1',
        port: first.port,
        metrics: createMetrics('sample'),
        health: () => ({ service: 'sample', ready: true, positions: [] }),
      }),
      (error: Fault) =>
        error.code === 'PORT_UNAVAILABLE' &&
        error.kind === 'misconfigured' &&
        error.message.includes(String(first.port)),
    );
  });
});
