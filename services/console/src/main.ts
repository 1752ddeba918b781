import { topics } from '@waybill/contracts';
import { resolveSetting, runService, secretStores, streamMetrics } from '@waybill/runtime';
import { connectStreams } from '@waybill/stream';
import { openControl } from './adapters/control-database.ts';
import { createErpLookup, createPlanReader } from './adapters/erp-lookup.ts';
import { openLedger } from './adapters/ledger-database.ts';
import { followProposals } from './adapters/proposals.ts';
import { followReworks } from './adapters/rework-reports.ts';
import { configReader } from './config.ts';
import { consoleMetrics } from './metrics.ts';
import { reworkCommands } from './rework-services.ts';
import { SERVICE, createService } from './service.ts';

await runService({
  name: SERVICE,
  config: configReader,
  start: async ({ config, logger, metrics, tracing }) => {
    const secrets = secretStores(config);
    const control = await openControl(await resolveSetting(config.CONTROL_DATABASE_URL, secrets));
    const ledger = openLedger(await resolveSetting(config.LEDGER_DATABASE_URL, secrets));
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
      control,
      ledger,
      lookupErp: createErpLookup(secrets),
      readPlan: createPlanReader(secrets),
      planPauseMs: config.DRIVER_PLAN_PAUSE_S * 1000,
      reworks: await followReworks(streams),
      proposals: await followProposals(streams),
      publisher: await streams.publisher([
        topics.tenantConfig,
        topics.idMapping,
        topics.proposalVerdict,
        topics.plannedAssignment,
        topics.positionBackfill,
        ...reworkCommands,
      ]),
      streams,
      logger,
      metrics: consoleMetrics(metrics),
      now: Date.now,
    });
  },
});
