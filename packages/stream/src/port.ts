import type { Message, RereadRange, Topic } from '@waybill/contracts';

/**
 * The port of the stream core. kafkajs stays behind it: no type of the client appears here. What it
 * promises is executable: `testing/contract` runs against the broker and the in-memory log of testkit.
 *
 * Four ways to work. *transact*: consume → state → produce, exactly once. *project*: consume → a
 * database that stores the offsets in the same transaction. *extract*: own a partition of a cursor
 * topic, restore the cursors, produce records and cursors in one fenced transaction. *publish*:
 * idempotent, acks = all, batched.
 *
 * Failures are Faults (codes: `errors.ts`). By kind, wherever one appears: *transient* and *cancelled*:
 * the core tries again by itself within its limits; out of them a runner's `done` rejects, a call of the
 * author throws. *misconfigured*: at the start the call throws; later the task, projection or owner
 * waits until somebody corrects it. *malformed*, *refused*: one element, a dead letter, its neighbours
 * go on. *bug*: the runner ends and `done` rejects; the process should end with it.
 */

/** A decoded record. Offsets are bigint in the port and next-to-read in every "position". */
export interface Received<M extends Message = Message> {
  readonly topic: Topic<M>;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  readonly message: M;
  /** Kafka's timestamp: when the record was published, in ms since epoch; never event time. -1 = none. */
  readonly publishedTime: number;
  /** W3C context, only when the producer sampled it. */
  readonly traceparent: string | undefined;
  /** The framed bytes as they stand in the topic; valid during the call only (copy to keep). */
  readonly bytes: Buffer;
}

/**
 * A record to write. Throws, where it is handed over, a Fault `CONTRACT_VIOLATED` when the value breaks its
 * contract and `UNDECLARED_OUTPUT` when the topic was not declared or is not compacted and gets a tombstone.
 * A record over the broker's limit of about 1 MiB is `RECORD_TOO_LARGE`. All three are bugs of the author.
 */
export interface Outgoing<M extends Message = Message> {
  readonly topic: Topic<M>;
  readonly key: string;
  /** null = tombstone, in compacted topics only. */
  readonly message: M | null;
  readonly traceparent?: string | undefined;
  /** Overrides the partition that the key's murmur2 gives (progress goes to every partition). */
  readonly partition?: number;
  /** Text whose murmur2 chooses the partition when it is not the whole key (cursor topics). */
  readonly partitionKey?: string;
}

/**
 * One element that was refused: goes to the service's dead-letter topic, in the transaction of the chunk
 * that it came in; its neighbours go on. When that topic is away the transaction fails and nothing is
 * consumed: nothing is skipped. Texts must hold no secrets; what looks like one is masked.
 */
export interface Rejection {
  readonly record: Received;
  /** Position of the element in the record; -1 = the record as a whole. */
  readonly index: number;
  readonly elementId: string;
  readonly tenantId: string | null;
  readonly unit: string | null;
  readonly code: string;
  readonly kind: 'malformed' | 'refused';
  readonly message: string;
  readonly violations: readonly { readonly path: string; readonly message: string }[];
  readonly eventTime: number | null;
  readonly original: Buffer | null;
  readonly attempts: number;
}

/**
 * Collects what one chunk produces; sent and committed together with the offsets, or not at all: readers
 * see nothing of it before. Valid during the call that it was given to. Order per partition is that of
 * the calls.
 */
export interface Emitter {
  /** Encodes at once and throws at once, see `Outgoing`; the bytes of the value may change afterwards. */
  readonly emit: <M extends Message>(record: Outgoing<M>) => void;
  readonly reject: (rejection: Rejection) => void;
  /**
   * W3C context of the batch's span: what emitted records carry unless they name another. Positions
   * carry a context only when it is named.
   */
  readonly traceparent: () => string | undefined;
  /** Counts an element that was left out on purpose (repeat, out of scope). */
  readonly skip: (reason: string, count?: number) => void;
}

