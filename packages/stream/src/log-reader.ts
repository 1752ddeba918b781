import {
  fetchBatches,
  openCluster,
  type Cluster,
  type FetchRequest,
  type KafkaClient,
} from './client.ts';
import { atMost, backoff, delay } from './delay.ts';
import { kafkaFault, streamFault } from './errors.ts';
import type { StreamLogger } from './port.ts';
import type { FetchedBatch } from './record-batch/fetched-batch.ts';

/**
 * Reads whole partitions from their beginning without a consumer group: no join, no commit, nothing
 * left behind on the cluster. Restores and tables use it.
 *
 * States per partition: *behind* (next < end seen at the start) → *caught up*. `readToEnd` stops when
 * all are caught up; `follow` goes on. Aborted records never come through.
 */
export interface LogReader {
  /** Resolves when everything up to the ends seen at the start was handed over. */
  readonly caughtUp: Promise<void>;
  /** Resolves when reading stopped; rejects with a Fault when it had to give up. */
  readonly done: Promise<void>;
  /** Read part of what there was to read at the start, 0 to 1 with two decimals. */
  readonly share: () => number;
  /** Next offset to read of `<topic>/<partition>`; 0 when it is not known yet. */
  readonly next: (place: string) => bigint;
  readonly stop: () => Promise<void>;
}

/** A partition as the cluster calls it; read from its first record to its end, or between the bounds. */
export interface LogPart {
  readonly topic: string;
  readonly partition: number;
  readonly from?: bigint;
  /** Exclusive; never beyond the last stable offset. */
  readonly to?: bigint;
}

export interface LogReaderOptions {
  readonly kafka: KafkaClient;
  readonly logger: StreamLogger;
  readonly partitions: readonly LogPart[];
  readonly onBatch: (batch: FetchedBatch) => void | Promise<void>;
  /** True = go on after the end; false = stop there. */
  readonly follow: boolean;
}

// A restore gives up after about a minute without an answer; a follower keeps trying.
const MAX_FAILURES = 20;
const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5_000;
const STOP_LIMIT_MS = 1_000;
// Compaction may have taken everything up to the end that was seen: then nothing more comes.
const EMPTY_FETCHES_AT_END = 3;

interface Cursor {
  readonly topic: string;
  readonly partition: number;
  readonly first: bigint;
  next: bigint;
  end: bigint;
  emptyFetches: number;
}

async function limits(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  fromBeginning: boolean,
): Promise<ReadonlyMap<number, bigint>> {
  const [answer] = await cluster.fetchTopicsOffset([
    { topic, partitions: partitions.map((partition) => ({ partition })), fromBeginning },
  ]);
  return new Map((answer?.partitions ?? []).map((p) => [p.partition, BigInt(p.offset)]));
}

/** First and last stable offset of each partition. */
async function cursorsOf(
  cluster: Cluster,
  wanted: LogReaderOptions['partitions'],
): Promise<Cursor[]> {
  const cursors: Cursor[] = [];
  for (const [topic, group] of Map.groupBy(wanted, (p) => p.topic)) {
    const partitions = group.map(({ partition }) => partition);
    const low = await limits(cluster, topic, partitions, true);
    const high = await limits(cluster, topic, partitions, false);
    for (const { partition, from, to } of group) {
      const next = low.get(partition);
      const end = high.get(partition);
      if (next === undefined || end === undefined) {
        throw streamFault('TOPIC_MISSING', 'start', `${topic}/${partition} has no leader`);
      }
      const first = from !== undefined && from > next ? from : next;
      const last = to !== undefined && to < end ? to : end;
      cursors.push({ topic, partition, first, next: first, end: last, emptyFetches: 0 });
    }
  }
  return cursors;
}

function byLeader(cluster: Cluster, cursors: readonly Cursor[]): Map<string, Cursor[]> {
  const leaders = new Map<string, Cursor[]>();
  for (const cursor of cursors) {
    const [leader] = Object.keys(cluster.findLeaderForPartitions(cursor.topic, [cursor.partition]));
    if (leader === undefined) {
      throw streamFault('KAFKA_FAILED', 'start', `${cursor.topic}/${cursor.partition}: no leader`);
    }
    leaders.set(leader, [...(leaders.get(leader) ?? []), cursor]);
  }
  return leaders;
}

