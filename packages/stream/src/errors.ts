import { errorCodes, Fault, isFault, type ErrorCode, type FaultStage } from '@waybill/fault';

/** Codes of the stream core; services list them beside their own. */
export const streamErrors: Readonly<Record<StreamCode, ErrorCode>> = errorCodes({
  BROKER_UNAVAILABLE: {
    kind: 'transient',
    meaning: 'No broker answers; check KAFKA_BROKERS and that the cluster runs.',
  },
  KAFKA_FAILED: {
    kind: 'transient',
    meaning: 'The cluster refused or lost a request; it is tried again from the last commit.',
  },
  KAFKA_DENIED: {
    kind: 'misconfigured',
    meaning: 'The cluster denies access to a topic, group or transactional id.',
  },
  TOPIC_MISSING: {
    kind: 'misconfigured',
    meaning: 'A topic of the catalogue does not exist; run provisioning.',
  },
  PARTITION_COUNT_MISMATCH: {
    kind: 'misconfigured',
    meaning: 'Topics of one task have different partition counts.',
  },
  PARTITION_COUNT_CHANGED: {
    kind: 'misconfigured',
    meaning: 'A topic exists with another partition count than provisioning asks for.',
  },
  REGISTRY_UNAVAILABLE: {
    kind: 'transient',
    meaning: 'The schema registry does not answer; check SCHEMA_REGISTRY_URL.',
  },
  REGISTRY_REFUSED: {
    kind: 'misconfigured',
    meaning: 'The schema registry refuses a contract, for example as incompatible.',
  },
  CONTRACT_NOT_REGISTERED: {
    kind: 'misconfigured',
    meaning: 'A contract that the service uses is not registered; run provisioning.',
  },
  CONTRACT_VIOLATED: {
    kind: 'bug',
    meaning: 'The service made a record that breaks its contract.',
  },
  UNDECLARED_OUTPUT: {
    kind: 'bug',
    meaning: 'The service wrote to a topic that it did not declare, or a tombstone elsewhere.',
  },
  RECORD_TOO_LARGE: {
    kind: 'bug',
    meaning: 'A record is larger than its topic allows.',
  },
  UNDECODABLE: {
    kind: 'malformed',
    meaning: 'A record cannot be decoded with any contract of its topic; it is dead-lettered.',
  },
  BATCH_CORRUPT: {
    kind: 'transient',
    meaning: 'The checksum of a fetched batch is wrong; it is fetched again.',
  },
  BATCH_UNREADABLE: {
    kind: 'misconfigured',
    meaning:
      'A batch has a compression or an age that is not supported; the message names the remedy.',
  },
  FENCED: {
    kind: 'cancelled',
    meaning: 'Another owner took the partition over.',
  },
  COMMIT_UNKNOWN: {
    kind: 'transient',
    meaning: 'A transaction failed; the cursors were read again and say whether it took effect.',
  },
  BACKPRESSURE: {
    kind: 'transient',
    meaning: 'More records wait to be published than the limit; send them later.',
  },
  PUBLISH_FAILED: {
    kind: 'transient',
    meaning: 'Records were not confirmed by all replicas.',
  },
  STREAM_STUCK: {
    kind: 'transient',
    meaning: 'A runner made no progress although records wait.',
  },
  STATE_LIMIT: {
    kind: 'misconfigured',
    meaning: 'Stores and buffers of a task, or of all tasks, hold more bytes than allowed.',
  },
  STATE_LOST: {
    kind: 'misconfigured',
    meaning: 'A changelog is shorter than what the task wrote into it: it was deleted or cut.',
  },
  BUFFER_MISUSED: {
    kind: 'bug',
    meaning: 'A buffer was changed where the change could not be found again after a restart.',
  },
  CLOSED: {
    kind: 'cancelled',
    meaning: 'The connection to the log was closed.',
  },
  KAFKAJS_VERSION: {
    kind: 'misconfigured',
    meaning: 'The client is not the version that the guards were written for.',
  },
});

export type StreamCode =
  | 'BROKER_UNAVAILABLE'
  | 'KAFKA_FAILED'
  | 'KAFKA_DENIED'
  | 'TOPIC_MISSING'
  | 'PARTITION_COUNT_MISMATCH'
  | 'PARTITION_COUNT_CHANGED'
  | 'REGISTRY_UNAVAILABLE'
  | 'REGISTRY_REFUSED'
  | 'CONTRACT_NOT_REGISTERED'
  | 'CONTRACT_VIOLATED'
  | 'UNDECLARED_OUTPUT'
  | 'RECORD_TOO_LARGE'
  | 'UNDECODABLE'
  | 'BATCH_CORRUPT'
  | 'BATCH_UNREADABLE'
  | 'FENCED'
  | 'COMMIT_UNKNOWN'
  | 'BACKPRESSURE'
  | 'PUBLISH_FAILED'
  | 'STREAM_STUCK'
  | 'STATE_LIMIT'
  | 'STATE_LOST'
  | 'BUFFER_MISUSED'
  | 'CLOSED'
  | 'KAFKAJS_VERSION';

/** A Fault with one of the codes above; the kind comes from the table. */
export function streamFault(
  code: StreamCode,
  stage: FaultStage,
  message: string,
  cause?: unknown,
): Fault {
  return new Fault(message, { kind: streamErrors[code].kind, code, stage, cause });
}

const FENCED_TYPES = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'TRANSACTION_COORDINATOR_FENCED',
]);

const DENIED_TYPES = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
]);

const CONNECTION_NAMES = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
]);

interface ClientError {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/** The chain of causes, outermost first, at most ten. */
function causes(error: unknown): readonly ClientError[] {
  const chain: ClientError[] = [];
  let current = error;
  while (typeof current === 'object' && current !== null && chain.length < 10) {
    chain.push(current);
    current = (current as ClientError).cause;
  }
  return chain;
}

/** True when the error says that a newer owner of the transactional id exists. */
export function isFenced(error: unknown): boolean {
  return causes(error).some(({ type }) => FENCED_TYPES.has(String(type)));
}

function codeOf(chain: readonly ClientError[]): StreamCode {
  for (const { name, type } of chain) {
    if (FENCED_TYPES.has(String(type))) return 'FENCED';
    if (DENIED_TYPES.has(String(type))) return 'KAFKA_DENIED';
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return 'TOPIC_MISSING';
    if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') return 'RECORD_TOO_LARGE';
    if (CONNECTION_NAMES.has(String(name))) return 'BROKER_UNAVAILABLE';
  }
  return 'KAFKA_FAILED';
}

/** Total: turns what the client threw into a Fault; `doing` says what was tried. */
export function kafkaFault(error: unknown, stage: FaultStage, doing: string): Fault {
  if (isFault(error)) return error;
  const chain = causes(error);
  const text = String(chain[0]?.message ?? error).replaceAll(/\s+/g, ' ');
  return streamFault(codeOf(chain), stage, `${doing}: ${text}`, error);
}

/** The one clear line for a cluster that is not there. */
export function unreachable(brokers: readonly string[], error: unknown): Error {
  const fault = kafkaFault(error, 'start', 'connecting');
  return streamFault(
    'BROKER_UNAVAILABLE',
    'start',
    `expected a Kafka broker at ${brokers.join(', ')}, got "${fault.message}": check KAFKA_BROKERS and that the cluster runs`,
    error,
  );
}
