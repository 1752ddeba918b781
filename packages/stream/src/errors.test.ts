import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isFenced, kafkaFault, streamErrors, unreachable } from './errors.ts';

const clientError = (name: string, fields: object = {}): Error =>
  Object.assign(new Error(`${name} said\n  so`), { name, ...fields });

describe('kafkaFault', () => {
  it('finds the reason in the chain of causes', () => {
    const cases: readonly (readonly [unknown, string, string])[] = [
      [clientError('KafkaJSConnectionError'), 'BROKER_UNAVAILABLE', 'transient'],
      [
        clientError('KafkaJSNumberOfRetriesExceeded', {
          cause: clientError('KafkaJSRequestTimeoutError'),
        }),
        'BROKER_UNAVAILABLE',
        'transient',
      ],
      [clientError('X', { type: 'INVALID_PRODUCER_EPOCH' }), 'FENCED', 'cancelled'],
      [clientError('X', { type: 'TOPIC_AUTHORIZATION_FAILED' }), 'KAFKA_DENIED', 'misconfigured'],
      [clientError('X', { type: 'MESSAGE_TOO_LARGE' }), 'RECORD_TOO_LARGE', 'bug'],
      [clientError('X', { type: 'REQUEST_TIMED_OUT' }), 'KAFKA_FAILED', 'transient'],
      ['a text', 'KAFKA_FAILED', 'transient'],
      [undefined, 'KAFKA_FAILED', 'transient'],
    ];
    for (const [error, code, kind] of cases) {
      const fault = kafkaFault(error, 'commit', 'trying');
      assert.deepEqual([fault.code, fault.kind], [code, kind]);
      assert.ok(!fault.message.includes('\n'));
    }
  });

  it('does not hang on causes that form a ring', () => {
    const ring: { cause?: unknown } = {};
    ring.cause = ring;
    assert.equal(kafkaFault(ring, 'commit', 'trying').code, 'KAFKA_FAILED');
    assert.ok(!isFenced(ring));
  });

  it('keeps a Fault as it is', () => {
    const fault = unreachable(['broker:9092'], new Error('refused'));
    assert.equal(kafkaFault(fault, 'commit', 'trying'), fault);
  });
});

describe('the README', () => {
  it('lists every code with its kind', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    for (const [code, { kind }] of Object.entries(streamErrors)) {
      const listed = readme
        .split('\n')
        .some(
          (line) => line.startsWith('|') && line.includes(`\`${code}\``) && line.includes(kind),
        );
      assert.ok(listed, `${code} (${kind}) is missing`);
    }
  });
});
