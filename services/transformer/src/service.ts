import { topics } from '@waybill/contracts';
import type { RunningService } from '@waybill/runtime';
import type { Config } from './config.ts';
import { createHandler } from './handle-raw.ts';
import type { Ports } from './ports.ts';

/** Consumer group and prefix of the transactional ids. */
export const SERVICE = 'transformer';

/** Raw records → contract events, exactly once, without state. */
export async function createService(
  config: Pick<Config, 'KAFKA_TASK_PARTITIONS' | 'TRACE_POSITION_RATIO'>,
  ports: Ports,
): Promise<RunningService> {
  const handle = createHandler({
    taskPartitions: config.KAFKA_TASK_PARTITIONS,
    traceRatio: config.TRACE_POSITION_RATIO,
    metrics: ports.metrics,
    logger: ports.logger,
  });
  const runner = await ports.streams.transact({
    service: SERVICE,
    inputs: [topics.wialonPage, topics.webhookRaw],
    outputs: [
      topics.position,
      topics.tripStatus,
      topics.fuelTransaction,
      topics.providerWorkOrder,
      topics.providerAlert,
      topics.asset,
      topics.zone,
    ],
    deadLetter: topics.transformerDeadLetter,
    rework: { commands: topics.transformerRework, state: topics.transformerReworkState },
    createTask: () => ({ handle }),
  });
  return {
    health: () => ({ ready: runner.ready(), positions: runner.positions() }),
    done: runner.done,
    stop: async () => {
      await runner.stop();
      await ports.streams.close();
    },
  };
}
