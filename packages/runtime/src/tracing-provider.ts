import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const EXPORT_DELAY_MS = 1000;
/** With its retries; a collector that is away must not hold up the stop of a service for longer. */
const EXPORT_TIMEOUT_MS = 2000;

export type TracerProvider = NodeTracerProvider;

/**
 * The OpenTelemetry SDK, sending to `<endpoint>/v1/traces`. This module is the only one that imports
 * the SDK and is loaded when tracing is on: it takes about 20 MB.
 */
export function startProvider(service: string, endpoint: string): TracerProvider {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        scheduledDelayMillis: EXPORT_DELAY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  // The context manager is what makes "the active span" work across awaits.
  provider.register({ propagator: null });
  return provider;
}
