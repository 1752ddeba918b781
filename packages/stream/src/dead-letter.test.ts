import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ElementRejected } from '@waybill/contracts';
import { withoutSecrets } from './dead-letter-headers.ts';
import {
  rejectedLetter,
  unreadableLetter,
  type DeadLetter,
  type LetterBox,
} from './dead-letter.ts';
import type { Rejection } from './port.ts';
import { text, topics } from './testing/cluster.ts';

const box: LetterBox = {
  service: 'detector',
  topic: topics.deadLetter,
  now: () => 1_795_000_000_000,
};
const TOKEN = '5dce19710a5e26ab8b7b8986cb3c49e58C291791B7F0A7AEB8AFBFCEED7DC03BC48FF5F8';

const record = {
  topic: topics.input,
  partition: 3,
  offset: 4_294_967_298n,
  key: 'bay-cabs/wialon:7001',
  message: text('x'),
  publishedTime: 1_794_999_999_000,
  traceparent: undefined,
  bytes: Buffer.from('framed'),
};

function rejection(change: Partial<Rejection> = {}): Rejection {
  return {
    record,
    index: 7,
    elementId: 'a'.repeat(32),
    tenantId: 'bay-cabs',
    unit: 'wialon:7001',
    code: 'MESSAGE_MALFORMED',
    kind: 'malformed',
    message: 'expected a message with a position',
    violations: [
      { path: 'pos.y', message: 'expected at most 90, found 91' },
      { path: 't', message: 'expected int, found "soon"' },
    ],
    eventTime: null,
    original: Buffer.from('{"t":"soon"}'),
    attempts: 2,
    ...change,
  };
}

/** Text as it is, bytes as `0x…`. */
function shown({ headers }: DeadLetter): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : `0x${value.toString('hex')}`,
    ]),
  );
}

function valueOf({ record: { message } }: DeadLetter): ElementRejected {
  return message?.value as ElementRejected;
}

describe('a dead letter', () => {
  it('carries the headers of Kafka Connect as text and those of Spring typed', () => {
    assert.deepEqual(shown(rejectedLetter(box, rejection())), {
      '__connect.errors.topic': 'test.input.event.v1',
      '__connect.errors.partition': '3',
      '__connect.errors.offset': '4294967298',
      '__connect.errors.connector.name': 'detector',
      '__connect.errors.task.id': '3',
      '__connect.errors.stage': 'TASK_PUT',
      '__connect.errors.class.name': 'waybill.detector',
      '__connect.errors.exception.class.name': 'waybill.MESSAGE_MALFORMED',
      '__connect.errors.exception.message': 'expected a message with a position',
      '__connect.errors.exception.stacktrace':
        'MESSAGE_MALFORMED (malformed): expected a message with a position\n\tat pos.y\n\tat t',
      'kafka_dlt-original-topic': 'test.input.event.v1',
      'kafka_dlt-original-partition': '0x00000003',
      'kafka_dlt-original-offset': '0x0000000100000002',
      'kafka_dlt-original-timestamp': '0x000001a1ee565a18',
      'kafka_dlt-original-timestamp-type': 'CreateTime',
      'kafka_dlt-original-consumer-group': 'detector',
      'kafka_dlt-exception-fqcn': 'waybill.Fault',
      'kafka_dlt-exception-cause-fqcn': 'waybill.MESSAGE_MALFORMED',
      'kafka_dlt-exception-message': 'expected a message with a position',
      'kafka_dlt-exception-stacktrace':
        'MESSAGE_MALFORMED (malformed): expected a message with a position\n\tat pos.y\n\tat t',
    });
  });

  it('keeps place, code, attempts, every violation and the original in its value', () => {
    const letter = rejectedLetter(box, rejection());
    assert.deepEqual(valueOf(letter), {
      service: 'detector',
      element_id: 'a'.repeat(32),
      tenant_id: 'bay-cabs',
      unit: 'wialon:7001',
      code: 'MESSAGE_MALFORMED',
      kind: 'malformed',
      category: 'validation',
      message: 'expected a message with a position',
      violations: rejection().violations,
      attempts: 2,
      rejected_time: 1_795_000_000_000,
      event_time: null,
      original: Buffer.from('{"t":"soon"}'),
      trace: { topic: 'test.input.event.v1', partition: 3, offset: 4_294_967_298, index: 7 },
    });
    const { contracts } = topics.deadLetter;
    assert.deepEqual(contracts.ElementRejected.violations(valueOf(letter)), []);
    assert.equal(letter.record.key, record.key);
  });

  it('of bytes that nobody can read says so in the converter’s name, without a timestamp if there is none', () => {
    const unreadable = { ...record, publishedTime: -1, problem: 'unknown schema id 9' };
    const letter = unreadableLetter(box, unreadable);
    const headers = shown(letter);
    assert.equal(headers['__connect.errors.stage'], 'VALUE_CONVERTER');
    assert.equal(headers['kafka_dlt-original-timestamp'], '0xffffffffffffffff');
    assert.equal(headers['kafka_dlt-original-timestamp-type'], 'NoTimestampType');
    assert.equal(headers['__connect.errors.exception.class.name'], 'waybill.UNDECODABLE');
    assert.equal(valueOf(letter).trace.index, -1);
    assert.equal(valueOf(letter).original?.toString(), 'framed');
  });

  it('shows no secret that an error text or a violation quotes', () => {
    const message = `expected JSON, found {"access_token":"${TOKEN}" in ?sid=0f3c9a&svc=x from ${TOKEN}`;
    const letter = rejectedLetter(
      box,
      rejection({
        message,
        violations: [{ path: 'headers.authorization', message: 'found "Bearer abc.def"' }],
        original: null,
      }),
    );
    const everything = JSON.stringify([shown(letter), valueOf(letter)]);
    for (const secret of [TOKEN, '0f3c9a', 'abc.def'])
      assert.ok(!everything.includes(secret), secret);
    assert.match(valueOf(letter).message, /sid=\[redacted\]&svc=x/);
  });
});

describe('withoutSecrets', () => {
  it('leaves alone what is no secret', () => {
    const texts = [
      'expected the secret://files/demo#token to exist',
      `hash ${'a'.repeat(64)}`,
      'sid: expected text, found nothing',
    ];
    for (const line of texts) assert.equal(withoutSecrets(line), line);
  });
});