/**
 * Keyed state of one task. Changes are staged: promoted when the transaction commits, dropped when it
 * aborts. A changed key is one record of the changelog, in the same transaction, a deleted one a
 * tombstone; on start the store is restored before the first record is handled.
 */
export interface KeyedStore<V> {
  readonly get: (key: string) => V | undefined;
  readonly put: (key: string, value: V) => void;
  readonly delete: (key: string) => void;
  readonly entries: () => IterableIterator<[string, V]>;
}

/** Many pieces of bytes that live long, told by numbers: see `byte-log.ts`. */
export interface ByteLog {
  /** Copies the bytes; returns their place. */
  readonly put: (bytes: Uint8Array) => number;
  /**
   * The bytes of a place: a view that keeps what it shows, also when the place is given up; it holds on to its
   * segment. Throws RangeError for a place that was given up.
   */
  readonly get: (place: number) => Uint8Array;
  /** Gives a place up; throws RangeError when it was already. */
  readonly free: (place: number) => void;
  /** Bytes of all places. */
  readonly live: () => number;
  /** Bytes of all segments: at most a ninth more than lives, and two segments, unless much goes at once. */
  readonly held: () => number;
}

/** How a store's values stand in the changelog, and how long they are kept. */
export interface StoreCodec<V> {
  /** Compacted, of the partition count of the inputs, and of no other store. */
  readonly changelog: Topic;
  readonly toMessage: (value: V) => Message;
  readonly fromMessage: (message: Message) => V;
  /**
   * An entry is gone once the task's time reaches `timeOf(value) + ttlMs`: `get` and `entries` do not
   * show it from that moment on, and the transaction in which the time got there writes its tombstone.
   * Default: entries are kept until they are deleted.
   */
  readonly expiry?: { readonly ttlMs: number; readonly timeOf: (value: V) => number };
  /**
   * Values are a Uint8Array each that is never changed in place. They are held one after another in large pieces
   * then, and `get` and `entries` give views of them.
   */
  readonly isBytes?: V extends Uint8Array ? boolean : false;
}

/**
 * The time of a task, in ms since epoch. It is told, never read from a clock: the same log gives the same
 * expiry at any speed. After a start it is the newest `timeOf` among the restored entries; a task that
 * keeps a clock of its own in a store advances to it in `createTask`.
 */
export interface StreamTime {
  /** -Infinity before anything was told. */
  readonly now: () => number;
  /** Moves the time forward: the event time of a record, or a clock. An earlier time changes nothing. */
  readonly advance: (ms: number) => void;
}

/**
 * Bytes by key that stay out of the changelog, for what is too much to write twice (packed fixes).
 * Changes are staged like those of a store. After a restart, a handover or a transaction whose outcome is
 * unknown they are rebuilt from a local snapshot and the input topics, see `BufferOptions`; so they may
 * hold only what follows from the input records, and may change only in `handle` and `rebuild`: elsewhere
 * a change throws the Fault `bug` / `BUFFER_MISUSED`.
 *
 * What `get` and `read` give is read only and good until the call ends in which it was asked for. Bytes
 * stand in pages of 1 KiB: `append`, `dropFront` and a short `read` cost the same whatever a key holds.
 */
export interface KeyedBuffers {
  /** Bytes of a key; 0 when there are none. */
  readonly length: (key: string) => number;
  /** All bytes of a key, oldest first; a copy of them when they are more than a page. */
  readonly get: (key: string) => Uint8Array;
  /** The bytes from `from` to `to`, exclusive; fewer where the key ends. */
  readonly read: (key: string, from: number, to: number) => Uint8Array;
  /** Adds a copy of `bytes` at the end. */
  readonly append: (key: string, bytes: Uint8Array) => void;
  /** Puts a copy of `bytes` before the byte `at`; what stands behind it is written anew. */
  readonly insert: (key: string, at: number, bytes: Uint8Array) => void;
  /** Replaces all bytes of a key by a copy. */
  readonly set: (key: string, bytes: Uint8Array) => void;
  /** Drops the oldest `count` bytes; a key without bytes is gone. */
  readonly dropFront: (key: string, count: number) => void;
  readonly delete: (key: string) => void;
  readonly keys: () => IterableIterator<string>;
  /** Bytes of all keys together. */
  readonly size: () => number;
}

