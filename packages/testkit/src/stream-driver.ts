import { allTopics, type Message, type Topic } from '@waybill/contracts';
import type { Fault } from '@waybill/fault';
import type { Outgoing, StreamMetrics } from '@waybill/stream';
import {
  createMemoryLog,
  silentMetrics,
  type MemoryLog,
  type MemoryStreams,
  type Read,
  type Reporting,
} from './memory/memory-log.ts';

/** A record to pipe in; its topic is named once for all. */
export type Piped<M extends Message> = Omit<Outgoing<M>, 'topic'>;

/** A service on the log. */
export interface DrivenService<S> {
  /** The running object; another one after a restart. */
  readonly current: () => S;
  /** The process dies and is started anew: memory is lost, the log is not. */
  readonly restart: () => Promise<void>;
  /** The process dies: nothing is drained or committed. */
  readonly kill: () => Promise<void>;
  /** Stops in order. */
  readonly stop: () => Promise<void>;
}

/**
 * Drives services over an in-memory log by hand: records in, records out, time. Nothing moves by
 * itself, so a scenario takes milliseconds and gives the same result every time. A runner that ends
 * with a Fault makes the call that moved it throw that Fault.
 */
export interface StreamDriver {
  readonly log: MemoryLog;
  /** The one clock: hand it to services as their clock port. */
  readonly clock: {
    readonly now: () => number;
    readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  };
  /** Starts a service on a connection of its own and settles; several make several instances. */
  readonly start: <S extends { readonly stop: () => Promise<void> }>(
    create: (streams: MemoryStreams) => Promise<S>,
    reporting?: Omit<Reporting, 'failed' | 'metrics'>,
  ) => Promise<DrivenService<S>>;
  /** Writes records, in order, and settles. */
  readonly pipe: <M extends Message>(
    topic: Topic<M>,
    records: readonly Piped<M>[],
  ) => Promise<void>;
  /** All committed records of a topic, oldest first per partition. */
  readonly read: <M extends Message>(topic: Topic<M>) => Promise<readonly Read<M>[]>;
  /** What came into a topic since the last take of it. */
  readonly take: <M extends Message>(topic: Topic<M>) => Promise<readonly Read<M>[]>;
  /** How much was left out since the last call of this, by reason or code: skipped, refused, undecodable. */
  readonly discarded: () => ReadonlyMap<string, number>;
  /** Moves the clock, to each due moment on the way, and settles there. */
  readonly advance: (ms: number) => Promise<void>;
  /** Lets everything run until nothing moves. */
  readonly settle: () => Promise<void>;
  /** Assigns all partitions anew, and settles. */
  readonly rebalance: () => Promise<void>;
}

export interface DriverOptions {
  /** Default: the whole catalogue. */
  readonly topics?: readonly Topic[];
  /** Partition counts; default 2 and 2. */
  readonly partitions?: { readonly task: number; readonly source: number };
  /** Start of the clock in ms since epoch. */
  readonly startMs?: number;
}

/** A driver over an empty, provisioned log. */
export async function createStreamDriver(options: DriverOptions = {}): Promise<StreamDriver> {
  const { topics = allTopics, partitions = { task: 2, source: 2 } } = options;
  const log = createMemoryLog(options.startMs);
  await log.admin.provision(topics, partitions);
  const { engine } = log;
  const publisher = await log.connect().publisher(topics);
  const taken = new Map<string, Map<number, bigint>>();
  const failures: Fault[] = [];
  let discarded = new Map<string, number>();
  const metrics: StreamMetrics = {
    ...silentMetrics,
    discarded: (reason, _intentional, count) =>
      void discarded.set(reason, (discarded.get(reason) ?? 0) + count),
  };

  /** Failures of runners come out here: a test that forgets them must not pass. */
  async function loudly(work: Promise<void>): Promise<void> {
    await work;
    const [first] = failures.splice(0);
    if (first !== undefined) throw first;
  }

  const settle = (): Promise<void> => loudly(engine.settle());

  return {
    log,
    clock: { now: engine.now, wait: engine.wait },
    start: async (create, reporting = {}) => {
      const open = (): MemoryStreams =>
        log.connect({ ...reporting, metrics, failed: (fault) => failures.push(fault) });
      let streams = open();
      let service = await create(streams);
      await settle();
      return {
        current: () => service,
        restart: async () => {
          streams.kill();
          streams = open();
          service = await create(streams);
          await settle();
        },
        kill: () => {
          streams.kill();
          return settle();
        },
        stop: async () => {
          await service.stop();
          await settle();
        },
      };
    },
    pipe: async (topic, records) => {
      await publisher.send(records.map((record) => ({ ...record, topic })));
      await settle();
    },
    read: (topic) => log.read(topic),
    take: async (topic) => {
      const from = taken.get(topic.name) ?? new Map<number, bigint>();
      taken.set(topic.name, from);
      const fresh = await log.read(topic, from);
      for (const { partition, offset } of fresh) from.set(partition, offset + 1n);
      return fresh;
    },
    discarded: () => {
      const found = discarded;
      discarded = new Map();
      return found;
    },
    advance: (ms) => loudly(engine.advance(ms)),
    settle,
    rebalance: () => {
      log.rebalance();
      return settle();
    },
  };
}
