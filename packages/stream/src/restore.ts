import type { Message, Topic } from '@waybill/contracts';
import { wireName, type Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { readLog } from './log-reader.ts';
import { createProgress } from './progress.ts';
import { eachEntry } from './record.ts';

/** A restored value and the bytes of its key and record. */
export interface Restored {
  readonly message: Message;
  readonly bytes: number;
}

/**
 * Newest message by key of one partition of a compacted topic, read to its end. Call it only after
 * fencing: then nobody writes to the partition any more and the end is final. A record that cannot be
 * decoded throws: state must not be rebuilt with holes.
 */
export async function restorePartition(
  environment: Environment,
  topic: Topic,
  partition: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Restored>> {
  const { codecs, logger, metrics } = environment;
  const newest = new Map<string, Restored>();
  const startedAt = Date.now();
  const progress = createProgress((records) => {
    const share = reader.share();
    logger.info({ topic: topic.name, partition, records, share }, 'state.restoring');
  });

  const reader = readLog({
    kafka: environment.openKafka(),
    logger,
    partitions: [{ topic: wireName(environment, topic), partition }],
    follow: false,
    onBatch: async (batch) => {
      let seen = 0;
      const source = { topic, partition, records: batch.records(), next: batch.next };
      await eachEntry(codecs, source, ({ key, offset, bytes, message, problem }) => {
        if (message === undefined) {
          throw streamFault(
            'UNDECODABLE',
            'start',
            `${topic.name}/${partition} offset ${offset}: ${problem}; state cannot be restored`,
          );
        }
        if (message === null) newest.delete(key);
        else newest.set(key, { message, bytes });
        seen += 1;
      });
      metrics.restored(topic.name, seen);
      progress.add(seen);
    },
  });
  const abort = (): void => {
    void reader.stop();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await reader.done;
    if (signal.aborted) throw streamFault('CLOSED', 'start', 'the restore was interrupted');
  } finally {
    signal.removeEventListener('abort', abort);
  }
  logger.info(
    {
      topic: topic.name,
      partition,
      records: progress.records(),
      keys: newest.size,
      duration_ms: Date.now() - startedAt,
    },
    'state.restored',
  );
  return newest;
}
