import { streamFault } from './errors.ts';

/**
 * Corrections of kafkajs 2.2.4, applied before its first use. Each replaces one function and names
 * what goes wrong without it (README, table of guards). Remove a guard when the client that we use
 * no longer needs it; a new version stops the start until somebody has checked them.
 */
const GUARDED_VERSION = '2.2.4';

/** `require` of the module that loads the client. */
export type Load = NodeJS.Require;

interface RawMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

interface ProducedMessage {
  readonly partition?: number;
}

/** What the client fetched for one partition; `rawMessages` includes markers and aborted records. */
export interface FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly fetchedOffset: string;
  readonly highWatermark: string;
  readonly rawMessages: readonly unknown[];
}

/** An assigner that also hears of every fetch: the only object of ours inside the consumer. */
export interface FetchListener {
  readonly fetched?: (batches: readonly FetchedBatch[]) => void;
}

const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);

/**
 * Drops records of aborted transactions. The client's own version expects the broker's list in the
 * order of first offsets and starts at most one transaction per record; the broker sends it in the
 * order of the markers. With two aborted transactions that overlap in one partition (two tasks killed
 * together) aborted records came through as committed ones.
 */
export function filterAborted({
  messages,
  abortedTransactions,
}: {
  readonly messages: readonly RawMessage[];
  readonly abortedTransactions?: readonly AbortedTransaction[] | null;
}): readonly RawMessage[] {
  if (!abortedTransactions || abortedTransactions.length === 0) return messages;
  const waiting = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, first: BigInt(firstOffset) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const open = new Set<string>();
  let started = 0;
  return messages.filter((message) => {
    const offset = BigInt(message.offset);
    for (; started < waiting.length; started += 1) {
      const transaction = waiting[started];
      if (transaction === undefined || transaction.first > offset) break;
      open.add(transaction.producerId);
    }
    const { producerId, inTransaction } = message.batchContext;
    if (message.isControlRecord) {
      if (message.key && ABORT_MARKER.equals(message.key)) open.delete(producerId);
      return true;
    }
    return !(inTransaction && open.has(producerId));
  });
}

/** Groups by partition in linear time; the client's own version copies the array for every record. */
export function groupPerPartition<M extends ProducedMessage>({
  topic,
  partitionMetadata,
  messages,
  partitioner,
}: {
  readonly topic: string;
  readonly partitionMetadata: readonly unknown[];
  readonly messages: readonly M[];
  readonly partitioner: (input: {
    topic: string;
    partitionMetadata: readonly unknown[];
    message: M;
  }) => number;
}): Record<number, M[]> {
  const groups: Record<number, M[]> = {};
  if (partitionMetadata.length === 0) return groups;
  for (const message of messages) {
    const partition = message.partition ?? partitioner({ topic, partitionMetadata, message });
    (groups[partition] ??= []).push(message);
  }
  return groups;
}

function replaceModule(load: Load, path: string, replacement: unknown): void {
  const file = load.resolve(path);
  load(file);
  const entry = load.cache[file];
  if (entry === undefined) {
    throw streamFault(
      'KAFKAJS_VERSION',
      'start',
      `expected ${path} in the module cache, found none`,
    );
  }
  entry.exports = replacement;
}

interface RequestQueue {
  readonly pending: readonly unknown[];
}

/** The client re-arms a 1 ms timer for ever, although nothing waits: 6 % of a core when idle. */
function silenceIdleTimer(load: Load): void {
  const { prototype } = load('kafkajs/src/network/requestQueue') as {
    prototype: { scheduleCheckPendingRequests: (this: RequestQueue) => void };
  };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}

/** Tells our assigner what each fetch brought, also when it brought only markers or nothing. */
function announceFetches(load: Load): void {
  const { prototype } = load('kafkajs/src/consumer/consumerGroup') as {
    prototype: {
      fetch: (
        this: { assigners: readonly FetchListener[] },
        nodeId: string,
      ) => Promise<readonly FetchedBatch[]>;
    };
  };
  const fetch = prototype.fetch;
  prototype.fetch = async function (nodeId) {
    const batches = await fetch.call(this, nodeId);
    for (const assigner of this.assigners) assigner.fetched?.(batches);
    return batches;
  };
}

/**
 * The retries of InitProducerId and TxnOffsetCommit read `cluster.retry`, which does not exist, so the
 * first one waits 300 ms. A pending transaction is decided within a few milliseconds.
 */
function shortenCoordinatorRetries(load: Load): void {
  const { prototype } = load('kafkajs/src/cluster') as { prototype: object };
  Object.defineProperty(prototype, 'retry', {
    value: { initialRetryTime: 20, factor: 0.2, multiplier: 2, maxRetryTime: 1_000, retries: 20 },
  });
}

/**
 * Two requests that find a connection lost both open a socket; the client forgets the first of them,
 * and nobody ever closes it.
 */
function connectOnce(load: Load): void {
  const { prototype } = load('kafkajs/src/network/connection') as {
    prototype: { connect: (this: object) => Promise<unknown> };
  };
  const connect = prototype.connect;
  const connecting = new WeakMap<object, Promise<unknown>>();
  prototype.connect = function () {
    const underWay = connecting.get(this);
    if (underWay !== undefined) return underWay;
    const fresh = connect.call(this).finally(() => connecting.delete(this));
    connecting.set(this, fresh);
    return fresh;
  };
}

/**
 * Times of the prototype's objects as durations: the client compares wall times, so a clock that is set
 * back ten minutes stops the heartbeats, and the request time-outs, for as long.
 */
function onMonotonicClock(prototype: object, property: string): void {
  const marks = new WeakMap<object, number>();
  Object.defineProperty(prototype, property, {
    get(this: object): number | null {
      const mark = marks.get(this);
      return mark === undefined ? null : Date.now() - (performance.now() - mark);
    },
    set(this: object, wallTime: number | null) {
      if (wallTime === null) marks.delete(this);
      else marks.set(this, performance.now() - (Date.now() - wallTime));
    },
  });
}

function ignoreClockJumps(load: Load): void {
  const group = load('kafkajs/src/consumer/consumerGroup') as { prototype: object };
  const request = load('kafkajs/src/network/requestQueue/socketRequest') as { prototype: object };
  onMonotonicClock(group.prototype, 'lastRequest');
  onMonotonicClock(request.prototype, 'sentAt');
}

/** Applies all guards once. Throws a Fault `KAFKAJS_VERSION` for another version of the client. */
export function installGuards(load: Load): void {
  const { version } = load('kafkajs/package.json') as { version: string };
  if (version !== GUARDED_VERSION) {
    throw streamFault(
      'KAFKAJS_VERSION',
      'start',
      `expected kafkajs ${GUARDED_VERSION}, found ${version}: check the guards of packages/stream first`,
    );
  }
  const user = load.resolve('kafkajs/src/producer/sendMessages.js');
  if (load.cache[user] !== undefined) {
    throw streamFault(
      'KAFKAJS_VERSION',
      'start',
      'expected to load kafkajs before anybody else: import @waybill/stream instead of kafkajs',
    );
  }
  replaceModule(load, 'kafkajs/src/producer/groupMessagesPerPartition.js', groupPerPartition);
  replaceModule(load, 'kafkajs/src/consumer/filterAbortedMessages.js', filterAborted);
  silenceIdleTimer(load);
  announceFetches(load);
  shortenCoordinatorRetries(load);
  connectOnce(load);
  ignoreClockJumps(load);
}
