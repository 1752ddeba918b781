import type { ElementRejected, Message, Topic } from '@waybill/contracts';
import {
  deadLetterHeaders,
  withoutSecrets,
  type Headers,
  type Place,
} from './dead-letter-headers.ts';
import type { Outgoing, Rejection } from './port.ts';
import { hashOf, type Unreadable } from './record.ts';

/** A dead letter: the record to write and the headers that common tools read. */
export interface DeadLetter {
  readonly record: Outgoing;
  readonly headers: Headers;
}

/** Who writes dead letters, and where to. */
export interface LetterBox {
  readonly service: string;
  readonly topic: Topic;
  /** Wall time in ms; default the machine's. */
  readonly now?: () => number;
}

type Element = Omit<ElementRejected, 'service' | 'trace' | 'rejected_time' | 'category'>;

function letter(
  { service, topic, now = Date.now }: LetterBox,
  place: Place,
  address: { readonly index: number; readonly traceparent: string | undefined },
  element: Element,
): DeadLetter {
  const violations = element.violations.map(({ path, message }) => ({
    path,
    message: withoutSecrets(message),
  }));
  const value: ElementRejected = {
    ...element,
    service,
    message: withoutSecrets(element.message),
    violations,
    category: 'validation',
    rejected_time: now(),
    trace: {
      topic: place.topic.name,
      partition: place.partition,
      offset: Number(place.offset),
      index: address.index,
    },
  };
  const message: Message = { type: 'ElementRejected', value };
  const { traceparent } = address;
  return {
    record: { topic, key: place.key, message, traceparent },
    headers: deadLetterHeaders(place, { ...value, undecodable: value.code === 'UNDECODABLE' }),
  };
}

/** The dead letter of an element that the author refused. */
export function rejectedLetter(box: LetterBox, rejection: Rejection): DeadLetter {
  const { record, index } = rejection;
  const address = { index, traceparent: record.traceparent };
  return letter(box, record, address, {
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
export function unreadableLetter(box: LetterBox, found: Unreadable): DeadLetter {
  return letter(
    box,
    found,
    { index: -1, traceparent: undefined },
    {
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
    },
  );
}
