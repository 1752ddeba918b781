import type { Topic } from '@waybill/contracts';
import {
  openProducer,
  sendRound,
  type KafkaProducer,
  type KafkaTransaction,
  type WrittenBatch,
} from './client.ts';
import { backoff, delay } from './delay.ts';
import { wireName, type Environment } from './environment.ts';
import { kafkaFault, isFenced, streamFault } from './errors.ts';
import type { Round } from './outbox.ts';

/**
 * The producer of one transactional id. new → fenced (older owners can no longer commit) → any number
 * of transactions → poisoned by the first failure. A poisoned one is closed and replaced: the client's
 * state machine does not come back from a failed commit or abort.
 */
export interface Transactor {
  /** Ends the pending transaction of an older owner and locks it out. */
  readonly fence: () => Promise<void>;
  /** All or nothing; offsets are next-to-read. Throws a Fault (`FENCED` when locked out). */
  readonly commit: (
    rounds: readonly Round[],
    offsets?: ConsumedOffset,
    wrote?: (batch: WrittenBatch) => void,
  ) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ConsumedOffset {
  readonly group: string;
  readonly topic: Topic;
  readonly partition: number;
  readonly next: bigint;
  /** Stands beside the offset; asked for when all batches are written. */
  readonly metadata?: () => string;
}

// Sum about 5 s; the previous transaction is usually decided after a few milliseconds.
const OFFSET_ATTEMPTS = 14;
const OFFSET_FIRST_DELAY_MS = 2;
const OFFSET_MAX_DELAY_MS = 1_000;

function isConcurrent(error: unknown): boolean {
  return (error as { type?: unknown }).type === 'CONCURRENT_TRANSACTIONS';
}

export function createTransactor(environment: Environment, transactionalId: string): Transactor {
  const producer: KafkaProducer = openProducer(environment.openKafka(), transactionalId);
  let poisoned: unknown;

  /** The client retries CONCURRENT_TRANSACTIONS when it adds partitions, but not when it adds offsets. */
  async function sendOffsets(
    transaction: KafkaTransaction,
    { group, topic, partition, next, metadata = () => '' }: ConsumedOffset,
  ): Promise<void> {
    const offsets = {
      consumerGroupId: group,
      topics: [
        {
          topic: wireName(environment, topic),
          partitions: [{ partition, offset: String(next), metadata: metadata() }],
        },
      ],
    };
    for (let attempt = 0; ; attempt += 1) {
      try {
        await transaction.sendOffsets(offsets);
        return;
      } catch (error) {
        if (!isConcurrent(error) || attempt >= OFFSET_ATTEMPTS) throw error;
        await delay(backoff(attempt, OFFSET_FIRST_DELAY_MS, OFFSET_MAX_DELAY_MS));
      }
    }
  }

  async function guarded(doing: string, work: () => Promise<void>): Promise<void> {
    if (poisoned !== undefined) {
      throw streamFault('KAFKA_FAILED', 'commit', `${transactionalId} failed before`, poisoned);
    }
    try {
      await work();
    } catch (error) {
      poisoned = error;
      throw isFenced(error)
        ? streamFault('FENCED', 'commit', `another owner took ${transactionalId} over`, error)
        : kafkaFault(error, 'commit', `${doing} ${transactionalId}`);
    }
  }

  return {
    fence: () =>
      guarded('fencing', async () => {
        await producer.connect();
        const transaction = await producer.transaction();
        await transaction.abort();
      }),
    commit: async (rounds, offsets, wrote) => {
      if (rounds.length === 0 && offsets === undefined) return;
      await guarded('transaction of', async () => {
        const transaction = await producer.transaction();
        try {
          for (const round of rounds) {
            for (const batch of await sendRound(transaction, round)) wrote?.(batch);
          }
          if (offsets) await sendOffsets(transaction, offsets);
          await transaction.commit();
        } catch (error) {
          // Best effort: the successor's fencing aborts it anyway, this only unblocks readers sooner.
          if (transaction.isActive() && !isFenced(error)) {
            await transaction.abort().catch(() => undefined);
          }
          throw error;
        }
      });
    },
    close: () => producer.disconnect().catch(() => undefined),
  };
}
