import { topics as catalogue, type Message, type Topic } from '@waybill/contracts';
import type { Headers } from './dead-letter-headers.ts';
import { wireName, type Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { partitionFor } from './partition.ts';
import type { Outgoing } from './port.ts';
import { isSampled } from './record.ts';
import { BatchWriter } from './record-batch/batch-writer.ts';

/** Record batches by topic and partition, ready to send, and what to count when they are confirmed. */
export interface Outbox {
  /** Encodes at once, so that a violation points at its author. Returns the bytes of key and value. */
  readonly add: (record: Outgoing, headers?: Headers) => number;
  /** The half of `add` that can fail; `append` is the other one. */
  readonly encode: (record: Outgoing, headers?: Headers) => Encoded;
  readonly append: (encoded: Encoded) => void;
  /** Context of records that name none; positions carry only what their author set. */
  readonly setTraceparent: (traceparent: string | undefined) => void;
  readonly traceparent: () => string | undefined;
  readonly size: () => number;
  /**
   * What to send, in as many rounds as needed: one batch per partition and request, each below the
   * broker's limit. Rounds keep the order of each partition.
   */
  readonly rounds: () => readonly Round[];
  /** Counts per topic for the metrics. */
  readonly counts: () => ReadonlyMap<string, number>;
}

/** The batches of one request. */
export type Round = { readonly topic: string; readonly batches: readonly BatchWriter[] }[];

/** A record in the bytes of its contract and with its partition. */
export interface Encoded {
  readonly pile: Pile;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Headers | undefined;
}

/** The records of one topic: per partition the batches of all rounds, the last one still open. */
interface Pile {
  readonly wire: string;
  readonly name: string;
  readonly partitions: number;
  readonly batches: BatchWriter[][];
  records: number;
}

function appendTo({ batches }: Pile, { partition, key, value, headers }: Encoded): void {
  const mine = (batches[partition] ??= []);
  if (mine.at(-1)?.append(key, value, headers)) return;
  const fresh = new BatchWriter(partition);
  fresh.append(key, value, headers);
  mine.push(fresh);
}

function roundsOf(piles: Iterable<Pile>): readonly Round[] {
  const rounds: Round[] = [];
  for (const { wire, batches } of piles) {
    const most = batches.reduce((count, mine) => Math.max(count, mine.length), 0);
    for (let round = 0; round < most; round += 1) {
      const present = batches.flatMap((mine) => mine[round] ?? []);
      (rounds[round] ??= []).push({ topic: wire, batches: present });
    }
  }
  return rounds;
}

function checked(topic: Topic, message: Message | null): void {
  if (message === null && !topic.compacted) {
    throw streamFault(
      'UNDECLARED_OUTPUT',
      'publish',
      `${topic.name} is not compacted: it holds no tombstones`,
    );
  }
}

/** One outbox per transaction or send. `partitionCounts` holds exactly the declared topics. */
export function createOutbox(
  environment: Environment,
  partitionCounts: ReadonlyMap<string, number>,
): Outbox {
  const piles = new Map<string, Pile>();
  let batchContext: string | undefined;
  let lastContext: string | undefined;
  let contextHeaders: Headers | undefined;
  let size = 0;

  function pileOf(topic: Topic): Pile {
    const known = piles.get(topic.name);
    if (known !== undefined) return known;
    const partitions = partitionCounts.get(topic.name);
    if (partitions === undefined) {
      throw streamFault(
        'UNDECLARED_OUTPUT',
        'publish',
        `expected one of ${[...partitionCounts.keys()].join(', ')}, found ${topic.name}: declare it as output`,
      );
    }
    const wire = wireName(environment, topic);
    const pile: Pile = { wire, name: topic.name, partitions, batches: [], records: 0 };
    piles.set(topic.name, pile);
    return pile;
  }

  /** One object per context: the batch writer knows by identity what it has encoded before. */
  function headersOf(record: Outgoing, extra: Headers | undefined): Headers | undefined {
    const context =
      record.traceparent ??
      (record.topic.name === catalogue.position.name ? undefined : batchContext);
    if (context !== lastContext) {
      lastContext = context;
      contextHeaders = isSampled(context) ? { traceparent: context } : undefined;
    }
    return extra === undefined ? contextHeaders : { ...contextHeaders, ...extra };
  }

  function encode(record: Outgoing, extra?: Headers): Encoded {
    const { topic, key, message } = record;
    const pile = pileOf(topic);
    checked(topic, message);
    const value = message === null ? null : environment.codecs.encode(topic, message);
    const partition = record.partition ?? partitionFor(record.partitionKey ?? key, pile.partitions);
    return { pile, partition, key, value, headers: headersOf(record, extra) };
  }

  function append(encoded: Encoded): void {
    appendTo(encoded.pile, encoded);
    encoded.pile.records += 1;
    size += 1;
  }

  return {
    add: (record, headers) => {
      const encoded = encode(record, headers);
      append(encoded);
      return (encoded.value?.length ?? 0) + Buffer.byteLength(record.key);
    },
    encode,
    append,
    traceparent: () => batchContext,
    setTraceparent: (traceparent) => {
      batchContext = traceparent;
    },
    size: () => size,
    rounds: () => roundsOf(piles.values()),
    counts: () => new Map([...piles.values()].map(({ name, records }) => [name, records])),
  };
}
