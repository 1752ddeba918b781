import type { Message, Topic } from '@waybill/contracts';
import { wireName, type Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { readLog } from './log-reader.ts';

/** A restore that takes longer says so in this rhythm. */
const PROGRESS_MS = 3_000;

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
  let records = 0;
  let reportedAt = startedAt;

  function decoded(offset: string, value: Buffer): Message {
    const result = codecs.decode(topic, value);
    if (result.message !== undefined) return result.message;
    throw streamFault(
      'UNDECODABLE',
      'start',
      `${topic.name}/${partition} offset ${offset}: ${result.problem}; state cannot be restored`,
    );
  }

  const reader = readLog({
    kafka: environment.openKafka(),
    logger,
    partitions: [{ topic: wireName(environment, topic), partition }],
    follow: false,
    onBatch: async (batch) => {
      const { messages } = batch;
      await codecs.learn(
        topic,
        messages.map(({ value }) => value),
      );
      for (const { key: name, value, offset } of messages) {
        const key = name?.toString() ?? '';
        if (value === null) newest.delete(key);
        else {
          const bytes = (name?.length ?? 0) + value.length;
          newest.set(key, { message: decoded(offset, value), bytes });
        }
      }
      records += batch.messages.length;
      metrics.restored(topic.name, batch.messages.length);
      const now = Date.now();
      if (now - reportedAt < PROGRESS_MS) return;
      reportedAt = now;
      logger.info(
        { topic: topic.name, partition, records, share: reader.share() },
        'state.restoring',
      );
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
