import type { Message, Topic } from '@waybill/contracts';
import type { Codecs } from './codec.ts';
import type {
  Emitter,
  Received,
  StreamLogger,
  StreamMetrics,
  TableReader,
  Task,
  TransactOptions,
} from './port.ts';
import type { Unreadable } from './record.ts';
import type { TableChange } from './tables.ts';
import type { TaskState } from './task-state.ts';

/** A part of one partition; `to` is exclusive. */
export interface Stretch {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** Committed records of a stretch, each part in offset order; tombstones are left out. */
export interface StretchPart {
  readonly received: readonly Received[];
  readonly unreadable: readonly Unreadable[];
}

/** Compacted topics that are read whole and followed. */
export interface FollowedTables {
  readonly reader: TableReader;
  /** Resolves when everything that was committed before the call is known. */
  readonly update: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What a rework reads of the log, beside the consumer group, and its time. */
export interface ReworkLog {
  /** First offset and high watermark by `<topic>/<partition>`. */
  readonly bounds: (
    topics: readonly Topic[],
  ) => Promise<ReadonlyMap<string, { readonly low: bigint; readonly high: bigint }>>;
  /** First offset of a partition that was published at or after `ms`; undefined = none was. */
  readonly atTime: (topic: Topic, partition: number, ms: number) => Promise<bigint | undefined>;
  /** Ending the loop early ends the reading. */
  readonly read: (stretch: Stretch) => AsyncIterable<StretchPart>;
  readonly follow: (topics: readonly Topic[]) => Promise<FollowedTables>;
  /** Wall time, ms since epoch. */
  readonly now: () => number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What one transaction of a rework produces. */
export interface ReworkDraft {
  readonly out: Emitter;
  readonly unreadable: (found: Unreadable) => void;
}

/** One life of the task, from its build to its first failed transaction. */
export interface ReworkLife<V> {
  readonly state: TaskState<V>;
  readonly task: Task;
  /** Runs `work` as code of the author and commits what it produced together with the changed state. */
  readonly transact: (work: (draft: ReworkDraft) => void) => Promise<void>;
  /** Hands records to the task as its inputs do. */
  readonly handle: (records: readonly Received[], out: Emitter) => void;
  /** So many records were reworked: their effect stands in the buffers now. */
  readonly reworked: (count: number) => void;
}

/** The task as its rework needs it; the runner and the in-memory log of testkit each have one. */
export interface ReworkHost<V> {
  readonly options: TransactOptions<V>;
  /** Consumer group as the log lines name it. */
  readonly group: string;
  readonly partition: number;
  readonly partitions: number;
  /** Partition counts of the topics that may be written, by name. */
  readonly writable: ReadonlyMap<string, number>;
  readonly codecs: Codecs;
  readonly logger: StreamLogger;
  readonly metrics: StreamMetrics;
  readonly log: ReworkLog;
  readonly tables: {
    readonly reader: TableReader;
    readonly snapshot: () => readonly TableChange[];
  };
  /** Next offsets of the inputs by topic name: what lies behind was not worked on a first time yet. */
  readonly next: ReadonlyMap<string, bigint>;
  /** Newest record of every command. */
  readonly commands: () => readonly Message[];
  /**
   * Runs `work` between batches of the inputs. Resolves false, with nothing done, when the task is not
   * ready; what `work` throws has thrown the task away when it comes out here.
   */
  readonly inTurn: (work: (life: ReworkLife<V>) => Promise<void>) => Promise<boolean>;
}