/**
 * How buffers come back. *Warm*: the snapshot of this machine, then the inputs from its position to the
 * committed one. *Cold*, when there is no snapshot or it is damaged, of another `layout`, of an older
 * state than retention or a rework allows: the inputs from a bounded point to the committed position.
 * Both hand the records to `rebuild` of the task and publish nothing.
 */
export interface BufferOptions {
  /** Version of the bytes' layout, from 1: a snapshot of another one is not read. */
  readonly layout: number;
  /** Cold: input records published up to this long before the committed position are read again. */
  readonly retentionMs: number;
}

/**
 * Compacted topics that every task reads whole, to the end seen at the start before anything is handled.
 * It may be ahead of `onTable` by what arrived a moment ago, never behind it. A record that cannot be
 * decoded leaves the last good value and an error line `table.record_undecodable`.
 */
export interface TableReader {
  /** Newest messages by key, tombstones left out. */
  readonly get: <M extends Message>(topic: Topic<M>, key: string) => M | undefined;
  readonly entries: <M extends Message>(topic: Topic<M>) => IterableIterator<[string, M]>;
}

/** What a task gets to work with. V: values of `store`; S: values of the named stores. */
export interface TaskContext<V, S extends object = object> {
  readonly partition: number;
  readonly partitions: number;
  readonly store: KeyedStore<V>;
  readonly stores: { readonly [N in keyof S]: KeyedStore<S[N]> };
  readonly buffers: KeyedBuffers;
  /** For bytes that the task object remembers outside of its state; gone with it. */
  readonly memory: ByteLog;
  readonly time: StreamTime;
  readonly tables: TableReader;
}

/**
 * The author's part of *transact*; synchronous and pure but for stores, buffers, time and the emitter. The
 * runner calls it for one chunk after the other. What it throws: `misconfigured` stops the task with one
 * line, and a change of a table, or 30 s, tries again; anything else, a TypeError too, ends the runner.
 * After a failed transaction or a handover the object is thrown away and made anew from the log, so what
 * it remembers outside of its state may only be what can be computed again.
 */
export interface Task {
  /**
   * Records of one partition of one input, in offset order, about 1 MiB at most; one call is one
   * transaction. Inputs of one task come in any order relative to each other. Where a chunk ends is no
   * part of the contract. Records that cannot be decoded and tombstones are left out.
   */
  readonly handle: (records: readonly Received[], out: Emitter) => void;
  /**
   * A table record arrived; after each build also once for every entry, before `handle`. A tombstone is
   * shown only to tasks that were running when it came.
   */
  readonly onTable?: (topic: Topic, key: string, message: Message | null, out: Emitter) => void;
  /**
   * Records that `handle` saw before, in offset order per input; called after `createTask`, before
   * `onTable` and `handle`. It brings the buffers, and nothing else, to what they were after `handle`:
   * stores are at the committed position already, a change of them throws `BUFFER_MISUSED`. A cold
   * rebuild starts in the middle, so a record of before may be missing. Needed with `buffers`.
   */
  readonly rebuild?: (records: readonly Received[]) => void;
  /**
   * Records chosen by a rework that is a *re-reading* (`reread` of the command): they are handed here
   * instead of to `handle`, and are not counted as reworked. Without it such a command fails.
   */
  readonly reread?: (records: readonly Received[], out: Emitter, range: RereadRange) => void;
  /**
   * Cold rebuild: the first offset of an input that the buffers need, where the task knows it better than
   * `retentionMs` does, for example from its store. Undefined = by `retentionMs`.
   */
  readonly rebuildFrom?: (topic: Topic) => bigint | undefined;
}

