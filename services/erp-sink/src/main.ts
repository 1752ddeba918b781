import { createInbox } from '@waybill/inbox';
import { createPool, projectionStore, transaction } from '@waybill/postgres';
import { resolveSetting, runService, secretStores, streamMetrics } from '@waybill/runtime';
import { connectStreams } from '@waybill/stream';
import { openErp } from './adapters/open-erp.ts';
import { mappingStore } from './adapters/mapping-store.ts';
import { configReader } from './config.ts';
import { sinkMetrics } from './metrics.ts';
import { SERVICE } from './service-name.ts';
import { createService } from './service.ts';

await runService({
  name: SERVICE,
  config: configReader,
  start: async ({ config, logger, metrics, tracing }) => {
    const secrets = secretStores(config);
    const url = await resolveSetting(config.DELIVERY_DATABASE_URL, secrets);
    const pool = createPool(url, {
      applicationName: SERVICE,
      max: config.DELIVERY_WORKERS + 6,
      statementTimeoutMs: 10_000,
    });
    const inbox = createInbox({
      pool,
      limits: { retries: config.DELIVERY_RETRIES },
      random: Math.random,
    });
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
      store: projectionStore(pool, 'delivery'),
      inbox,
      mappings: mappingStore(pool, inbox),
      transaction: (work) => transaction(pool, work),
      openErp: openErp(secrets, config.DELIVERY_ERP_CONNECTIONS),
      logger,
      metrics: sinkMetrics(metrics),
      tracing,
      now: Date.now,
      closeDatabase: () => pool.end(),
    });
  },
});
