import { streamFault } from './errors.ts';
import { FetchedBatch, takeBytes } from './record-batch/fetched-batch.ts';
import {
  patientFetch,
  readAhead,
  type Fetch,
  type FetchAnswer,
  type FetchQuestion,
} from './record-batch/read-ahead.ts';
import { batchPerPartition, frameRequest, produceRequest } from './record-batch/produce-request.ts';

/**
 * Corrections of kafkajs 2.2.4, applied before its first use. Each replaces one function and names
 * what goes wrong without it (KAFKAJS.md). Remove a guard when the client that we use
 * no longer needs it; a new version stops the start until somebody has checked them.
 */
const GUARDED_VERSION = '2.2.4';

/** `require` of the module that loads the client. */
export type Load = NodeJS.Require;

/** An assigner that also hears of what the member does: the only object of ours inside the consumer. */
export interface MemberListener {
  readonly fetched?: (batches: readonly FetchedBatch[]) => void;
  /** Resolves when nothing is being committed any more; the member joins again, or leaves, only then. */
  readonly settled?: () => Promise<void>;
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
  readonly inflight: ReadonlyMap<unknown, SocketRequest>;
  readonly enforceRequestTimeout: boolean;
  readonly requestTimeout: number;
  readonly isConnected: () => boolean;
  readonly destroy: () => void;
  requestTimeoutIntervalId: NodeJS.Timeout;
}

interface SocketRequest {
  readonly sentAt: number;
  readonly requestTimeout: number;
  readonly timeoutRequest: () => void;
}

/** Time-outs are tens of seconds. */
const TIMEOUT_CHECK_MS = 1_000;

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

/** The client looks ten times a second, for each connection, whether a request has timed out. */
function checkTimeoutsSeldom(load: Load): void {
  const { prototype } = load('kafkajs/src/network/requestQueue') as {
    prototype: { scheduleRequestTimeoutCheck: (this: RequestQueue) => void };
  };
  prototype.scheduleRequestTimeoutCheck = function (this: RequestQueue): void {
    if (!this.enforceRequestTimeout) return;
    this.destroy();
    const check = (): void => {
      for (const request of this.inflight.values()) {
        if (Date.now() - request.sentAt > request.requestTimeout) request.timeoutRequest();
      }
      if (!this.isConnected()) this.destroy();
    };
    const every = Math.min(this.requestTimeout, TIMEOUT_CHECK_MS);
    this.requestTimeoutIntervalId = setInterval(check, every);
  };
}

/** Tells our assigner what each fetch brought, also when it brought only markers or nothing. */
function announceFetches(load: Load): void {
  const { prototype } = load('kafkajs/src/consumer/consumerGroup') as {
    prototype: {
      fetch: (
        this: { assigners: readonly MemberListener[] },
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
 * The client waits for its handlers, and ours return while their last commit is under way: whoever gets
 * the partition would fence it off, and the records would be handled twice.
 */
function settleBeforeMoving(load: Load): void {
  const { prototype } = load('kafkajs/src/consumer/consumerGroup') as {
    prototype: Record<'joinAndSync' | 'leave', (this: Member) => Promise<void>>;
  };
  interface Member {
    readonly assigners: readonly MemberListener[];
  }
  for (const step of ['joinAndSync', 'leave'] as const) {
    const move = prototype[step];
    prototype[step] = async function () {
      for (const assigner of this.assigners) await assigner.settled?.();
      await move.call(this);
    };
  }
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

/** The client fetches, handles, fetches: the broker rests while records are handled, and we while it answers. */
function fetchAhead(load: Load): void {
  const { prototype } = load('kafkajs/src/broker') as {
    prototype: { fetch: (this: object, question: FetchQuestion) => Promise<FetchAnswer> };
  };
  const fetch = prototype.fetch;
  const readers = new WeakMap<object, Fetch<FetchQuestion, FetchAnswer>>();
  prototype.fetch = function (question) {
    const reader =
      readers.get(this) ?? readAhead(patientFetch((next: FetchQuestion) => fetch.call(this, next)));
    readers.set(this, reader);
    return reader(question);
  };
}

const COORDINATOR_MS = 1_000;

interface CoordinatorQuestion {
  readonly groupId: string;
  readonly coordinatorType?: number;
}

/**
 * The client asks for the coordinator four times in each transaction. Here an answer is good for a
 * second, so that the retries after a coordinator moved ask again.
 */
function rememberCoordinators(load: Load): void {
  const { prototype } = load('kafkajs/src/cluster') as {
    prototype: {
      findGroupCoordinatorMetadata: (
        this: object,
        question: CoordinatorQuestion,
      ) => Promise<unknown>;
    };
  };
  const find = prototype.findGroupCoordinatorMetadata;
  const known = new WeakMap<object, Map<string, { answer: Promise<unknown>; until: number }>>();
  prototype.findGroupCoordinatorMetadata = function (question) {
    const mine = known.get(this) ?? new Map<string, { answer: Promise<unknown>; until: number }>();
    known.set(this, mine);
    const name = `${question.coordinatorType ?? 0} ${question.groupId}`;
    const found = mine.get(name);
    if (found !== undefined && found.until > performance.now()) return found.answer;
    const answer = find.call(this, question);
    mine.set(name, { answer, until: performance.now() + COORDINATOR_MS });
    answer.catch(() => mine.delete(name));
    return answer;
  };
}

/**
 * The record codec, both ways. kafkajs makes objects, promises and small buffers for every record; here
 * batches are written into one buffer and read in place. Order: what others load comes first.
 */
export const REPLACED: Readonly<Record<string, unknown>> = {
  'protocol/request': frameRequest,
  'protocol/requests/produce/v3/request': produceRequest,
  'producer/groupMessagesPerPartition': batchPerPartition,
  'protocol/requests/fetch/v4/decodeMessages': takeBytes,
  'consumer/batch': FetchedBatch,
};

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
  for (const [path, replacement] of Object.entries(REPLACED)) {
    replaceModule(load, `kafkajs/src/${path}.js`, replacement);
  }
  silenceIdleTimer(load);
  checkTimeoutsSeldom(load);
  announceFetches(load);
  settleBeforeMoving(load);
  shortenCoordinatorRetries(load);
  connectOnce(load);
  rememberCoordinators(load);
  fetchAhead(load);
  ignoreClockJumps(load);
}
