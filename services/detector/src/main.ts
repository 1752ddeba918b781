import { runService, stateOptions, streamMetrics } from '@waybill/runtime';
import { connectStreams } from '@waybill/stream';
import { cellOf } from './adapters/h3-cell.ts';
import { configReader } from './config.ts';
import { detectorMetrics } from './metrics.ts';
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
      state: stateOptions(config),
    });
    const ports = { streams, logger, metrics: detectorMetrics(metrics), cellOf };
    return createService(config, ports);
  },
});
