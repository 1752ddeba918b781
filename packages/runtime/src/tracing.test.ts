import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Fault } from '@waybill/fault';
import { createLogger } from './logger.ts';
import { startTracing, type Tracing } from './tracing.ts';

interface ExportedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string }[];
}
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: object }[] };
    readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[];
  }[];
}

/** A collector that keeps what it gets. */
let spans: ExportedSpan[] = [];
let services: string[] = [];
let collector: Server;
let endpoint: string;

before(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      assert.equal(request.url, '/v1/traces');
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Export;
      for (const { resource, scopeSpans } of body.resourceSpans) {
        services.push(JSON.stringify(resource.attributes));
        spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});
after(() => {
  collector.closeAllConnections();
  collector.close();
});
beforeEach(() => {
  spans = [];
  services = [];
});

async function traced(work: (tracing: Tracing) => Promise<void>, batchRatio = 1): Promise<void> {
  const tracing = startTracing({ service: 'sample', endpoint, batchRatio });
  try {
    await work(tracing);
  } finally {
    await tracing.stop();
  }
}

const batch = { topic: 'a.b.event.v1', partition: 3, count: 2, firstOffset: 5n, lastOffset: 9n };

function named(name: string): ExportedSpan {
  const found = spans.find((span) => span.name === name);
  assert.ok(found, `no span ${name} in ${spans.map((span) => span.name).join()}`);
  return found;
}

test('spans arrive with parent and links, so that a chain over services is unbroken', async () => {
  await traced(async (tracing) => {
    const page = await tracing.span('wialon avl_evts', {}, async (traceparent) => {
      assert.equal(tracing.traceparent(), traceparent);
      return traceparent;
    });
    assert.ok(page);
    const trip = await tracing.batch({ ...batch, links: [page, page, 'rubbish'] }, async (own) => {
      await tracing.span('inner', {}, () => undefined);
      return own;
    });
    await tracing.span('erp write', { parent: trip, attributes: { target: 'x' } }, () => undefined);
  });
  const call = named('wialon avl_evts');
  const processed = named('process a.b.event.v1');
  assert.deepEqual(
    processed.links?.map((link) => link.spanId),
    [call.spanId],
  );
  assert.equal(processed.kind, 5);
  assert.notEqual(processed.traceId, call.traceId);
  assert.equal(named('inner').parentSpanId, processed.spanId);
  assert.equal(named('erp write').parentSpanId, processed.spanId);
  assert.equal(named('erp write').traceId, processed.traceId);
  assert.match(services.join(), /service\.name.*sample/);
});

test('a batch keeps 32 links', async () => {
  await traced(async (tracing) => {
    const links = Array.from(
      { length: 40 },
      (_, index) => `00-${'a'.repeat(32)}-${(index + 1).toString(16).padStart(16, '0')}-01`,
    );
    await tracing.batch({ ...batch, links }, async () => undefined);
  });
  assert.equal(named('process a.b.event.v1').links?.length, 32);
});

test('an error marks the span and goes on', async () => {
  const fault = new Fault('gone', { kind: 'transient', code: 'GONE', stage: 'deliver' });
  await traced(async (tracing) => {
    await assert.rejects(
      tracing.span('erp write', {}, () => {
        throw fault;
      }),
      fault,
    );
  });
  assert.equal(named('erp write').status.code, 2);
});

test('ratio 0 leaves out the trace with all its children, ratio does not apply to a sampled cause', async () => {
  await traced(async (tracing) => {
    await tracing.span('root', { ratio: 0 }, async (traceparent) => {
      assert.equal(traceparent, undefined);
      await tracing.span('child', {}, (inner) => assert.equal(inner, undefined));
    });
    await tracing.batch({ ...batch, links: [] }, async (own) => assert.equal(own, undefined));
    await tracing.batch(
      { ...batch, links: [`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`] },
      async (own) => assert.ok(own),
    );
  }, 0);
  assert.deepEqual(
    spans.map((span) => span.name),
    ['process a.b.event.v1'],
  );
});

test('log lines inside a span carry its ids', async () => {
  const lines: string[] = [];
  const write = (line: string): number => lines.push(line);
  const logger = createLogger({ service: 'sample', level: 'info', destination: { write } });
  await traced(async (tracing) => {
    await tracing.span('work', {}, () => logger.info({}, 'inside'));
    logger.info({}, 'outside');
  });
  const [inside, outside] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(inside?.['trace_id'], named('work').traceId);
  assert.equal(inside?.['span_id'], named('work').spanId);
  assert.equal(outside?.['trace_id'], undefined);
});

test('a collector that is away loses spans and nothing else', async () => {
  const tracing = startTracing({ service: 'sample', endpoint: 'http://127.0.0.1:1' });
  assert.equal(await tracing.span('work', {}, () => 7), 7);
  await tracing.flush();
  await tracing.stop();
});

test('without an endpoint nothing is traced and the SDK is not loaded', () => {
  const script = fileURLToPath(new URL('./testing/tracing-off.ts', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(stdout), { traceparent: null, ofSdk: 0 });
});