/**
 * Rework: commands that send chosen input records through the current code again. Every task reads all
 * commands and takes the share of its own partition, one command after the other, oldest first. Records
 * are fetched beside the consumer group and handed to `handle` between its batches, in transactions of
 * their own that carry the progress: each record is reworked exactly once per command, over crashes and
 * handovers. Order among reworked records is that of their partition; towards new records there is none.
 *
 * What a rework cannot do: overwrite something newer. Events keep ids and revisions of their source, so
 * readers keep the newest; a record for a compacted output goes out only when its `revision` is not older
 * than the one in the topic, and not at all when it has none. Elements of a record that were not asked
 * for (`index`) are left out by the `trace.index` that their output names. A record that makes `handle` throw fails the
 * command, not the service.
 *
 * A *preview* runs `handle` of a task of its own, on copies of stores and buffers, compares what it made
 * field by field with what was published, and writes nothing but its report into `state`.
 */
export interface ReworkOptions {
  /** ReworkRequested and ReworkCancelled by rework id, one partition. */
  readonly commands: Topic;
  /** ReworkProgressed per command and task, ReworkCounted; compacted, partitioned as the inputs. */
  readonly state: Topic;
  /** A record is reworked at most so often, further times are refused and counted. Default 5, at most 255. */
  readonly timesPerRecord?: number;
}

export interface TransactOptions<V, S extends object = object> {
  /** Consumer group and prefix of the transactional ids. */
  readonly service: string;
  /** Partition p of all inputs forms task p; all have the same partition count, else the start is refused. */
  readonly inputs: readonly Topic[];
  readonly tables?: readonly Topic[];
  /** All topics that may be emitted to; changelogs and dead letters need not be named. */
  readonly outputs: readonly Topic[];
  readonly deadLetter: Topic;
  /** Without it a put into `store` throws `UNDECLARED_OUTPUT`. */
  readonly store?: StoreCodec<V>;
  /** Further stores by name, each with a changelog of its own. */
  readonly stores?: { readonly [N in keyof S]: StoreCodec<S[N]> };
  readonly buffers?: BufferOptions;
  readonly rework?: ReworkOptions;
  /** Called when the partition is owned, older owners are fenced and the state is restored. */
  readonly createTask: (context: TaskContext<V, S>) => Task;
}

/**
 * The database side of *project*, handed in by the service. What both calls throw: `transient` is waited
 * for (0.25 s doubling to 10 s, about ten minutes) and `misconfigured` every 30 s, with the membership of
 * the group kept; anything else ends the runner.
 */
export interface ProjectionStore<Tx> {
  /**
   * Next offsets by `<topic>/<partition>`; a partition never seen is absent and starts at 0. Asked after
   * each assignment, and when `advance` resolved false.
   */
  readonly offsets: (group: string) => Promise<ReadonlyMap<string, bigint>>;
  /**
   * Runs `work` and moves the partition's offset from `from` to `next` in one transaction. Resolves
   * false, with nothing done, when the stored offset is not `from`: another instance owns the partition now.
   */
  readonly advance: (
    step: {
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly from: bigint;
      readonly next: bigint;
    },
    work: (tx: Tx) => Promise<void>,
  ) => Promise<boolean>;
}

export interface ProjectOptions<Tx> {
  readonly service: string;
  readonly inputs: readonly Topic[];
  readonly tables?: readonly Topic[];
  /** Where undecodable records go, at least once; without it they are skipped with a warning. */
  readonly deadLetter?: Topic;
  readonly store: ProjectionStore<Tx>;
  /**
   * Called with a chunk of one partition, in offset order, inside the database transaction; again with the
   * same records when that fails. Its Faults count as those of the store.
   */
  readonly handle: (records: readonly Received[], tx: Tx, tables: TableReader) => Promise<void>;
  /** A table record arrived; also for each record of the first reading. At least once. */
  readonly onTable?: (topic: Topic, key: string, message: Message | null) => Promise<void>;
}

