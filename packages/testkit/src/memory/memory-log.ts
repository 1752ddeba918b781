import type { Message, Topic } from '@waybill/contracts';
import {
  createCodecs,
  createStateLedger,
  type Registry,
  type Codecs,
  type StateOptions,
  type StreamAdmin,
  type StreamLogger,
  type StreamMetrics,
  type Streams,
  type StreamTracing,
} from '@waybill/stream';
import type { Fault } from '@waybill/fault';
import { createAdmin, createRegistry } from './admin.ts';
import {
  createBroker,
  type CommitFault,
  type Encoded,
  type Headers,
  type Stored,
} from './broker.ts';
import { createEngine, type Engine } from './engine.ts';
import { extract } from './extract.ts';
import { createGroups } from './group.ts';
import type { Instance } from './instance.ts';
import { project } from './project.ts';
import { openPublisher } from './publisher.ts';
import type { MemoryRunner } from './runner.ts';
import { createSnapshots } from './snapshots.ts';
import { openTables } from './tables.ts';
import { transact } from './transact.ts';

/** A record as a reader sees it. */
export interface Read<M extends Message = Message> {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  /** null = tombstone. */
  readonly message: M | null;
  readonly headers: Headers;
  readonly publishedTime: number;
}

/** What a connection reports to; everything may be left out. */
export interface Reporting {
  readonly logger?: StreamLogger;
  readonly metrics?: StreamMetrics;
  readonly tracing?: StreamTracing;
  readonly state?: StateOptions;
  /** A runner ended with this Fault; its `done` rejects too. */
  readonly failed?: (fault: Fault) => void;
}

/** A connection that can also end as a killed process does. */
export interface MemoryStreams extends Streams {
  /** Nothing is drained or committed, no promise of its runners settles. */
  readonly kill: () => void;
}

/** Crash points, by hand. */
export interface Crashes {
  /** What happens to the next commit of the task or owner of this partition. */
  readonly nextCommit: (service: string, partition: number, fault: CommitFault) => void;
  /** Another owner takes the partition's transactional id: its next commit is `FENCED`. */
  readonly fence: (service: string, partition: number) => void;
  /** The next send of any publisher fails with `PUBLISH_FAILED`. */
  readonly nextSend: () => void;
}

/**
 * An implementation of the port without a broker: partitions by murmur2, offsets, transactions with
 * read-committed readers, fencing, groups, tables, changelogs, dead letters, rework; retention and
 * compaction by hand. It shares the contracts' codecs, the store, the assigner, the dead letters and the
 * rework with the real one; the contract suite of `stream` runs against both. Not here: time-outs,
 * namespaces.
 */
export interface MemoryLog {
  readonly connect: (reporting?: Reporting) => MemoryStreams;
  readonly admin: StreamAdmin;
  /** Where the contracts stand, for schemas that no topic of ours declares. */
  readonly registry: Registry;
  readonly engine: Engine;
  readonly crashes: Crashes;
  /** Every task writes a snapshot of its buffers; without one they are rebuilt from the inputs. */
  readonly takeSnapshots: () => void;
  /** All members of all groups are assigned anew at the next turn. */
  readonly rebalance: () => void;
  /**
   * Committed records of a topic, oldest first per partition, from the given offset of each partition on.
   * Throws for one that cannot be decoded.
   */
  readonly read: <M extends Message>(
    topic: Topic<M>,
    from?: ReadonlyMap<number, bigint>,
  ) => Promise<readonly Read<M>[]>;
  /** What retention does, by hand: the records of a partition before the offset are gone. */
  readonly deleteBefore: (topic: Topic, partition: number, offset: bigint) => void;
  /** What compaction does, by hand: of each key the newest committed record stays, at its offset. */
  readonly compact: (topic: Topic) => void;
  /** Appends bytes that no codec made. */
  readonly inject: (record: Encoded) => void;
}

const silentLogger: StreamLogger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
/** Metrics that nobody looks at. */
export const silentMetrics: StreamMetrics = {
  received: () => undefined,
  emitted: () => undefined,
  discarded: () => undefined,
  batch: () => undefined,
  lag: () => undefined,
  state: () => undefined,
  restored: () => undefined,
  reworked: () => undefined,
};
const noTracing: StreamTracing = { batch: (_span, work) => work(undefined) };

