import { createRequire } from 'node:module';
import type * as kafkajs from 'kafkajs';
import { installGuards, type MemberListener } from './guards.ts';
import type { Round } from './outbox.ts';
import type { StreamLogger } from './port.ts';
import { FetchedBatch, type FetchedPartition } from './record-batch/fetched-batch.ts';
import { createSockets, type Route, type Sockets } from './sockets.ts';

/** The one file that loads kafkajs: through `require`, because the guards come first. */
const load = createRequire(import.meta.url);
installGuards(load);
const { AssignerProtocol, Kafka, Partitioners, logLevel } = load('kafkajs') as typeof kafkajs;

export type KafkaClient = kafkajs.Kafka;
export type KafkaAdmin = kafkajs.Admin;
export type KafkaConsumer = kafkajs.Consumer;
export type KafkaProducer = kafkajs.Producer;
export type KafkaTransaction = kafkajs.Transaction;
export type BatchControl = kafkajs.EachBatchPayload;

/** The cluster connection behind a consumer; used by the reader that needs no group. */
export type Cluster = Omit<kafkajs.Cluster, 'findLeaderForPartitions'> & {
  readonly findLeaderForPartitions: (
    topic: string,
    partitions: readonly number[],
  ) => Record<string, number[]>;
};

/** Session and transaction times in milliseconds; the README says what follows from them. */
export const times: {
  readonly session: number;
  readonly heartbeat: number;
  readonly rebalance: number;
  readonly transaction: number;
  readonly fetchWait: number;
} = {
  session: 8_000,
  heartbeat: 1_000,
  rebalance: 15_000,
  transaction: 12_000,
  fetchWait: 200,
};

/** Most bytes of one fetch. A record that is larger than the limit comes all the same. */
export interface FetchLimits {
  readonly perPartition: number;
  readonly total: number;
}

/**
 * *steady* is for tasks: under a backlog each partition's share becomes one transaction, and what a
 * transaction costs the broker is shared by its records. *bulk* is for databases and restores.
 */
export const fetchLimits: { readonly steady: FetchLimits; readonly bulk: FetchLimits } = {
  steady: { perPartition: 1 << 20, total: 8 << 20 },
  bulk: { perPartition: 1 << 20, total: 4 << 20 },
};

// What the client calls an error but is a step of its own protocol.
const ROUTINE =
  /rebalanc|REBALANCE|concurrent operation|CONCURRENT_TRANSACTIONS|not aware of this member|re-join|loading and hence|coordinator is not available|not the correct coordinator|the connection was closed/i;

const REPEAT_AFTER_MS = 10_000;
const MAX_REMEMBERED = 200;

/** True once per text and 10 s: an outage would otherwise fill the log. */
function createRepeatFilter(): (text: string) => boolean {
  const shown = new Map<string, number>();
  return (text) => {
    const now = performance.now();
    if (now - (shown.get(text) ?? -REPEAT_AFTER_MS) < REPEAT_AFTER_MS) return false;
    if (shown.size >= MAX_REMEMBERED) shown.clear();
    shown.set(text, now);
    return true;
  };
}

const isNews = createRepeatFilter();

const socketsOf = new WeakMap<KafkaClient, Sockets>();

// A producer, a reader or an admin has nothing to say but goodbye; a member ends its batch and leaves.
const CLOSE_LIMIT_MS = 2_000;
const LEAVE_LIMIT_MS = 10_000;

/** Disconnecting ends all sockets of the client object, whatever the client still tries. */
function closing(
  kafka: KafkaClient,
  disconnect: () => Promise<unknown>,
  limitMs = CLOSE_LIMIT_MS,
): () => Promise<void> {
  return () => socketsOf.get(kafka)?.close(disconnect, limitMs) ?? Promise.resolve();
}

/** One connection configuration. `retries` is always explicit: the client's defaults differ by call. */
export function openKafka(options: {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: StreamLogger;
  readonly route?: Route | undefined;
}): KafkaClient {
  const { logger } = options;
  const sockets = createSockets(options.route);
  const kafka = new Kafka({
    socketFactory: sockets.open,
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: 3_000,
    requestTimeout: 20_000,
    retry: { initialRetryTime: 50, factor: 0.2, multiplier: 2, maxRetryTime: 1_000, retries: 5 },
    logLevel: logLevel.ERROR,
    logCreator:
      () =>
      ({ namespace, log }) => {
        const detail = [log.message, log['error']].filter((part) => typeof part === 'string');
        const text = detail.join(': ');
        if (!ROUTINE.test(text) && isNews(text))
          logger.warn({ namespace, detail: text }, 'kafka.client.complained');
      },
  });
  socketsOf.set(kafka, sockets);
  return kafka;
}

/** An administrator; disconnecting closes the client object. */
export function openAdmin(kafka: KafkaClient): KafkaAdmin {
  const admin = kafka.admin();
  return { ...admin, disconnect: closing(kafka, () => admin.disconnect()) };
}

/** A producer; with `transactionalId` for transactions, else idempotent. Every record names its partition. */
export function openProducer(kafka: KafkaClient, transactionalId?: string): KafkaProducer {
  const common = {
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    // About 10 s in all; the first retry is short because CONCURRENT_TRANSACTIONS passes quickly.
    retry: { initialRetryTime: 10, factor: 0.2, multiplier: 2, maxRetryTime: 1_000, retries: 16 },
  };
  const producer =
    transactionalId === undefined
      ? kafka.producer({ ...common, idempotent: true })
      : kafka.producer({ ...common, transactionalId, transactionTimeout: times.transaction });
  return { ...producer, disconnect: closing(kafka, () => producer.disconnect()) };
}

