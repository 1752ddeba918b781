import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

/** The part of an exported span that a chain is followed by. */
export interface Span {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** `<trace id>/<span id>` of linked spans. */
  readonly links: readonly string[];
}

interface Exported {
  readonly resourceSpans?: readonly {
    readonly resource?: {
      readonly attributes?: readonly { key: string; value: { stringValue?: string } }[];
    };
    readonly scopeSpans?: readonly {
      readonly spans?: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
      }[];
    }[];
  }[];
}

/** An OTLP/HTTP receiver for JSON exports that keeps every span. */
export async function startOtlpReceiver(): Promise<{
  readonly endpoint: string;
  readonly spans: () => ReadonlyMap<string, Span>;
  readonly close: () => Promise<void>;
}> {
  const spans = new Map<string, Span>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const exported = JSON.parse(body.toString('utf8')) as Exported;
      for (const { resource, scopeSpans } of exported.resourceSpans ?? []) {
        const service = resource?.attributes?.find((a) => a.key === 'service.name')?.value
          .stringValue;
        for (const span of (scopeSpans ?? []).flatMap((scope) => scope.spans ?? [])) {
          spans.set(`${span.traceId}/${span.spanId}`, {
            service: service ?? '',
            name: span.name,
            traceId: span.traceId,
            spanId: span.spanId,
            parentSpanId: span.parentSpanId ?? '',
            links: (span.links ?? []).map((link) => `${link.traceId}/${link.spanId}`),
          });
        }
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    spans: () => spans,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** All spans that can be reached from one by parents and links. */
export function ancestorsOf(spans: ReadonlyMap<string, Span>, start: Span): readonly Span[] {
  const seen = new Map<string, Span>();
  const queue = [start];
  for (let span = queue.shift(); span !== undefined; span = queue.shift()) {
    const key = `${span.traceId}/${span.spanId}`;
    if (seen.has(key)) continue;
    seen.set(key, span);
    for (const next of [`${span.traceId}/${span.parentSpanId}`, ...span.links]) {
      const found = spans.get(next);
      if (found !== undefined) queue.push(found);
    }
  }
  return [...seen.values()];
}
