import { topics as catalogue, type Message, type Topic } from '@waybill/contracts';
import type { Headers } from './dead-letter-headers.ts';
import { wireName, type Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { partitionFor } from './partition.ts';
import type { Outgoing } from './port.ts';
import { isSampled } from './record.ts';
import { BatchWriter, type WriterMark } from './record-batch/batch-writer.ts';

/** Record batches by topic and partition, ready to send, and what to count when they are confirmed. */
export interface Outbox {
  /** Encodes at once, so that a violation points at its author. Returns the bytes of key and value. */
  readonly add: (record: Outgoing, headers?: Headers) => number;
  /** Adds all or none of a call: what breaks its contract fails its own caller and nobody else. */
  readonly whole: (add: () => void) => void;
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

/** The records of one topic: per partition the batches of all rounds, the last one still open. */
interface Pile {
  readonly wire: string;
  readonly name: string;
  readonly partitions: number;
  readonly batches: BatchWriter[][];
  records: number;
}

/** What a pile held at some time: the number of batches of each partition, and the end of the last. */
interface PileMark {
  readonly pile: Pile;
  readonly records: number;
  readonly ends: readonly { readonly batches: number; readonly last: WriterMark | undefined }[];
}

function markOf(pile: Pile): PileMark {
  const ends = pile.batches.map((mine) => ({ batches: mine.length, last: mine.at(-1)?.mark() }));
  return { pile, records: pile.records, ends };
}

function rewind({ pile, records, ends }: PileMark): void {
  pile.records = records;
  for (const [partition, mine] of pile.batches.entries()) {
    const { batches = 0, last } = ends[partition] ?? {};
    if (mine === undefined) continue;
    mine.length = batches;
    if (last !== undefined) mine.at(-1)?.rewind(last);
  }
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

  function add(record: Outgoing, extra?: Headers): number {
    const { topic, key, message } = record;
    const pile = pileOf(topic);
    checked(topic, message);
    const scratch = message === null ? undefined : environment.codecs.write(topic, message);
    const partition = record.partition ?? partitionFor(record.partitionKey ?? key, pile.partitions);
    const headers = headersOf(record, extra);
    const mine = (pile.batches[partition] ??= []);
    const value = scratch?.bytes ?? null;
    const length = scratch?.length ?? 0;
    if (!mine.at(-1)?.append(key, value, headers, length)) {
      const fresh = new BatchWriter(partition, topic.compressed);
      fresh.append(key, value, headers, length);
      mine.push(fresh);
    }
    pile.records += 1;
    size += 1;
    return length + Buffer.byteLength(key);
  }

  function whole(addAll: () => void): void {
    const sizeBefore = size;
    const marks = new Map([...piles.values()].map((pile) => [pile, markOf(pile)]));
    try {
      addAll();
    } catch (error) {
      size = sizeBefore;
      for (const pile of piles.values()) {
        rewind(marks.get(pile) ?? { pile, records: 0, ends: [] });
      }
      throw error;
    }
  }

  return {
    add,
    whole,
    traceparent: () => batchContext,
    setTraceparent: (traceparent) => {
      batchContext = traceparent;
    },
    size: () => size,
    rounds: () => roundsOf(piles.values()),
    counts: () => new Map([...piles.values()].map(({ name, records }) => [name, records])),
  };
}
