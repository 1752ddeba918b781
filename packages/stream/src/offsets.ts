import type { Topic } from '@waybill/contracts';
import {
  openAdmin,
  openCluster,
  type Cluster,
  type KafkaAdmin,
  type KafkaClient,
} from './client.ts';
import { delay } from './delay.ts';
import type { Committed, OffsetLookup } from './environment.ts';
import { kafkaFault, streamFault } from './errors.ts';

// A leader that moved is found after one refresh; a cluster that is away is the caller's matter.
const ATTEMPTS = 3;
const RETRY_DELAY_MS = 200;

interface Connection {
  readonly admin: KafkaAdmin;
  readonly cluster: Cluster;
}

async function close({ admin, cluster }: Connection): Promise<void> {
  await Promise.allSettled([admin.disconnect(), cluster.disconnect()]);
}

function unanswered(doing: string, topic: string, partition: number): Error {
  const text = `${doing}: expected an answer about ${topic}/${partition}, found none; asked again`;
  return streamFault('KAFKA_FAILED', 'start', text);
}

/** Answers from one connection, opened at the first question and replaced when it breaks. */
export function createOffsetLookup(openKafka: () => KafkaClient, namespace: string): OffsetLookup {
  let connecting: Promise<Connection> | undefined;
  let closed = false;

  async function connect(): Promise<Connection> {
    const connection = {
      admin: openAdmin(openKafka()),
      cluster: openCluster(openKafka(), 'high'),
    };
    try {
      await connection.admin.connect();
      await connection.cluster.connect();
      return connection;
    } catch (error) {
      await close(connection);
      throw error;
    }
  }

  /** Closes the connection that failed; another question may have opened the next one already. */
  async function drop(broken = connecting): Promise<void> {
    if (broken === connecting) connecting = undefined;
    await broken?.then(close, () => undefined);
  }

  async function ask<R>(doing: string, question: (c: Connection) => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt += 1) {
      if (closed) throw streamFault('CLOSED', 'start', 'the connection was closed');
      const connection = (connecting ??= connect());
      try {
        return await question(await connection);
      } catch (error) {
        const fault = kafkaFault(error, 'start', doing);
        // A fresh connection next time: the client does not always recover a closed one.
        void drop(connection);
        // Metadata of a topic that was just created may lag behind the list.
        const passes = fault.kind === 'transient' || fault.code === 'TOPIC_MISSING';
        if (!passes || attempt >= ATTEMPTS) throw fault;
        await delay(RETRY_DELAY_MS);
      }
    }
  }

  const wire = (topic: Topic): string => `${namespace}${topic.name}`;
  const place = (topic: string, partition: number): string =>
    `${topic.slice(namespace.length)}/${partition}`;

  async function limits(
    cluster: Cluster,
    names: readonly string[],
    fromBeginning: boolean,
  ): Promise<ReadonlyMap<string, bigint>> {
    const answer = await cluster.fetchTopicsOffset(
      names.map((topic) => ({
        topic,
        fromBeginning,
        partitions: cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId }) => ({ partition: partitionId })),
      })),
    );
    return new Map(
      answer.flatMap(({ topic, partitions }) =>
        partitions.map((p) => [place(topic, p.partition), BigInt(p.offset)] as const),
      ),
    );
  }

  return {
    partitionCounts: async (topics) => {
      const existing = new Set(await ask('listing topics', ({ admin }) => admin.listTopics()));
      const names = [...new Set(topics.map(wire))];
      const missing = names.filter((name) => !existing.has(name));
      if (missing.length > 0) {
        throw streamFault(
          'TOPIC_MISSING',
          'start',
          `expected ${missing.join(', ')}: run provisioning`,
        );
      }
      if (names.length === 0) return new Map();
      const { topics: found } = await ask('reading topic metadata', ({ admin }) =>
        admin.fetchTopicMetadata({ topics: names }),
      );
      return new Map(found.map((t) => [t.name.slice(namespace.length), t.partitions.length]));
    },
    committed: async (group, topics, partition) => {
      const doing = `reading offsets of ${group}`;
      return ask(doing, async ({ admin }) => {
        const answer = await admin.fetchOffsets({ groupId: group, topics: topics.map(wire) });
        const committed = new Map<string, Committed>();
        for (const topic of topics) {
          const found = answer
            .find((other) => other.topic === wire(topic))
            ?.partitions.find((other) => other.partition === partition);
          // The client asks for the partitions that its metadata hold just then, which may be none of a topic.
          // Taken for "never committed" that would handle the whole input once more.
          if (found === undefined) throw unanswered(doing, wire(topic), partition);
          const { offset, metadata } = found;
          if (BigInt(offset) < 0n) continue;
          committed.set(topic.name, { next: BigInt(offset), metadata: metadata ?? '' });
        }
        return committed;
      });
    },
    bounds: (topics) =>
      ask('reading the ends of topics', async ({ cluster }) => {
        const names = [...new Set(topics.map(wire))];
        await cluster.addMultipleTargetTopics(names);
        await cluster.refreshMetadataIfNecessary();
        const low = await limits(cluster, names, true);
        const high = await limits(cluster, names, false);
        return new Map(
          [...high].map(([where, end]) => [where, { low: low.get(where) ?? 0n, high: end }]),
        );
      }),
    atTime: (topic, partition, ms) =>
      ask(`looking up a time in ${topic.name}`, async ({ cluster }) => {
        await cluster.addMultipleTargetTopics([wire(topic)]);
        const [answer] = await cluster.fetchTopicsOffset([
          { topic: wire(topic), partitions: [{ partition }], fromTimestamp: ms },
        ]);
        const offset = BigInt(answer?.partitions[0]?.offset ?? -1);
        return offset < 0n ? undefined : offset;
      }),
    close: async () => {
      closed = true;
      await drop();
    },
  };
}
