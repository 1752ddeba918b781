import { createHash } from 'node:crypto';
import type { Message, Topic } from '@waybill/contracts';
import type { Codecs, Decode, Decoded } from './codec.ts';
import type { Received } from './port.ts';
import type { FetchedBatch } from './record-batch/fetched-batch.ts';
import type { RecordCursor } from './record-batch/record-cursor.ts';
import { TextCache } from './record-batch/text-cache.ts';

/** A record that no contract of its topic can read. */
export interface Unreadable {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  readonly bytes: Buffer;
  readonly publishedTime: number;
  readonly problem: string;
}

/** Records that lie in memory undecoded, and where the partition goes on behind them. */
export interface Source {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: RecordCursor;
  /** Next offset behind all of them, markers included. */
  readonly next: bigint;
}

/** Decoded records that are handled as one. */
export interface Chunk {
  /** Emptied when they are handled. */
  readonly received: Received[];
  readonly unreadable: readonly Unreadable[];
  /** Tombstones: they carry nothing to handle. */
  readonly tombstones: number;
  /** Records in all; 0 = nothing was left. */
  readonly count: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  /** Where to go on when this chunk is done. */
  readonly next: bigint;
}

/** A chunk ends with the record that reaches one of these. */
export interface ChunkLimits {
  readonly records: number;
  /** Bytes of values. */
  readonly bytes: number;
}

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACEPARENT_BYTES = 55;
const FLAGS_END = TRACEPARENT_BYTES - 1;
const MAX_LINKS = 32;

/** True when the last hex digit of the flags is odd: the sampled bit. */
function isSampledDigit(digit: number | undefined): boolean {
  if (digit === undefined) return false;
  // '1'..'9' are 0x31..0x39, 'a'..'f' 0x61..0x66: for letters the parity is the other way round.
  return digit < 0x60 ? digit % 2 === 1 : digit % 2 === 0;
}

/** W3C context of a header value, only when it is sampled: unsampled ones are not even parsed. */
function sampledContext(value: Buffer | undefined): string | undefined {
  if (value === undefined || value.length !== TRACEPARENT_BYTES) return undefined;
  if (!isSampledDigit(value[FLAGS_END])) return undefined;
  const text = value.toString('latin1');
  return TRACEPARENT.test(text) ? text : undefined;
}

/** True when a W3C context is complete and sampled; only such are written into headers. */
export function isSampled(traceparent: string | undefined): traceparent is string {
  return (
    traceparent?.length === TRACEPARENT_BYTES && isSampledDigit(traceparent.charCodeAt(FLAGS_END))
  );
}

/** Distinct sampled contexts of a batch, at most 32. */
export function linksOf(records: readonly Received[]): readonly string[] {
  const links = new Set<string>();
  for (const { traceparent } of records) {
    if (traceparent !== undefined) links.add(traceparent);
    if (links.size === MAX_LINKS) break;
  }
  return [...links];
}

const keys = new TextCache();

/** What stands in the topic; offset and bytes are made when somebody asks. */
class ReceivedRecord implements Received {
  readonly topic: Topic;
  readonly partition: number;
  readonly key: string;
  readonly message: Message;
  readonly traceparent: string | undefined;
  readonly publishedTime: number;
  readonly #offset: number;
  readonly #source: Buffer;
  readonly #start: number;
  readonly #length: number;

  constructor({ topic, partition, records }: Source, key: string, message: Message) {
    this.topic = topic;
    this.partition = partition;
    this.key = key;
    this.message = message;
    this.traceparent = sampledContext(records.traceparent());
    this.publishedTime = records.timestamp;
    this.#offset = records.offset;
    this.#source = records.bytes;
    this.#start = records.valueStart;
    this.#length = records.valueLength;
  }

