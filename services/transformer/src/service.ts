import { topics } from '@waybill/contracts';
import type { RunningService } from '@waybill/runtime';
import type { Config } from './config.ts';
import { handleBackfill, rereadRaw } from './handle-backfill.ts';
import { createHandler } from './handle-raw.ts';
import type { Ports } from './ports.ts';

/** Consumer group and prefix of the transactional ids. */
export const SERVICE = 'transformer';

/** The second group: re-read ranges never stand among the live pages. */
export const BACKFILL = 'transformer.backfill';

/** Raw records → contract events, exactly once, without state. */
export async function createService(
  config: Pick<Config, 'KAFKA_TASK_PARTITIONS' | 'TRACE_POSITION_RATIO'>,
  ports: Ports,
): Promise<RunningService> {
  const settings = {
    taskPartitions: config.KAFKA_TASK_PARTITIONS,
    traceRatio: config.TRACE_POSITION_RATIO,
    metrics: ports.metrics,
    logger: ports.logger,
  };
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
      topics.driverBinding,
      topics.positionBackfill,
    ],
    deadLetter: topics.transformerDeadLetter,
    rework: { commands: topics.transformerRework, state: topics.transformerReworkState },
    tables: [topics.asset, topics.zone, topics.driverBinding],
    createTask: ({ tables }) => ({
      handle: createHandler(settings, tables),
      reread: (records, out, range) => rereadRaw(records, out, range, tables),
    }),
  });
  const backfill = await ports.streams.transact({
    service: BACKFILL,
    inputs: [topics.wialonPageBackfill],
    outputs: [topics.positionBackfill],
    deadLetter: topics.transformerDeadLetter,
    tables: [topics.asset],
    createTask: ({ tables }) => ({
      handle: (records, out) => handleBackfill(records, out, tables),
    }),
  });
  const runners = [runner, backfill];
  return {
    health: () => ({
      ready: runners.every((each) => each.ready()),
      positions: runners.flatMap((each) => each.positions()),
    }),
    done: Promise.all(runners.map(async ({ done }) => done)).then(() => undefined),
    stop: async () => {
      await Promise.all(runners.map(async (each) => each.stop()));
      await ports.streams.close();
    },
  };
}
