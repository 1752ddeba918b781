import { topics as catalogue, type Message, type Topic } from '@waybill/contracts';
import type { WireMessage } from './client.ts';
import type { Headers } from './dead-letter-headers.ts';
import { wireName, type Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { partitionFor } from './partition.ts';
import type { Outgoing } from './port.ts';
import { isSampled } from './record.ts';

/** Encoded records by topic, ready to send, and what to count when they are confirmed. */
export interface Outbox {
  /** Encodes at once, so that a violation points at its author. Returns the bytes of key and value. */
  readonly add: (record: Outgoing, headers?: Headers) => number;
  /** Context of records that name none; positions carry only what their author set. */
  readonly setTraceparent: (traceparent: string | undefined) => void;
  readonly traceparent: () => string | undefined;
  readonly size: () => number;
  /** All records, topic by topic; for merging several outboxes into one request. */
  readonly piles: () => readonly { readonly wire: string; readonly messages: readonly Sized[] }[];
  /**
   * What to send, in as many rounds as needed: the client makes one record batch per partition and
   * request, and the broker refuses a batch over 1 MiB. Rounds keep the order of each partition.
   */
  readonly rounds: () => readonly Round[];
  /** Counts per topic for the metrics. */
  readonly counts: () => ReadonlyMap<string, number>;
}

export type Round = { readonly topic: string; readonly messages: WireMessage[] }[];

interface Pile {
  readonly wire: string;
  readonly name: string;
  readonly partitions: number;
  readonly messages: Sized[];
}

export interface Sized {
  readonly message: WireMessage;
  readonly bytes: number;
}

/** Below the broker's default `max.message.bytes` of 1,048,588 with room for the batch header. */
const MAX_BATCH_BYTES = 900_000;
/** Lengths, timestamps and header names of one record, generously. */
const RECORD_OVERHEAD_BYTES = 40;

/** Splits the records of all topics so that no partition gets more than `MAX_BATCH_BYTES` per round. */
export function roundsOf(
  topics: readonly { readonly wire: string; readonly messages: readonly Sized[] }[],
): readonly Round[] {
  const rounds: Map<string, WireMessage[]>[] = [];
  for (const { wire, messages } of topics) {
    const filled = new Map<number, { round: number; bytes: number }>();
    for (const { message, bytes } of messages) {
      const partition = message.partition ?? 0;
      const place = filled.get(partition) ?? { round: 0, bytes: 0 };
      if (place.bytes > 0 && place.bytes + bytes > MAX_BATCH_BYTES) {
        place.round += 1;
        place.bytes = 0;
      }
      place.bytes += bytes;
      filled.set(partition, place);
      const round = (rounds[place.round] ??= new Map<string, WireMessage[]>());
      const list = round.get(wire);
      if (list === undefined) round.set(wire, [message]);
      else list.push(message);
    }
  }
  return rounds.map((round) => [...round].map(([topic, messages]) => ({ topic, messages })));
}

function headerBytes(headers: Headers): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    bytes += name.length + Buffer.byteLength(value);
  }
  return bytes;
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
    const pile: Pile = {
      wire: wireName(environment, topic),
      name: topic.name,
      partitions,
      messages: [],
    };
    piles.set(topic.name, pile);
    return pile;
  }

  function contextOf(record: Outgoing): string | undefined {
    if (record.traceparent !== undefined) return record.traceparent;
    return record.topic.name === catalogue.position.name ? undefined : batchContext;
  }

  return {
    add: (record, extraHeaders) => {
      const { topic, key, message } = record;
      const pile = pileOf(topic);
      checked(topic, message);
      const context = contextOf(record);
      const headers = {
        ...(isSampled(context) && { traceparent: context }),
        ...extraHeaders,
      };
      const value = message === null ? null : environment.codecs.encode(topic, message);
      const partition =
        record.partition ?? partitionFor(record.partitionKey ?? key, pile.partitions);
      const bytes = (value?.length ?? 0) + Buffer.byteLength(key);
      pile.messages.push({
        message: { key, value, partition, headers },
        bytes: bytes + headerBytes(headers) + RECORD_OVERHEAD_BYTES,
      });
      size += 1;
      return bytes;
    },
    traceparent: () => batchContext,
    setTraceparent: (traceparent) => {
      batchContext = traceparent;
    },
    size: () => size,
    piles: () => [...piles.values()],
    rounds: () => roundsOf([...piles.values()]),
    counts: () => new Map([...piles.values()].map(({ name, messages }) => [name, messages.length])),
  };
}
