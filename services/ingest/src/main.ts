import { createPool } from '@waybill/postgres';
import {
  resolveSecret,
  resolveSetting,
  runService,
  secretStores,
  streamMetrics,
} from '@waybill/runtime';
import { connectStreams } from '@waybill/stream';
import { claimSettings } from './adapters/postgres-claims.ts';
import { configReader } from './config.ts';
import { ingestMetrics } from './metrics.ts';
import { SERVICE, createService } from './service.ts';

await runService({
  name: SERVICE,
  config: configReader,
  start: async ({ config, logger, metrics, tracing }) => {
    const url = await resolveSetting(config.INGEST_DATABASE_URL, secretStores(config));
    const streams = await connectStreams({
      brokers: config.KAFKA_BROKERS,
      registryUrl: config.SCHEMA_REGISTRY_URL,
      namespace: config.KAFKA_NAMESPACE,
      clientId: SERVICE,
      logger,
      metrics: streamMetrics(metrics),
      tracing,
    });
    return createService(config, {
      streams,
      pool: createPool(url, {
        applicationName: SERVICE,
        max: config.INGEST_DATABASE_CONNECTIONS,
        statementTimeoutMs: config.INGEST_SEND_TIMEOUT_MS,
        settings: claimSettings,
      }),
      secrets: (reference) => resolveSecret(reference, secretStores(config)),
      metrics: ingestMetrics(metrics),
      tracing,
      logger,
      now: Date.now,
    });
  },
});
