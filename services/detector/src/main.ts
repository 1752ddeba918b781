import { runService, stateOptions, streamMetrics } from '@waybill/runtime';
import { connectStreams } from '@waybill/stream';
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
    return createService(config, { streams, logger, metrics: detectorMetrics(metrics) });
  },
});
