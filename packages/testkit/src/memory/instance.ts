import { topics as catalogue, type Topic } from '@waybill/contracts';
import type { Fault } from '@waybill/fault';
import {
  isSampled,
  partitionFor,
  rejectedLetter,
  streamFault,
  unreadableLetter,
  type Codecs,
  type Emitter,
  type Outgoing,
  type Received,
  type StateLedger,
  type StreamLogger,
  type StreamMetrics,
  type StreamTracing,
  type Unreadable,
} from '@waybill/stream';
import type { Encoded, Headers, MemoryBroker, Stored } from './broker.ts';
import type { Engine } from './engine.ts';
import type { Groups } from './group.ts';
import type { Snapshots } from './snapshots.ts';

/** What all actors of one connection share: one connection is one process of a service. */
export interface Instance {
  readonly memberId: string;
  readonly broker: MemoryBroker;
  readonly engine: Engine;
  readonly groups: Groups;
  readonly codecs: Codecs;
  readonly logger: StreamLogger;
  readonly metrics: StreamMetrics;
  readonly tracing: StreamTracing;
  /** Limits of the state of all tasks. */
  readonly ledger: StateLedger;
  readonly snapshots: Snapshots;
  /** Told once by every runner that ends with a Fault. */
  readonly failed: (fault: Fault) => void;
}

/** Encodes with the real contracts, so that a bad message fails as it does with the broker. */
export function encode(
  { codecs }: Instance,
  counts: ReadonlyMap<string, number>,
  record: Outgoing,
  extra: { readonly headers?: Headers; readonly context?: string | undefined } = {},
): Encoded {
  const { topic, key, message } = record;
  const partitions = counts.get(topic.name);
  if (partitions === undefined) {
    const known = [...counts.keys()].join(', ');
    const text = `expected one of ${known}, found ${topic.name}: declare it as output`;
    throw streamFault('UNDECLARED_OUTPUT', 'publish', text);
  }
  if (message === null && !topic.compacted) {
    const text = `${topic.name} is not compacted: it holds no tombstones`;
    throw streamFault('UNDECLARED_OUTPUT', 'publish', text);
  }
  // Positions carry only the context that their author named.
  const inherited = topic.name === catalogue.position.name ? undefined : extra.context;
  const context = record.traceparent ?? inherited;
  return {
    topic: topic.name,
    partition: record.partition ?? partitionFor(record.partitionKey ?? key, partitions),
    key,
    value: message === null ? null : codecs.encode(topic, message),
    headers: { ...(isSampled(context) && { traceparent: context }), ...extra.headers },
  };
}

/** Everything that one transaction produces, and what to count when it is committed. */
export interface Draft {
  readonly out: Emitter;
  readonly records: Encoded[];
  /** Answers with the bytes of key and value. */
  readonly add: (record: Outgoing) => number;
  readonly unreadable: (found: Unreadable) => void;
  readonly report: () => void;
}

export function createDraft(
  instance: Instance,
  counts: ReadonlyMap<string, number>,
  box: { readonly service: string; readonly topic: Topic },
  context?: string,
): Draft {
  const { metrics, engine } = instance;
  const letters = { ...box, now: engine.now };
  const records: Encoded[] = [];
  const discarded: (readonly [string, boolean, number])[] = [];
  const add = (record: Outgoing, headers?: Headers): number => {
    const encoded = encode(instance, counts, record, { context, ...(headers && { headers }) });
    records.push(encoded);
    return Buffer.byteLength(encoded.key) + (encoded.value?.length ?? 0);
  };
  return {
    records,
    add: (record) => add(record),
    out: {
      emit: (record) => void add(record),
      traceparent: () => context,
      reject: (rejection) => {
        const { record, headers } = rejectedLetter(letters, rejection);
        add(record, headers);
        discarded.push([rejection.code, false, 1]);
      },
      skip: (reason, count = 1) => void discarded.push([reason, true, count]),
    },
    unreadable: (found) => {
      const { record, headers } = unreadableLetter(letters, found);
      add(record, headers);
      discarded.push(['UNDECODABLE', false, 1]);
    },
    report: () => {
      for (const [topic, group] of Map.groupBy(records, (record) => record.topic)) {
        metrics.emitted(topic, group.length);
      }
      for (const [reason, intentional, count] of discarded) {
        metrics.discarded(reason, intentional, count);
      }
    },
  };
}

/** Records of one reading, decoded as the real core does it. */
export interface DecodedRecords {
  readonly received: readonly Received[];
  readonly unreadable: readonly Unreadable[];
  readonly tombstones: number;
  /** Bytes are lent for the call of the handler only: afterwards they are no longer the record's. */
  readonly takeBack: () => void;
}

export async function decode(
  { codecs }: Instance,
  topic: Topic,
  records: readonly Stored[],
): Promise<DecodedRecords> {
  const received: Received[] = [];
  const unreadable: Unreadable[] = [];
  const lent: Buffer[] = [];
  for (const { value, headers, key, partition, offset, publishedTime } of records) {
    if (value === null) continue;
    const bytes = Buffer.from(value);
    lent.push(bytes);
    const place = { topic, partition, offset, key, bytes, publishedTime };
    const { message, ...failed } = await codecs.read(topic, bytes);
    if (message === undefined) {
      // Without a message there is a problem.
      const { problem } = failed as { readonly problem: string };
      unreadable.push({ ...place, problem });
    } else received.push({ ...place, message, traceparent: contextOf(headers) });
  }
  return {
    received,
    unreadable,
    tombstones: records.length - lent.length,
    takeBack: () => {
      for (const bytes of lent) bytes.fill(0xff);
    },
  };
}

/** The sampled W3C context of a record. */
export function contextOf({ traceparent }: Headers): string | undefined {
  const text = traceparent?.toString();
  return isSampled(text) ? text : undefined;
}