/** Where a batch was written: the offset of its first record. */
export interface WrittenBatch {
  /** Topic name on the cluster. */
  readonly topic: string;
  readonly offset: bigint;
}

/** Sends the batches of one request; resolves when all replicas confirmed. */
export async function sendRound(
  to: Pick<KafkaProducer, 'sendBatch'>,
  round: Round,
): Promise<readonly WrittenBatch[]> {
  // The guards let whole batches stand in for kafkajs's messages: see `batchPerPartition`.
  const topicMessages = round.map(({ topic, batches }) => ({
    topic,
    messages: batches as unknown as kafkajs.Message[],
  }));
  const written = await to.sendBatch({ acks: -1, topicMessages });
  // A repeated request is answered without an offset.
  return written.flatMap(({ topicName: topic, baseOffset = '-1' }) =>
    Number(baseOffset) < 0 ? [] : [{ topic, offset: BigInt(baseOffset) }],
  );
}

/** The port between the client's group protocol and our assigner. */
export interface GroupAssigner extends MemberListener {
  readonly name: string;
  /** What this member tells the leader about itself. */
  readonly describe: () => Buffer;
  readonly assign: (
    members: readonly { readonly memberId: string; readonly described: Buffer }[],
    topics: ReadonlyMap<string, readonly number[]>,
  ) => ReadonlyMap<string, Record<string, number[]>>;
}

const ASSIGNER_VERSION = 0;

function adapt(
  assigner: GroupAssigner,
  cluster: kafkajs.Cluster,
): kafkajs.Assigner & MemberListener {
  const { name, fetched, settled } = assigner;
  return {
    name,
    version: ASSIGNER_VERSION,
    ...(fetched && { fetched }),
    ...(settled && { settled }),
    protocol: ({ topics }) => ({
      name,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: ASSIGNER_VERSION,
        topics,
        userData: assigner.describe(),
      }),
    }),
    assign: async ({ members, topics }) => {
      const partitions = new Map(
        topics.map((topic) => [
          topic,
          cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
        ]),
      );
      const described = members.map(({ memberId, memberMetadata }) => ({
        memberId,
        described:
          AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData ?? Buffer.alloc(0),
      }));
      return [...assigner.assign(described, partitions)].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: ASSIGNER_VERSION,
          assignment,
          userData: Buffer.alloc(0),
        }),
      }));
    },
  };
}

/** A member of a group: reads committed records, from the beginning, and never restarts by itself. */
export function openConsumer(
  kafka: KafkaClient,
  groupId: string,
  assigner: GroupAssigner,
  limits: FetchLimits,
): KafkaConsumer {
  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: [({ cluster }) => adapt(assigner, cluster)],
    allowAutoTopicCreation: false,
    sessionTimeout: times.session,
    heartbeatInterval: times.heartbeat,
    rebalanceTimeout: times.rebalance,
    maxWaitTimeInMs: times.fetchWait,
    maxBytesPerPartition: limits.perPartition,
    maxBytes: limits.total,
    retry: {
      initialRetryTime: 100,
      factor: 0.2,
      multiplier: 2,
      maxRetryTime: 2_000,
      retries: 5,
      restartOnFailure: async () => false,
    },
  });
  return { ...consumer, disconnect: closing(kafka, () => consumer.disconnect(), LEAVE_LIMIT_MS) };
}

/**
 * The cluster of a consumer that never joins a group: the public way to a connection without one.
 * `ends` says what the end of a partition is: the last stable offset, or the high watermark.
 */
export function openCluster(kafka: KafkaClient, ends: 'stable' | 'high'): Cluster {
  let captured: kafkajs.Cluster | undefined;
  kafka.consumer({
    groupId: 'none',
    readUncommitted: ends === 'high',
    allowAutoTopicCreation: false,
    retry: { retries: 5 },
    partitionAssigners: [
      ({ cluster }) => {
        captured = cluster;
        return {
          name: 'none',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  if (captured === undefined) throw new Error('the client did not create its assigners');
  const cluster = captured;
  cluster.disconnect = closing(kafka, cluster.disconnect.bind(cluster));
  // The client types leaders as a mutable array parameter; it only reads it.
  return cluster as unknown as Cluster;
}

export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly next: bigint;
}

/** One read-committed fetch from one broker, as batches without markers and aborted records. */
export async function fetchBatches(
  cluster: Cluster,
  nodeId: string,
  requests: readonly FetchRequest[],
): Promise<readonly FetchedBatch[]> {
  const broker = await cluster.findBroker({ nodeId });
  const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
  for (const { topic, partition, next } of requests) {
    const partitions = topics.get(topic) ?? [];
    partitions.push({
      partition,
      fetchOffset: String(next),
      maxBytes: fetchLimits.bulk.perPartition,
    });
    topics.set(topic, partitions);
  }
  const { responses } = (await broker.fetch({
    isolationLevel: READ_COMMITTED,
    maxWaitTime: times.fetchWait,
    minBytes: 1,
    maxBytes: fetchLimits.bulk.total,
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  })) as { responses: { topicName: string; partitions: FetchedPartition[] }[] };
  const asked = new Map(requests.map((r) => [`${r.topic}/${r.partition}`, String(r.next)]));
  return responses.flatMap(({ topicName, partitions }) =>
    partitions.map(
      (data) =>
        new FetchedBatch(topicName, asked.get(`${topicName}/${data.partition}`) ?? '0', data),
    ),
  );
}

const READ_COMMITTED = 1;
