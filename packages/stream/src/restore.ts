import type { Message, Topic } from '@waybill/contracts';
import { wireName, type Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { readLog } from './log-reader.ts';
import { decodeBatch } from './record.ts';

const PROGRESS_EVERY = 100_000;

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
): Promise<ReadonlyMap<string, Message>> {
  const { codecs, logger } = environment;
  const newest = new Map<string, Message>();
  const startedAt = Date.now();
  let records = 0;
  const reader = readLog({
    kafka: environment.openKafka(),
    logger,
    partitions: [{ topic: wireName(environment, topic), partition }],
    follow: false,
    onBatch: async (batch) => {
      const { received, unreadable } = await decodeBatch(codecs, topic, partition, batch.messages);
      const [bad] = unreadable;
      if (bad) {
        throw streamFault(
          'UNDECODABLE',
          'start',
          `${topic.name}/${partition} offset ${bad.offset}: ${bad.problem}; state cannot be restored`,
        );
      }
      const messages = new Map(received.map((r) => [String(r.offset), r.message]));
      for (const { key, offset } of batch.messages) {
        const message = messages.get(offset);
        if (message === undefined) newest.delete(key?.toString() ?? '');
        else newest.set(key?.toString() ?? '', message);
      }
      const before = Math.floor(records / PROGRESS_EVERY);
      records += batch.messages.length;
      if (Math.floor(records / PROGRESS_EVERY) > before) {
        logger.info({ topic: topic.name, partition, records }, 'state.restoring');
      }
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
      records,
      keys: newest.size,
      duration_ms: Date.now() - startedAt,
    },
    'state.restored',
  );
  return newest;
}
