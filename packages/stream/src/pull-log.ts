import { wireName, type Environment } from './environment.ts';
import { readLog } from './log-reader.ts';
import type { FetchedBatch } from './record-batch/fetched-batch.ts';
import type { Stretch } from './rework-host.ts';

/**
 * Committed batches of a stretch, read when they are asked for; a batch may hold records from `to` on.
 * Throws a Fault when reading has to be given up. Ending the loop early ends the reading.
 */
export async function* pullBatches(
  environment: Environment,
  { topic, partition, from, to }: Stretch,
): AsyncGenerator<FetchedBatch> {
  let given = Promise.withResolvers<FetchedBatch | undefined>();
  let taken = Promise.withResolvers<void>();
  const reader = readLog({
    kafka: environment.openKafka(),
    logger: environment.logger,
    partitions: [{ topic: wireName(environment, topic), partition, from, to }],
    follow: false,
    onBatch: async (batch) => {
      given.resolve(batch);
      await taken.promise;
    },
  });
  reader.done.then(
    () => given.resolve(undefined),
    (error: unknown) => given.reject(error),
  );
  try {
    for (;;) {
      const batch = await given.promise;
      if (batch === undefined) return;
      given = Promise.withResolvers();
      yield batch;
      const done = taken;
      taken = Promise.withResolvers();
      done.resolve();
    }
  } finally {
    taken.resolve();
    await reader.stop();
  }
}
