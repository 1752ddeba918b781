import { createHash } from 'node:crypto';
import type { Topic } from '@waybill/contracts';
import type { WireRecord } from './client.ts';
import type { Codecs } from './codec.ts';
import type { Received } from './port.ts';

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

export interface DecodedBatch {
  readonly received: readonly Received[];
  readonly unreadable: readonly Unreadable[];
  /** Tombstones: they carry nothing to handle. */
  readonly tombstones: number;
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
function sampledContext(header: WireRecord['headers']): string | undefined {
  const found = header?.['traceparent'];
  const value = Array.isArray(found) ? found[0] : found;
  if (value === undefined || value.length !== TRACEPARENT_BYTES) return undefined;
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  if (!isSampledDigit(bytes[FLAGS_END])) return undefined;
  const text = bytes.toString('latin1');
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

/** Decodes records of one partition in order; what cannot be read stands apart. */
export async function decodeBatch(
  codecs: Codecs,
  topic: Topic,
  partition: number,
  records: readonly WireRecord[],
): Promise<DecodedBatch> {
  await codecs.learn(
    topic,
    records.map(({ value }) => value),
  );
  const received: Received[] = [];
  const unreadable: Unreadable[] = [];
  let tombstones = 0;
  for (const record of records) {
    const { value } = record;
    if (value === null) {
      tombstones += 1;
      continue;
    }
    const key = record.key?.toString() ?? '';
    const place = {
      topic,
      partition,
      offset: BigInt(record.offset),
      key,
      bytes: value,
      publishedTime: Number(record.timestamp),
    };
    const decoded = codecs.decode(topic, value);
    if (decoded.message === undefined) unreadable.push({ ...place, problem: decoded.problem });
    else {
      const { message } = decoded;
      received.push({ ...place, message, traceparent: sampledContext(record.headers) });
    }
  }
  return { received, unreadable, tombstones };
}

/** Hash of a record's bytes as 32 hex digits: equal for repeats. */
export function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}
