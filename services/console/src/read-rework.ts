import { allTopics, type ReworkAddress, type ReworkRequested } from '@waybill/contracts';
import { malformed, readActor, readInstant } from './read-request.ts';
import { reworkTopics } from './rework-services.ts';

/** At most so many addresses or dead letters in one command. */
const MOST_CHOSEN = 1_000;
const DEFAULT_RATE = 100;
/** A back-fill counts messages, not records, and has its own budget. */
const DEFAULT_BACKFILL_RATE = 20_000;
const HIGHEST_RATE = 100_000;

type Body = Readonly<Record<string, unknown>>;

function readCount(value: unknown, name: string, minimum = 0): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum) return value;
  throw malformed(`expected ${name} as a whole number from ${minimum}`);
}

function optional<R>(value: unknown, read: (value: unknown) => R): R | null {
  return value === undefined || value === null ? null : read(value);
}

function readText(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= 1_000) return value;
  throw malformed(`expected ${name} as text of 1 to 1000 characters`);
}

/** The name of an input of the service. */
function readInput(value: unknown, service: string): string {
  const inputs = allTopics.filter(
    ({ readBy, compacted, name }) =>
      readBy.includes(service) && !compacted && !name.includes('.rework.'),
  );
  const found = inputs.find(({ name }) => name === value);
  if (found) return found.name;
  const names = inputs.map(({ name }) => name).join(', ');
  throw malformed(`expected topic as an input of ${service} (${names}), found ${String(value)}`);
}

function readList<R>(value: unknown, name: string, read: (value: unknown) => R): readonly R[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.length <= MOST_CHOSEN) return value.map(read);
  throw malformed(`expected ${name} as a list of at most ${MOST_CHOSEN}`);
}

function readAddress(value: unknown, service: string): ReworkAddress {
  if (typeof value !== 'object' || value === null) {
    throw malformed('expected addresses as objects {topic, partition, offset, index}');
  }
  const { topic, partition, offset, index } = value as Body;
  return {
    topic: readInput(topic, service),
    partition: readCount(partition, 'partition'),
    offset: readCount(offset, 'offset'),
    index: index === undefined || index === null ? -1 : readCount(index, 'index', -1),
  };
}

function readElementId(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)) return value;
  throw malformed('expected dead_letter_ids as element ids of 32 hex digits');
}

function readRange(body: Body, service: string) {
  const from_offset = optional(body['from_offset'], (value) => readCount(value, 'from_offset'));
  const to_offset = optional(body['to_offset'], (value) => readCount(value, 'to_offset'));
  const range = {
    topic: optional(body['topic'], (value) => readInput(value, service)),
    key: optional(body['key'], (value) => readText(value, 'key')),
    from_time: readInstant(body['from'], 'from'),
    to_time: readInstant(body['to'], 'to'),
    partition: optional(body['partition'], (value) => readCount(value, 'partition')),
    from_offset,
    to_offset,
  };
  const hasOffsets = from_offset !== null || to_offset !== null;
  if (hasOffsets && (range.topic === null || range.partition === null)) {
    throw malformed('expected topic and partition with from_offset and to_offset');
  }
  return range;
}

/** `{service, addresses | dead_letter_ids | a range, preview, rate, by}`. Throws `REQUEST_MALFORMED`. */
export function readRework(body: Body): Omit<ReworkRequested, 'rework_id' | 'requested_time'> {
  const service = readText(body['service'], 'service');
  reworkTopics(service);
  const addresses = readList(body['addresses'], 'addresses', (value) =>
    readAddress(value, service),
  );
  const dead_letter_ids = readList(body['dead_letter_ids'], 'dead_letter_ids', readElementId);
  const range = readRange(body, service);
  const hasRange = Object.values(range).some((value) => value !== null);
  const ways = [addresses.length > 0, dead_letter_ids.length > 0, hasRange].filter(Boolean).length;
  if (ways !== 1) {
    throw malformed(
      'expected exactly one choice: addresses, dead_letter_ids, or a range (key, from, to, offsets)',
    );
  }
  const usual = service === 'wialon-extractor' ? DEFAULT_BACKFILL_RATE : DEFAULT_RATE;
  const rate = readCount(body['rate'] ?? usual, 'rate', 1);
  if (rate > HIGHEST_RATE) throw malformed(`expected rate as at most ${HIGHEST_RATE} records/s`);
  return {
    service,
    addresses,
    dead_letter_ids,
    ...range,
    reread: null,
    preview: body['preview'] === true,
    rate_records_per_s: rate,
    requested_by: readActor(body),
  };
}
