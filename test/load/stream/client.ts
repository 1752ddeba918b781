/**
 * The client process of a benchmark: gets its setting from the parent, runs one case as a service
 * would, and sends back what it measured.
 */
import { connectStreams } from '@waybill/stream';
import { clients, metricsOf, type RunSetting } from './clients.ts';
import { logger } from './log.ts';
import { createMeter } from '../measure.ts';

async function run(setting: RunSetting): Promise<object> {
  const client = clients[setting.case];
  if (client === undefined) throw new Error(`no client for ${setting.case}`);
  const meter = createMeter(setting.warmup, setting.events, setting.brokerPid);
  const streams = await connectStreams({
    brokers: setting.brokers,
    registryUrl: setting.registryUrl,
    namespace: setting.namespace,
    clientId: `bench-${setting.case}`,
    logger,
    metrics: metricsOf(meter),
    ...(setting.stateDirectory !== undefined && { state: { directory: setting.stateDirectory } }),
  });
  const result = await client({ setting, streams, meter });
  await streams.close();
  return result;
}

process.once('message', (setting: RunSetting) => {
  const report = (message: object, code: number): void => {
    process.send?.(message, undefined, undefined, () => process.exit(code));
  };
  run(setting).then(
    (result) => report({ result }, 0),
    (error: unknown) => {
      report({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, 1);
    },
  );
});
// A client whose parent is gone has nobody to report to.
process.once('disconnect', () => process.exit(1));
