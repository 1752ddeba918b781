import type { Contract } from './contract.ts';

/** A decoded record: which contract, and its value. */
export type Message<N extends string = string, T = unknown> = {
  readonly type: N;
  readonly value: T;
};

/** How a topic is partitioned: with the tasks, by its own count, or one partition. */
export type Partitioning = 'task' | 'source' | 'single';

/**
 * A topic: the only carrier of its name, key rule, contracts and retention. M is the union of the
 * messages that it holds.
 */
export interface Topic<M extends Message = Message> {
  readonly name: string;
  /** What the key is, in words; written on the contract cards. */
  readonly key: string;
  readonly partitioning: Partitioning;
  /** Compacted topics hold state: the newest value per key, for ever. */
  readonly compacted: boolean;
  /** Large batches are written with zstd: for bodies of text. Readers of Kafka unpack them by themselves. */
  readonly compressed: boolean;
  /** Retention in days of topics that are not compacted. */
  readonly retentionDays: number;
  readonly madeBy: readonly string[];
  readonly readBy: readonly string[];
  readonly contracts: { readonly [N in M['type']]: Contract<Extract<M, { type: N }>['value']> };
}

/** Subject under which a contract of a topic is registered: topic and full record name. */
export function subjectOf(topic: Topic, contract: Contract<unknown>): string {
  return `${topic.name}-${contract.fullName}`;
}
