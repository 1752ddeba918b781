import type { Topic } from '@waybill/contracts';
import { toFault, type Fault } from '@waybill/fault';
import { taskAssigner, type Assignment } from './assigner.ts';
import {
  fetchLimits,
  openConsumer,
  type BatchControl,
  type FetchLimits,
  type KafkaConsumer,
} from './client.ts';
import { atMost } from './delay.ts';
import { wireName, type Environment } from './environment.ts';
import { kafkaFault, streamFault } from './errors.ts';
import type { FetchedBatch } from './record-batch/fetched-batch.ts';
import { createPlaces, goesOn, type Place } from './places.ts';
import type { Position } from './port.ts';
import type { Source } from './record.ts';

/** The records of one fetch and one partition, and what the handler may do with them. */
export interface GroupBatch extends Source {
  /**
   * True when nothing between `expected` and these records is left out. Else the next fetch starts at
   * `expected`; leave the batch.
   */
  readonly follows: (expected: bigint) => boolean;
  /** Keeps the membership; throws when the group changes, which ends the batch. */
  readonly heartbeat: () => Promise<void>;
  /** The next fetch starts here; what comes of the records is still open. */
  readonly take: (next: bigint) => void;
  /** Everything before this offset is done. */
  readonly done: (next: bigint) => void;
  /** False when the session stops or the partition was sought elsewhere: leave the batch. */
  readonly isCurrent: () => boolean;
}

export interface SessionOptions {
  readonly group: string;
  readonly topics: readonly Topic[];
  /** Called synchronously with each assignment, before anything is fetched. */
  readonly onAssigned: (assignment: Assignment) => void;
  readonly onBatch: (batch: GroupBatch) => Promise<void>;
  /** Partition numbers that this member has work for: it asks to keep them. */
  readonly owned: () => Iterable<number>;
  /** Resolves when what `onBatch` left behind is committed; awaited before the group moves anything. */
  readonly settled?: () => Promise<void>;
  /** Default: *steady*. */
  readonly fetch?: FetchLimits;
}

/**
 * One life of a group member: joining → assigned ⇄ rebalancing → ended. It never restarts itself; the
 * runner opens a new one. Invariant: `onBatch` is never called while a join is under way.
 */
export interface Session {
  /** Resolves when the session is over: undefined after `stop`, else why. */
  readonly ended: Promise<Fault | undefined>;
  readonly pause: (topic: Topic, partition: number) => void;
  readonly resume: (topic: Topic, partition: number) => void;
  /** The next fetch of the partition starts here. */
  readonly seek: (topic: Topic, partition: number, next: bigint) => void;
  /** Resolves at the next heartbeat that the group accepts: proof that this member still belongs. */
  readonly confirmed: () => Promise<void>;
  /** Advisory commit; what stands in a database or transaction counts. */
  readonly commit: (offsets: readonly Position[]) => Promise<void>;
  readonly positions: () => readonly Position[];
  /** True when every assigned partition that is not paused was fetched at least once. */
  readonly reading: () => boolean;
  readonly stop: () => Promise<void>;
}

/** Partitions that are handled at the same time: while one waits for its commit, others go on. */
const CONCURRENCY = 16;
/** The watchdog looks this many times before it may call a partition stuck. */
const LOOKS = 12;
const STOP_LIMIT_MS = 10_000;
/** Less than the group waits for its members when it moves partitions. */
const SETTLE_LIMIT_MS = 10_000;

/** The group refused a heartbeat: the client must see its own error to join again. */
class MembershipLost extends Error {
  readonly original: unknown;
  constructor(original: unknown) {
    super('the group changes');
    this.original = original;
  }
}