async function recover(
  cluster: Cluster,
  error: unknown,
  cursors: readonly Cursor[],
): Promise<void> {
  const { name, host, port, type } = error as {
    name?: string;
    host?: string;
    port?: number;
    type?: string;
  };
  if (host !== undefined && port !== undefined && name?.startsWith('KafkaJSConnection')) {
    cluster.removeBroker({ host, port });
  }
  await cluster.connect();
  await cluster.refreshMetadata();
  if (type !== 'OFFSET_OUT_OF_RANGE') return;
  // Compaction or retention moved the beginning while we read: what is gone is superseded.
  for (const cursor of cursors) {
    const low = await limits(cluster, cursor.topic, [cursor.partition], true);
    const first = low.get(cursor.partition) ?? cursor.next;
    if (cursor.next < first) cursor.next = first;
  }
}

/** Starts reading; see LogReader. */
export function readLog(options: LogReaderOptions): LogReader {
  const { kafka, logger, onBatch, follow } = options;
  const stopping = new AbortController();
  const cluster = openCluster(kafka, 'stable');
  const reached = Promise.withResolvers<void>();
  reached.promise.catch(() => undefined);
  let cursors: Cursor[] = [];

  async function take(batch: FetchedBatch, cursor: Cursor): Promise<void> {
    if (batch.problem !== undefined) throw batch.problem;
    if (!batch.moved) {
      cursor.emptyFetches += 1;
      if (cursor.emptyFetches >= EMPTY_FETCHES_AT_END && cursor.next < cursor.end) {
        cursor.next = cursor.end;
      }
      return;
    }
    cursor.emptyFetches = 0;
    if (!batch.isEmpty()) await onBatch(batch);
    cursor.next = batch.next;
  }

  async function fetchOnce(): Promise<void> {
    const open = follow ? cursors : cursors.filter(({ next, end }) => next < end);
    await cluster.refreshMetadataIfNecessary();
    await Promise.all(
      [...byLeader(cluster, open)].map(async ([nodeId, mine]) => {
        const requests: FetchRequest[] = mine.map((c) => ({ ...c }));
        for (const batch of await fetchBatches(cluster, nodeId, requests)) {
          const cursor = mine.find(
            (c) => c.topic === batch.topic && c.partition === batch.partition,
          );
          if (cursor && !stopping.signal.aborted) await take(batch, cursor);
        }
      }),
    );
  }

  async function start(): Promise<void> {
    await cluster.connect();
    await cluster.addMultipleTargetTopics([...new Set(options.partitions.map((p) => p.topic))]);
    cursors = await cursorsOf(cluster, options.partitions);
  }

  async function attempt(state: { started: boolean }): Promise<boolean> {
    if (!state.started) {
      await start();
      state.started = true;
    }
    const atEnd = (): boolean => cursors.every(({ next, end }) => next >= end);
    if (!atEnd() || follow) await fetchOnce();
    if (atEnd()) reached.resolve();
    return atEnd() && !follow;
  }

  async function run(): Promise<void> {
    const state = { started: false };
    for (let failures = 0; !stopping.signal.aborted;) {
      try {
        if (await attempt(state)) return;
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        const fault = kafkaFault(error, 'start', 'reading a compacted topic');
        failures += 1;
        const patient = fault.kind === 'transient' && (failures < MAX_FAILURES || follow);
        if (!patient) throw fault;
        logger.warn({ code: fault.code, failures, detail: fault.message }, 'stream.read_failed');
        await delay(backoff(failures - 1, FIRST_DELAY_MS, MAX_DELAY_MS), stopping.signal);
        await recover(cluster, error, cursors).catch(() => undefined);
      }
    }
  }

  async function read(): Promise<void> {
    try {
      await run();
    } catch (error) {
      reached.reject(error);
      throw error;
    } finally {
      reached.reject(streamFault('CLOSED', 'start', 'reading stopped before the end was reached'));
      await cluster.disconnect();
    }
  }

  function share(): number {
    const wanted = cursors.reduce((sum, { first, end }) => sum + Number(end - first), 0);
    const read = cursors.reduce((sum, { first, next }) => sum + Number(next - first), 0);
    return wanted <= 0 ? 1 : Math.min(1, Math.round((100 * read) / wanted) / 100);
  }

  const done = read();
  done.catch(() => undefined);
  return {
    caughtUp: reached.promise,
    done,
    share,
    next: (place) =>
      cursors.find(({ topic, partition }) => `${topic}/${partition}` === place)?.next ?? 0n,
    stop: async () => {
      stopping.abort();
      // A fetch under way ends by itself; without an answer the connection is cut.
      await atMost(STOP_LIMIT_MS, done);
      await cluster.disconnect();
      await done.catch(() => undefined);
    },
  };
}