/** An owned partition of a cursor topic. */
export interface Owner<M extends Message> {
  readonly partition: number;
  /** True when `key` (the cursor key without the unit part) belongs to this owner. */
  readonly owns: (key: string) => boolean;
  /** The cursors as of the last committed transaction, by their whole key. */
  readonly cursors: ReadonlyMap<string, M>;
  /**
   * Writes records and cursors in one fenced transaction; serialised per owner, in the order of the calls.
   * Throws a Fault `cancelled` / `FENCED` when another owner took over or the partition was taken away:
   * stop working. `transient` / `COMMIT_UNKNOWN`: the connection was lost half-way, the cursors were read
   * again and say whether the transaction took effect; go on from them. A record that breaks a rule of
   * `Outgoing` throws before anything is written.
   */
  readonly commit: (records: readonly Outgoing[]) => Promise<void>;
  /** Aborts when the partition is taken away or the process stops. */
  readonly revoked: AbortSignal;
}

export interface ExtractOptions<M extends Message> {
  readonly service: string;
  readonly cursors: Topic<M>;
  readonly outputs: readonly Topic[];
  readonly tables?: readonly Topic[];
  /**
   * Runs while the partition is owned; must return soon after `owner.revoked` aborts (a stop waits 5 s).
   * When it returns or throws `transient`, `cancelled` or `misconfigured` before that, it is called again
   * with a new owner after a pause; any other Fault ends the runner.
   */
  readonly own: (owner: Owner<M>, tables: TableReader) => Promise<void>;
  readonly onTable?: (topic: Topic, key: string, message: Message | null) => void;
}

/**
 * *publish*: for doors and outboxes. Order per partition is the order of the calls, also of calls that
 * overlap.
 */
export interface Publisher {
  /**
   * Resolves when all replicas confirmed. Throws `transient` / `PUBLISH_FAILED` when they did not: some
   * records may stand in the log all the same, sending again may double them. `BACKPRESSURE`, with nothing
   * sent, when 10,000 records wait; `CLOSED` after `close`; the rules of `Outgoing`, with nothing sent.
   */
  readonly send: (records: readonly Outgoing[]) => Promise<void>;
  /** Sends what was accepted, then ends. */
  readonly close: () => Promise<void>;
}

/** Position of a runner in one partition. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to read, beyond transaction markers and aborted records. */
  readonly next: bigint;
  /** Records between `next` and the end as of the last fetch. */
  readonly lag: bigint;
}

/** A running *transact*, *project* or *extract*. */
export interface Runner {
  /** Resolves when it stopped in order; rejects with the Fault that ended it. It always settles. */
  readonly done: Promise<void>;
  /** True once assigned, restored and reading. */
  readonly ready: () => boolean;
  /** Of the owned partitions that were read; compare with `ends`. Empty for *extract*. */
  readonly positions: () => readonly Position[];
  /** Stops fetching, drains what is in flight, commits, leaves the group. */
  readonly stop: () => Promise<void>;
}

/** Numbers that a runner reports; the service wires them to its metrics. */
export interface StreamMetrics {
  readonly received: (topic: string, count: number) => void;
  readonly emitted: (topic: string, count: number) => void;
  readonly discarded: (reason: string, intentional: boolean, count: number) => void;
  readonly batch: (topic: string, seconds: number) => void;
  readonly lag: (topic: string, partition: number, records: number) => void;
  /** Bytes of a task's stores (as in the changelog) and of its buffers; 0 when it went away. */
  readonly state: (partition: number, storeBytes: number, bufferBytes: number) => void;
  /** Records read while state is restored or rebuilt. */
  readonly restored: (topic: string, count: number) => void;
  /** Records of reworks: done, refused (too often), missing (retention), failed. */
  readonly reworked: (outcome: 'done' | 'refused' | 'missing' | 'failed', count: number) => void;
}