/** An empty log; time starts at `startMs` of its clock. */
export function createMemoryLog(startMs = 1_800_000_000_000): MemoryLog {
  let clock: () => number = () => startMs;
  const broker = createBroker(() => clock());
  const engine = createEngine(startMs, broker.version);
  clock = engine.now;
  const registry = createRegistry();
  const groups = createGroups(engine);
  const snapshots = createSnapshots();
  const reader = createCodecs(registry, '');
  let instances = 0;
  let failingSends = 0;

  function connect(reporting: Reporting = {}): MemoryStreams {
    instances += 1;
    const { logger, metrics = silentMetrics, tracing, state, failed } = reporting;
    const instance: Instance = {
      memberId: `member-${String(instances).padStart(4, '0')}`,
      broker,
      engine,
      groups,
      codecs: createCodecs(registry, ''),
      logger: logger ?? silentLogger,
      metrics,
      tracing: tracing ?? noTracing,
      ledger: createStateLedger(state, metrics),
      snapshots,
      failed: failed ?? (() => undefined),
    };
    const runners = new Set<MemoryRunner>();
    const stops = new Set<() => void>();
    const keep = async (opening: Promise<MemoryRunner>): Promise<MemoryRunner> => {
      const runner = await opening;
      runners.add(runner);
      return runner;
    };

    const follow: Streams['follow'] = async (topics, onTable) => {
      await instance.codecs.bind(topics);
      const tables = await openTables(instance, topics, ({ topic, key, message }) => {
        onTable?.(topic, key, message);
      });
      const remove = engine.add({
        name: 'follow',
        step: () =>
          tables.step().catch((error: unknown) => {
            remove();
            instance.logger.error({ detail: String(error) }, 'table.reading_ended');
            return true;
          }),
      });
      stops.add(remove);
      return { tables: tables.reader, stop: async () => remove() };
    };

    return {
      transact: (options) => keep(transact(instance, options)),
      project: (options) => keep(project(instance, options)),
      extract: (options) => keep(extract(instance, options)),
      publisher: (topics) =>
        openPublisher(instance, topics, {
          take: () => {
            const fails = failingSends > 0;
            if (fails) failingSends -= 1;
            return fails;
          },
        }),
      follow,
      close: async () => {
        for (const stop of stops) stop();
        await Promise.all([...runners].map((runner) => runner.stop()));
      },
      kill: () => {
        for (const stop of stops) stop();
        for (const runner of runners) runner.kill();
      },
    };
  }

  return {
    connect,
    admin: createAdmin(broker, registry),
    registry,
    engine,
    takeSnapshots: snapshots.takeAll,
    rebalance: groups.rebalance,
    crashes: {
      nextCommit: (service, partition, fault) =>
        broker.failNextCommit(`${service}-${partition}`, fault),
      fence: (service, partition) => void broker.fence(`${service}-${partition}`),
      nextSend: () => {
        failingSends += 1;
      },
    },
    read: async <M extends Message>(topic: Topic<M>, from?: ReadonlyMap<number, bigint>) => {
      await reader.bind([topic]);
      const count = broker.partitionCounts([topic]).get(topic.name) ?? 0;
      const records = Array.from({ length: count }, (_, partition) => partition).flatMap(
        (partition) => broker.read(topic.name, partition, from?.get(partition) ?? 0n).records,
      );
      return Promise.all(records.map((record) => readable<M>(reader, topic, record)));
    },
    deleteBefore: ({ name }, partition, offset) => broker.deleteBefore(name, partition, offset),
    compact: ({ name }) => broker.compact(name),
    inject: (record) => broker.append([record]),
  };
}

async function readable<M extends Message>(
  codecs: Codecs,
  topic: Topic,
  stored: Stored,
): Promise<Read<M>> {
  const { partition, offset, key, value, headers, publishedTime } = stored;
  const place = { partition, offset, key, headers, publishedTime };
  if (value === null) return { ...place, message: null };
  const decoded = await codecs.read(topic, value);
  if (decoded.message === undefined) {
    throw new Error(`${topic.name}/${partition} offset ${offset}: ${decoded.problem}`);
  }
  // The caller's topic names the messages that it holds.
  return { ...place, message: decoded.message as M };
}
