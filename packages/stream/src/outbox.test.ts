import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { topics as catalogue } from '@waybill/contracts';
import type { Environment } from './environment.ts';
import { createOutbox, roundsOf } from './outbox.ts';
import { partitionFor } from './partition.ts';
import type { Outgoing } from './port.ts';
import { text, topics } from './testing/cluster.ts';

const SAMPLED = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const UNSAMPLED = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;

const environment = {
  namespace: 'ns.',
  codecs: { encode: () => Buffer.from('x') },
} as unknown as Environment;

const counts = new Map([topics.output, topics.state, catalogue.position].map((t) => [t.name, 8]));

function sent(record: Outgoing, context?: string) {
  const outbox = createOutbox(environment, counts);
  outbox.setTraceparent(context);
  outbox.add(record);
  const [round] = outbox.rounds();
  const [first] = round ?? [];
  return { topic: first?.topic, message: first?.messages[0] };
}

const record: Outgoing = { topic: topics.output, key: 'tenant/unit/part', message: text('x') };

describe('outbox', () => {
  it('prefixes the topic and chooses the partition by key, partition key or number', () => {
    const byKey = sent(record);
    assert.equal(byKey.topic, 'ns.test.output.event.v1');
    assert.equal(byKey.message?.partition, partitionFor('tenant/unit/part', 8));
    const byPart = sent({ ...record, partitionKey: 'tenant/unit' });
    assert.equal(byPart.message?.partition, partitionFor('tenant/unit', 8));
    assert.equal(sent({ ...record, partition: 3 }).message?.partition, 3);
  });

  it('carries the context of the batch when it is sampled, and the own one first', () => {
    const other = SAMPLED.replace('bbbb', 'cccc');
    const headersOf = (r: Outgoing, context?: string) => sent(r, context).message?.headers;
    assert.deepEqual(headersOf(record, SAMPLED), { traceparent: SAMPLED });
    assert.deepEqual(headersOf(record, UNSAMPLED), {});
    assert.deepEqual(headersOf({ ...record, traceparent: other }, SAMPLED), { traceparent: other });
    assert.deepEqual(headersOf({ ...record, traceparent: UNSAMPLED }, SAMPLED), {});
  });

  it('puts only their author’s context on positions', () => {
    const position = { ...record, topic: catalogue.position };
    assert.deepEqual(sent(position, SAMPLED).message?.headers, {});
    const own = sent({ ...position, traceparent: SAMPLED }, SAMPLED);
    assert.deepEqual(own.message?.headers, { traceparent: SAMPLED });
  });

  it('refuses undeclared topics and tombstones in event topics', () => {
    assert.throws(() => sent({ ...record, topic: topics.input }), /declare it as output/);
    assert.throws(() => sent({ ...record, message: null }), /no tombstones/);
    assert.equal(sent({ ...record, topic: topics.state, message: null }).message?.value, null);
  });
});

describe('roundsOf', () => {
  const sized = (partition: number, bytes: number, n: number) => ({
    message: { key: String(n), value: null, partition },
    bytes,
  });

  it('keeps every partition of a round below the limit and in order', () => {
    const messages = [
      sized(0, 500_000, 0),
      sized(1, 100, 1),
      sized(0, 500_000, 2),
      sized(0, 300_000, 3),
      sized(1, 100, 4),
      sized(0, 2_000_000, 5),
      sized(0, 10, 6),
    ];
    const rounds = roundsOf([{ wire: 't', messages }]);
    assert.deepEqual(
      rounds.map((round) => round.flatMap((r) => r.messages.map(({ key }) => key))),
      [['0', '1', '4'], ['2', '3'], ['5'], ['6']],
    );
  });

  it('is empty when there is nothing to send', () => {
    assert.deepEqual(roundsOf([]), []);
    assert.deepEqual(roundsOf([{ wire: 't', messages: [] }]), []);
  });
});