/** Tracing as the stream needs it; the service wires it to OpenTelemetry. */
export interface StreamTracing {
  /**
   * Wraps the handling of a batch in one CONSUMER span `process <topic>` with links to at most 32
   * sampled contexts. `traceparent` of the span is what emitted records carry unless they name another.
   */
  readonly batch: <R>(
    span: {
      readonly topic: string;
      readonly partition: number;
      readonly count: number;
      readonly firstOffset: bigint;
      readonly lastOffset: bigint;
      readonly links: readonly string[];
    },
    work: (traceparent: string | undefined) => Promise<R>,
  ) => Promise<R>;
}

export interface StreamLogger {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

/**
 * Where state may go and how much there may be. Beyond a limit the transaction is not committed and the
 * task stops with the Fault `misconfigured` / `STATE_LIMIT`, which names the task, its bytes and what to
 * raise. Stores count as keys and values in the changelog, buffers as the pages that they use.
 */
export interface StateOptions {
  /** Snapshots of buffers: `<directory>/<group>-<partition>.buffers`. Default: `waybill` in the temporary folder. */
  readonly directory?: string;
  /** Default 1 GiB. */
  readonly taskLimitBytes?: number;
  /** All tasks of the connection together. Default 2 GiB. */
  readonly processLimitBytes?: number;
  /** Time between two snapshots of a task; one more is written on stop. Default 60 s. */
  readonly snapshotIntervalMs?: number;
}

export interface StreamOptions {
  readonly brokers: readonly string[];
  /** Base address of the Confluent-compatible registry API. */
  readonly registryUrl: string;
  readonly clientId: string;
  /**
   * Prefix of topic names, groups, transactional ids and subjects: several systems on one cluster, one
   * per test on one broker. Default: none. Names in positions and metrics come without it.
   */
  readonly namespace?: string;
  readonly logger: StreamLogger;
  readonly metrics?: StreamMetrics;
  readonly tracing?: StreamTracing;
  readonly state?: StateOptions;
}

/**
 * Connection to the log; made once per process and service. All calls throw at the start `TOPIC_MISSING`
 * or `CONTRACT_NOT_REGISTERED` (misconfigured: run provisioning), `BROKER_UNAVAILABLE` or
 * `REGISTRY_UNAVAILABLE` (transient). A runner resolves when its tables are read; it joins its group then.
 */
export interface Streams {
  /** Throws `PARTITION_COUNT_MISMATCH` when inputs and changelogs differ in their partition counts. */
  readonly transact: <V, S extends object = object>(
    options: TransactOptions<V, S>,
  ) => Promise<Runner>;
  readonly project: <Tx>(options: ProjectOptions<Tx>) => Promise<Runner>;
  readonly extract: <M extends Message>(options: ExtractOptions<M>) => Promise<Runner>;
  readonly publisher: (topics: readonly Topic[]) => Promise<Publisher>;
  /**
   * Reads compacted topics whole, then follows them; for services that only need tables. Each record is
   * shown to `onTable` at least once, tombstones included; what it throws ends the reading.
   */
  readonly follow: (
    tables: readonly Topic[],
    onTable?: (topic: Topic, key: string, message: Message | null) => void,
  ) => Promise<{ readonly tables: TableReader; readonly stop: () => Promise<void> }>;
  /** Stops all runners, publishers and readings of this connection in order. */
  readonly close: () => Promise<void>;
}

/** Administration: used by provisioning, tests and the demo. */
export interface StreamAdmin {
  /**
   * Creates missing topics and registers all contracts (idempotent). Refuses with `misconfigured`
   * when a task topic exists with another partition count.
   */
  readonly provision: (
    topics: readonly Topic[],
    partitions: { readonly task: number; readonly source: number },
  ) => Promise<void>;
  /** End offsets (high watermarks) by `<topic>/<partition>`. */
  readonly ends: (topics: readonly Topic[]) => Promise<ReadonlyMap<string, bigint>>;
  readonly close: () => Promise<void>;
}
