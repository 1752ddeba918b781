import type { ElementRejected, Message, Topic } from '@waybill/contracts';
import type { Outgoing, Received, Rejection } from './port.ts';
import { hashOf, type Unreadable } from './record.ts';

/** A dead letter: the record to write and the headers that common tools read. */
export interface DeadLetter {
  readonly record: Outgoing;
  readonly headers: Record<string, string>;
}

/** Where the refused element stands. */
type Place = Pick<Received, 'topic' | 'partition' | 'offset' | 'key'>;

/** Names of Kafka Connect and Spring Kafka, so that their tools show our dead letters. */
function headersOf({ topic, partition, offset }: Place, message: string): Record<string, string> {
  return {
    '__connect.errors.topic': topic.name,
    '__connect.errors.partition': String(partition),
    '__connect.errors.offset': String(offset),
    '__connect.errors.exception.message': message,
    'kafka_dlt-original-topic': topic.name,
    'kafka_dlt-original-partition': String(partition),
    'kafka_dlt-original-offset': String(offset),
    'kafka_dlt-exception-message': message,
  };
}

function letter(
  deadLetterTopic: Topic,
  place: Place,
  index: number,
  traceparent: string | undefined,
  element: Omit<ElementRejected, 'trace' | 'rejected_time' | 'category'>,
): DeadLetter {
  const value: ElementRejected = {
    ...element,
    category: 'validation',
    rejected_time: Date.now(),
    trace: {
      topic: place.topic.name,
      partition: place.partition,
      offset: Number(place.offset),
      index,
    },
  };
  const message: Message = { type: 'ElementRejected', value };
  return {
    record: { topic: deadLetterTopic, key: place.key, message, traceparent },
    headers: headersOf(place, element.message),
  };
}

/** The dead letter of an element that the author refused. */
export function rejectedLetter(service: string, topic: Topic, rejection: Rejection): DeadLetter {
  const { record, index } = rejection;
  return letter(topic, record, index, record.traceparent, {
    service,
    element_id: rejection.elementId,
    tenant_id: rejection.tenantId,
    unit: rejection.unit,
    code: rejection.code,
    kind: rejection.kind,
    message: rejection.message,
    violations: rejection.violations,
    attempts: rejection.attempts,
    event_time: rejection.eventTime,
    original: rejection.original,
  });
}

/** The dead letter of a record that cannot be decoded; its bytes go along. */
export function unreadableLetter(service: string, topic: Topic, found: Unreadable): DeadLetter {
  return letter(topic, found, -1, undefined, {
    service,
    element_id: hashOf(found.bytes),
    tenant_id: null,
    unit: null,
    code: 'UNDECODABLE',
    kind: 'malformed',
    message: found.problem,
    violations: [],
    attempts: 1,
    event_time: null,
    original: Buffer.from(found.bytes),
  });
}
