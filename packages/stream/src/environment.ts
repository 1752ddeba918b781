import type { Topic } from '@waybill/contracts';
import type { KafkaClient } from './client.ts';
import type { Codecs } from './codec.ts';
import type { Route } from './sockets.ts';
import type { StateLedger } from './state-ledger.ts';
import type { StreamLogger, StreamMetrics, StreamTracing } from './port.ts';
import type { Uncommitted } from './uncommitted.ts';

/** What every way of working shares: one per connection. */
export interface Environment {
  readonly namespace: string;
  readonly logger: StreamLogger;
  readonly metrics: StreamMetrics;
  readonly tracing: StreamTracing;
  readonly codecs: Codecs;
  /** A new client: one per group and per producer, because the client shares offsets inside one. */
  readonly openKafka: () => KafkaClient;
  readonly offsets: OffsetLookup;
  readonly ledger: StateLedger;
  readonly uncommitted: Uncommitted;
  /** After which silence a session is opened anew, in ms. */
  readonly stuckAfterMs: number;
}

/** Settings that only tests change. */
export interface Internals {
  /** Default 60,000. */
  readonly stuckAfterMs?: number;
  readonly route?: Route;
}

/** What a group committed for one partition. */
export interface Committed {
  readonly next: bigint;
  readonly metadata: string;
}

/** Questions to the cluster that need no group. */
export interface OffsetLookup {
  /** Partition count by topic name. Throws a Fault `TOPIC_MISSING`. */
  readonly partitionCounts: (topics: readonly Topic[]) => Promise<ReadonlyMap<string, number>>;
  /** Commits of a group by topic name for one partition; absent = never committed. */
  readonly committed: (
    group: string,
    topics: readonly Topic[],
    partition: number,
  ) => Promise<ReadonlyMap<string, Committed>>;
  /** First offset and high watermark by `<topic>/<partition>`. */
  readonly bounds: (
    topics: readonly Topic[],
  ) => Promise<ReadonlyMap<string, { readonly low: bigint; readonly high: bigint }>>;
  /** First offset of a partition that was published at or after `ms`; undefined = none was. */
  readonly atTime: (topic: Topic, partition: number, ms: number) => Promise<bigint | undefined>;
  readonly close: () => Promise<void>;
}

/** Topic name on the cluster. */
export function wireName(environment: Environment, topic: Pick<Topic, 'name'>): string {
  return `${environment.namespace}${topic.name}`;
}

const silentMetrics: StreamMetrics = {
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

/** Metrics and tracing that do nothing where the service wired none. */
export const silent: { readonly metrics: StreamMetrics; readonly tracing: StreamTracing } = {
  metrics: silentMetrics,
  tracing: noTracing,
};
