import { topics } from '@waybill/contracts';
import { resolveSetting, runService, secretStores, streamMetrics } from '@waybill/runtime';
import { connectStreams } from '@waybill/stream';
import { connectErp } from './adapters/erp-reader.ts';
import { openLedger } from './adapters/ledger-database.ts';
import { configReader } from './config.ts';
import { reconcilerMetrics } from './metrics.ts';
import { SERVICE, createService } from './service.ts';

await runService({
  name: SERVICE,
  config: configReader,
  batchRatio: (config) => config.TRACE_POSITION_RATIO,
  start: async ({ config, logger, metrics, tracing }) => {
    const secrets = secretStores(config);
    const { store, ledger } = await openLedger(
      await resolveSetting(config.LEDGER_DATABASE_URL, secrets),
    );
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
      publisher: await streams.publisher([topics.completeness]),
      completenessDays: config.COMPLETENESS_DAYS,
      store,
      ledger,
      connectErp: (model) => connectErp(model, secrets),
      logger,
      metrics: reconcilerMetrics(metrics),
      now: Date.now,
    });
  },
});
