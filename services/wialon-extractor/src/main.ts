import { resolveSecret, runService, secretStores, streamMetrics } from '@waybill/runtime';
import { connectStreams } from '@waybill/stream';
import { wallClock } from './adapters/wall-clock.ts';
import { connectWialon } from './adapters/wialon-http.ts';
import { configReader } from './config.ts';
import { extractorMetrics } from './metrics.ts';
import { SERVICE, createService } from './service.ts';

await runService({
  name: SERVICE,
  config: configReader,
  start: async ({ config, logger, metrics, tracing }) => {
    const streams = await connectStreams({
      brokers: config.KAFKA_BROKERS,
      registryUrl: config.SCHEMA_REGISTRY_URL,
      namespace: config.KAFKA_NAMESPACE,
      clientId: SERVICE,
      logger,
      metrics: streamMetrics(metrics),
      tracing,
    });
    return createService({
      streams,
      wialon: connectWialon(wallClock),
      clock: wallClock,
      random: Math.random,
      secret: (reference) => resolveSecret(reference, secretStores(config)),
      logger,
      tracer: tracing,
      metrics: extractorMetrics(metrics),
    });
  },
});
