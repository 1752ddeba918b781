import { createRequire } from 'node:module';
import { randomBytes } from 'node:crypto';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Tracer,
} from '@opentelemetry/api';
import { isFault } from '@waybill/fault';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';
import type * as providerModule from './tracing-provider.ts';
import type { TracerProvider } from './tracing-provider.ts';

/** A batch can have thousands of sources; this many links are enough to walk back. */
const MAX_LINKS = 32;

export interface SpanOptions {
  /** traceparent of the cause; default: the active span, else a new trace. */
  readonly parent?: string | undefined;
  /** traceparents of further causes; those that do not parse are left out. */
  readonly links?: readonly string[] | undefined;
  readonly attributes?: Attributes;
  /** Share of new traces that are recorded, 0…1; default 1. A span with a parent follows the parent. */
  readonly ratio?: number;
}

/** One batch of the stream core; the shape of its `StreamTracing`. */
export interface BatchSpan {
  readonly topic: string;
  readonly partition: number;
  readonly count: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly links: readonly string[];
}

/** Tracing of one process. Off, every method only calls its function. */
export interface Tracing {
  /** One CONSUMER span `process <topic>`, linked to the sampled records of the batch. */
  readonly batch: <R>(
    span: BatchSpan,
    work: (traceparent: string | undefined) => Promise<R>,
  ) => Promise<R>;
  /** Runs `work` in a span; what it throws is recorded and thrown on. */
  readonly span: <R>(
    name: string,
    options: SpanOptions,
    work: (traceparent: string | undefined) => Promise<R> | R,
  ) => Promise<R>;
  /** Of the active span, when it is sampled. */
  readonly traceparent: () => string | undefined;
  /** Exports what is finished. Never throws: a collector that is away loses spans, not data. */
  readonly flush: () => Promise<void>;
  /** Flushes and stops. */
  readonly stop: () => Promise<void>;
}

export interface TracingOptions {
  readonly service: string;
  /** Base address of an OTLP/HTTP collector; undefined = off. */
  readonly endpoint: string | undefined;
  /** Share of batches without any sampled record that are recorded, 0…1; default 1. */
  readonly batchRatio?: number;
}

const off: Tracing = {
  batch: (_span, work) => work(undefined),
  // Not async: what is off must not cost a promise per request.
  span: (_name, _options, work) => {
    try {
      return Promise.resolve(work(undefined));
    } catch (error) {
      return Promise.reject(error);
    }
  },
  traceparent: () => undefined,
  flush: async () => undefined,
  stop: async () => undefined,
};

/** Starts tracing, or returns the no-op. The SDK (20 MB) is loaded only when there is an endpoint. */
export function startTracing(options: TracingOptions): Tracing {
  if (options.endpoint === undefined) return off;
  const provider = loadProvider(options.service, options.endpoint);
  const tracer = provider.getTracer('waybill');
  const span: Tracing['span'] = (name, spanOptions, work) =>
    runSpan(tracer, name, SpanKind.INTERNAL, spanOptions, work);
  return {
    span,
    batch: (batch, work) =>
      runSpan(
        tracer,
        `process ${batch.topic}`,
        SpanKind.CONSUMER,
        {
          links: batch.links,
          ratio: batch.links.length > 0 ? 1 : (options.batchRatio ?? 1),
          attributes: batchAttributes(batch),
        },
        work,
      ),
    traceparent: () => {
      const active = trace.getActiveSpan();
      return active && formatTraceparent(active.spanContext());
    },
    flush: () => provider.forceFlush().catch(() => undefined),
    stop: async () => {
      await provider.shutdown().catch(() => undefined);
      trace.disable();
      context.disable();
    },
  };
}

/** Loads the SDK: require, so that callers get their tracing synchronously. */
function loadProvider(service: string, endpoint: string): TracerProvider {
  const require = createRequire(import.meta.url);
  const { startProvider } = require('./tracing-provider.ts') as typeof providerModule;
  return startProvider(service, endpoint);
}

function batchAttributes(batch: BatchSpan): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'process',
    'messaging.destination.name': batch.topic,
    'messaging.destination.partition.id': String(batch.partition),
    'messaging.batch.message_count': batch.count,
    'waybill.first_offset': String(batch.firstOffset),
    'waybill.last_offset': String(batch.lastOffset),
  };
}

function linksOf(traceparents: readonly string[] | undefined): Link[] {
  const links: Link[] = [];
  for (const text of new Set(traceparents)) {
    const spanContext = parseTraceparent(text);
    if (spanContext !== undefined && links.length < MAX_LINKS) links.push({ context: spanContext });
  }
  return links;
}

/** The context under which a span starts. A span that the ratio leaves out gets an unsampled parent. */
function parentOf(kind: SpanKind, options: SpanOptions): Context {
  const remote = options.parent === undefined ? undefined : parseTraceparent(options.parent);
  if (remote !== undefined) return trace.setSpanContext(context.active(), remote);
  // A batch is a new trace by definition; its causes are links.
  const base = kind === SpanKind.CONSUMER ? ROOT_CONTEXT : context.active();
  if (trace.getSpan(base) !== undefined) return base;
  if (options.ratio === undefined || Math.random() < options.ratio) return base;
  return trace.setSpanContext(base, {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    traceFlags: TraceFlags.NONE,
  });
}

async function runSpan<R>(
  tracer: Tracer,
  name: string,
  kind: SpanKind,
  options: SpanOptions,
  work: (traceparent: string | undefined) => Promise<R> | R,
): Promise<R> {
  const parent = parentOf(kind, options);
  const span = tracer.startSpan(
    name,
    { kind, links: linksOf(options.links), attributes: options.attributes ?? {} },
    parent,
  );
  try {
    return await context.with(trace.setSpan(parent, span), () =>
      work(formatTraceparent(span.spanContext())),
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    if (isFault(error)) span.setAttribute('error.type', error.code);
    throw error;
  } finally {
    span.end();
  }
}