  get offset(): bigint {
    return BigInt(this.#offset);
  }

  get bytes(): Buffer {
    return this.#source.subarray(this.#start, this.#start + this.#length);
  }
}

function valueOf({ bytes, valueStart, valueLength }: RecordCursor): Buffer {
  return bytes.subarray(valueStart, valueStart + valueLength);
}

function decodePresent(decode: Decode, records: RecordCursor): Decoded | number {
  const { bytes, valueStart, valueLength } = records;
  return decode(bytes, valueStart, valueStart + valueLength);
}

/**
 * Decodes the next records of one partition in order; what cannot be read stands apart. When the
 * registry is away it throws and the same records come again.
 */
export async function readChunk(
  codecs: Codecs,
  source: Source,
  limits: ChunkLimits,
): Promise<Chunk> {
  const { topic, partition, records } = source;
  const decode = codecs.decoder(topic);
  const received: Received[] = [];
  const unreadable: Unreadable[] = [];
  const start = records.mark();
  let count = 0;
  let bytes = 0;
  let tombstones = 0;
  let first = 0;
  while (count < limits.records && bytes < limits.bytes && records.next()) {
    if (count === 0) first = records.offset;
    count += 1;
    if (records.valueLength < 0) {
      tombstones += 1;
      continue;
    }
    bytes += records.valueLength;
    let decoded = decodePresent(decode, records);
    if (typeof decoded === 'number') {
      try {
        decoded = await codecs.read(topic, valueOf(records));
      } catch (error) {
        records.rewind(start);
        throw error;
      }
    }
    const key = keys.read(records.bytes, records.keyStart, records.keyLength);
    if (decoded.message === undefined) {
      const { offset, timestamp: publishedTime } = records;
      unreadable.push({
        ...{ topic, partition, offset: BigInt(offset), key, publishedTime },
        ...{ bytes: valueOf(records), problem: decoded.problem },
      });
    } else received.push(new ReceivedRecord(source, key, decoded.message));
  }
  const last = BigInt(count === 0 ? Number(source.next) - 1 : records.offset);
  return {
    received,
    unreadable,
    tombstones,
    count,
    firstOffset: BigInt(first),
    lastOffset: last,
    next: records.atEnd ? source.next : last + 1n,
  };
}

/** Decodes all records of a fetched batch whose offset is before `end`. */
export async function readBefore(
  codecs: Codecs,
  topic: Topic,
  batch: FetchedBatch,
  end: bigint,
): Promise<Pick<Chunk, 'received' | 'unreadable'>> {
  const source = { topic, partition: batch.partition, records: batch.records(), next: batch.next };
  const everything = { records: Infinity, bytes: Infinity };
  const { received, unreadable, lastOffset } = await readChunk(codecs, source, everything);
  if (lastOffset < end) return { received, unreadable };
  return {
    received: received.filter(({ offset }) => offset < end),
    unreadable: unreadable.filter(({ offset }) => offset < end),
  };
}

/** One record of a compacted topic. */
export interface Entry {
  readonly key: string;
  readonly offset: number;
  /** Bytes of key and value. */
  readonly bytes: number;
  /** null = tombstone; undefined = unreadable, see `problem`. */
  readonly message: Message | null | undefined;
  readonly problem?: string;
}

/** Shows all records of a source in order, tombstones included. */
export async function eachEntry(
  codecs: Codecs,
  source: Source,
  visit: (entry: Entry) => void | Promise<void>,
): Promise<void> {
  const { topic, records } = source;
  const decode = codecs.decoder(topic);
  while (records.next()) {
    const { offset } = records;
    const key = keys.read(records.bytes, records.keyStart, records.keyLength);
    const bytes = Math.max(records.keyLength, 0) + Math.max(records.valueLength, 0);
    let entry: Entry = { key, offset, bytes, message: null };
    if (records.valueLength >= 0) {
      let decoded = decodePresent(decode, records);
      if (typeof decoded === 'number') decoded = await codecs.read(topic, valueOf(records));
      entry = { key, offset, bytes, message: undefined, ...decoded };
    }
    const pending = visit(entry);
    if (pending !== undefined) await pending;
  }
}

/** Hash of a record's bytes as 32 hex digits: equal for repeats. */
export function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}