/** Opens a session; joining goes on in the background. */
export function openSession(environment: Environment, options: SessionOptions): Session {
  const { logger, stuckAfterMs } = environment;
  const byWire = new Map(options.topics.map((topic) => [wireName(environment, topic), topic]));
  const places = createPlaces(environment.metrics);
  const ended = Promise.withResolvers<Fault | undefined>();
  let heartbeats = Promise.withResolvers<void>();
  let joined = false;
  let over = false;
  let busy = 0;
  /** When the broker last answered a fetch or the group a heartbeat. */
  let answeredAt = performance.now();
  let stopping: Promise<void> | undefined;

  function onFetched(batches: readonly FetchedBatch[]): void {
    answeredAt = performance.now();
    places.fetched(batches);
  }

  const consumer: KafkaConsumer = openConsumer(
    environment.openKafka(),
    options.group,
    taskAssigner(options.owned, {
      fetched: onFetched,
      settled: async () => {
        if (options.settled) await atMost(SETTLE_LIMIT_MS, options.settled());
      },
    }),
    options.fetch ?? fetchLimits.steady,
  );

  function finish(fault: Fault | undefined): void {
    if (over) return;
    over = true;
    clearInterval(watchdog);
    ended.resolve(fault);
    heartbeats.promise.catch(() => undefined);
    heartbeats.reject(fault ?? streamFault('CLOSED', 'commit', 'the session was stopped'));
  }

  /**
   * Stuck is: nothing was heard of the cluster, or a partition with records ahead stands still although
   * no handler is at work. A handler that waits for its database keeps heart-beating; one that hangs
   * does not, and the group has evicted it long ago.
   */
  function watch(): void {
    if (!joined) return;
    const silent = performance.now() - answeredAt > stuckAfterMs;
    const stuck = busy > 0 || places.holding() ? undefined : places.stuckFor(stuckAfterMs);
    if (stuck === undefined && !silent) return;
    const where = stuck ? `${stuck.topic.name}/${stuck.partition}` : 'all partitions';
    const seconds = stuckAfterMs / 1_000;
    finish(
      streamFault(
        'STREAM_STUCK',
        'decode',
        `${options.group}: no progress in ${where} for ${seconds} s`,
      ),
    );
  }

  const watchdog = setInterval(watch, stuckAfterMs / LOOKS);
  watchdog.unref();

  function onJoined(memberAssignment: Record<string, number[]>): void {
    // A join that was under way when the session ended: nobody would ever close what it starts.
    if (over) return;
    joined = true;
    answeredAt = performance.now();
    const assigned = Object.entries(memberAssignment).flatMap(([wire, partitions]) => {
      const topic = byWire.get(wire);
      return topic ? partitions.map((partition) => ({ wire, topic, partition })) : [];
    });
    // The client keeps pause flags across rebalances; ours start open.
    for (const { wire, partition } of places.assign(assigned)) {
      steer(() => consumer.resume([{ topic: wire, partitions: [partition] }]));
    }
    const byTopic = Map.groupBy(assigned, ({ topic }) => topic.name);
    options.onAssigned(
      new Map([...byTopic].map(([name, list]) => [name, list.map(({ partition }) => partition)])),
    );
  }

  function follows(place: Place, batch: FetchedBatch, expected: bigint): boolean {
    const { topic, partition } = place;
    const found = goesOn(batch, expected);
    if (found === 'no') seek(topic, partition, expected);
    if (found === 'lost') {
      logger.error(
        { topic: topic.name, partition, next: String(expected), first: String(batch.low) },
        'stream.records_lost_by_retention',
      );
    }
    return found !== 'no';
  }

  function seek(topic: Topic, partition: number, next: bigint): void {
    const wire = wireName(environment, topic);
    steer(() => consumer.seek({ topic: wire, partition, offset: String(next) }));
    const place = places.find(wire, partition);
    if (place) places.move(place, next);
  }

  async function onBatch(payload: BatchControl): Promise<void> {
    // The guards make it ours.
    const batch = payload.batch as unknown as FetchedBatch;
    const place = places.find(batch.topic, batch.partition);
    if (place === undefined || over) return;
    if (batch.problem !== undefined) {
      finish(batch.problem);
      return;
    }
    busy += 1;
    try {
      await options.onBatch({
        topic: place.topic,
        partition: place.partition,
        records: batch.records(),
        next: batch.next,
        follows: (expected) => follows(place, batch, expected),
        heartbeat: () =>
          payload.heartbeat().catch((error: unknown) => {
            throw new MembershipLost(error);
          }),
        take: (next) => {
          payload.resolveOffset(String(next - 1n));
          place.held = true;
        },
        done: (next) => places.move(place, next),
        isCurrent: () => !over && payload.isRunning() && !payload.isStale() && !place.paused,
      });
    } catch (error) {
      if (error instanceof MembershipLost) throw error.original;
      // Nothing that a handler throws may reach the client: it would end the consumer silently.
      finish(toFault(error, 'decide'));
    } finally {
      busy -= 1;
    }
  }

  async function run(): Promise<void> {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      heartbeats.resolve();
      heartbeats = Promise.withResolvers<void>();
      onJoined(payload.memberAssignment);
    });
    consumer.on(consumer.events.HEARTBEAT, () => {
      answeredAt = performance.now();
      heartbeats.resolve();
      heartbeats = Promise.withResolvers<void>();
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      finish(kafkaFault(payload.error, 'decode', `group ${options.group}`));
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...byWire.keys()], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENCY,
      eachBatch: onBatch,
    });
  }

  const started = run().catch((error: unknown) => {
    finish(kafkaFault(error, 'start', `joining group ${options.group}`));
  });

  async function leave(): Promise<void> {
    finish(undefined);
    await started;
    await consumer.disconnect().catch((error: unknown) => {
      logger.warn({ detail: String(error) }, 'stream.leave_failed');
    });
  }

  const wired = (topic: Topic, partition: number): { topic: string; partitions: number[] }[] => [
    { topic: wireName(environment, topic), partitions: [partition] },
  ];

  function setPaused(topic: Topic, partition: number, paused: boolean): void {
    const place = places.find(wireName(environment, topic), partition);
    if (place) {
      place.paused = paused;
      place.held = false;
      place.movedAt = performance.now();
    }
    steer(() => {
      if (paused) consumer.pause(wired(topic, partition));
      else consumer.resume(wired(topic, partition));
    });
  }

  /** The client refuses these calls while it crashes; its CRASH event, which follows, ends the session. */
  function steer(action: () => void): void {
    if (over) return;
    try {
      action();
    } catch (error) {
      logger.warn({ detail: String(error) }, 'stream.steering_failed');
    }
  }

  return {
    ended: ended.promise,
    pause: (topic, partition) => setPaused(topic, partition, true),
    resume: (topic, partition) => setPaused(topic, partition, false),
    seek,
    confirmed: () => heartbeats.promise,
    commit: async (offsets) => {
      if (over) return;
      await consumer.commitOffsets(
        offsets.map(({ topic, partition, next }) => ({
          topic: `${environment.namespace}${topic}`,
          partition,
          offset: String(next),
        })),
      );
    },
    positions: places.positions,
    reading: () => joined && !over && places.reading(),
    stop: () => {
      stopping ??= atMost(STOP_LIMIT_MS, leave());
      return stopping;
    },
  };
}
