import type { Received } from './port.ts';

/** Header values as they go to the client: text, or bytes where a tool wants a binary number. */
export type Headers = Readonly<Record<string, string | Buffer>>;

/** Where the refused element stands, and when its record was published (ms since epoch). */
export type Place = Pick<Received, 'topic' | 'partition' | 'offset' | 'key' | 'publishedTime'>;

/** What the headers say about the failure besides its place. */
export interface Failure {
  readonly service: string;
  readonly code: string;
  readonly kind: string;
  readonly message: string;
  readonly violations: readonly { readonly path: string; readonly message: string }[];
  /** True when the bytes could not even be decoded. */
  readonly undecodable: boolean;
}

/** A header is read by people in a list: longer text is in the value. */
const MAX_TEXT = 1_000;
/** Kafka's own word for "no timestamp". */
const NO_TIME = -1n;

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** In the place of a stack trace, which would show our code and not the sender's fault. */
function trace({ code, kind, message, violations }: Failure): string {
  const lines = violations.map((violation) => `\tat ${violation.path || 'value'}`);
  return [`${code} (${kind}): ${message}`, ...lines].join('\n').slice(0, MAX_TEXT);
}

/**
 * The names that Kafka Connect's dead letter queue (`DeadLetterQueueReporter`) and Spring Kafka's
 * `DeadLetterPublishingRecoverer` write, typed as they write them, so that their tools show and replay
 * our dead letters. Connect: everything is text. Spring: partition is a big-endian int32, offset and
 * timestamp are big-endian int64, the rest is text. Where they name a Java class we name the error code:
 * it is what their tools group by. Topic names come without our namespace.
 */
export function deadLetterHeaders(place: Place, failure: Failure): Headers {
  const { topic, partition, offset, publishedTime } = place;
  const message = failure.message.slice(0, MAX_TEXT);
  const exception = `waybill.${failure.code}`;
  const known = publishedTime >= 0;
  return {
    '__connect.errors.topic': topic.name,
    '__connect.errors.partition': String(partition),
    '__connect.errors.offset': String(offset),
    '__connect.errors.connector.name': failure.service,
    '__connect.errors.task.id': String(partition),
    '__connect.errors.stage': failure.undecodable ? 'VALUE_CONVERTER' : 'TASK_PUT',
    '__connect.errors.class.name': `waybill.${failure.service}`,
    '__connect.errors.exception.class.name': exception,
    '__connect.errors.exception.message': message,
    '__connect.errors.exception.stacktrace': trace(failure),
    'kafka_dlt-original-topic': topic.name,
    'kafka_dlt-original-partition': int32(partition),
    'kafka_dlt-original-offset': int64(offset),
    'kafka_dlt-original-timestamp': int64(known ? BigInt(publishedTime) : NO_TIME),
    'kafka_dlt-original-timestamp-type': known ? 'CreateTime' : 'NoTimestampType',
    'kafka_dlt-original-consumer-group': failure.service,
    // Spring's outer class is the same for all failures; what tells them apart is the cause.
    'kafka_dlt-exception-fqcn': 'waybill.Fault',
    'kafka_dlt-exception-cause-fqcn': exception,
    'kafka_dlt-exception-message': message,
    'kafka_dlt-exception-stacktrace': trace(failure),
  };
}

const MASK = '[redacted]';
const NAMES =
  'token|sid|password|secret|authorization|api_?key|access_hash|client_secret|signature';
const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${MASK}`],
  [new RegExp(`\\b(${NAMES})=[^\\s&"',;]+`, 'gi'), `$1=${MASK}`],
  [new RegExp(`("\\w*(?:${NAMES})"\\s*:\\s*)"[^"]*"?`, 'gi'), `$1"${MASK}"`],
  // Longer than any hash of ours: a provider's token is 72 hex digits.
  [/\b[0-9a-f]{65,}\b/gi, MASK],
];

/** One line of text without what looks like a secret: error texts may quote what a sender sent. */
export function withoutSecrets(text: string): string {
  return MASKS.reduce((masked, [pattern, mask]) => masked.replaceAll(pattern, mask), text);
}
