import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { topics as catalogue, type Topic } from '@waybill/contracts';
import type { Environment } from './environment.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { partitionFor } from './partition.ts';
import type { Outgoing } from './port.ts';
import { at, CODEC_MASK, ZSTD } from './record-batch/layout.ts';
import { cursorOver, recordsOf } from './testing/batches.ts';
import { text, topics } from './testing/cluster.ts';

const SAMPLED = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const UNSAMPLED = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;

const environment = {
  namespace: 'ns.',
  codecs: { write: () => ({ bytes: Buffer.from('x'), length: 1 }) },
} as unknown as Environment;

const none = { producerId: -1n, producerEpoch: 0, baseSequence: 0, transactional: false };
const counts = new Map([topics.output, topics.state, catalogue.position].map((t) => [t.name, 8]));

function sent(record: Outgoing, context?: string) {
  const outbox = createOutbox(environment, counts);
  outbox.setTraceparent(context);
  outbox.add(record);
  const [round] = outbox.rounds();
  const [first] = round ?? [];
  const [batch] = first?.batches ?? [];
  assert.ok(batch);
  const [message] = recordsOf(cursorOver(batch.seal(none, 0)));
  return { topic: first?.topic, partition: batch.partition, message };
}

const record: Outgoing = { topic: topics.output, key: 'tenant/unit/part', message: text('x') };

describe('outbox', () => {
  it('prefixes the topic and chooses the partition by key, partition key or number', () => {
    const byKey = sent(record);
    assert.equal(byKey.topic, 'ns.test.output.event.v1');
    assert.equal(byKey.partition, partitionFor('tenant/unit/part', 8));
    const byPart = sent({ ...record, partitionKey: 'tenant/unit' });
    assert.equal(byPart.partition, partitionFor('tenant/unit', 8));
    assert.equal(sent({ ...record, partition: 3 }).partition, 3);
  });

  it('carries the context of the batch when it is sampled, and the own one first', () => {
    const other = SAMPLED.replace('bbbb', 'cccc');
    const headersOf = (r: Outgoing, context?: string) => sent(r, context).message?.headers;
    assert.deepEqual(headersOf(record, SAMPLED), { traceparent: SAMPLED });
    assert.equal(headersOf(record, UNSAMPLED), undefined);
    assert.deepEqual(headersOf({ ...record, traceparent: other }, SAMPLED), { traceparent: other });
    assert.equal(headersOf({ ...record, traceparent: UNSAMPLED }, SAMPLED), undefined);
  });

  it('puts only their author’s context on positions', () => {
    const position = { ...record, topic: catalogue.position };
    assert.equal(sent(position, SAMPLED).message?.headers, undefined);
    const own = sent({ ...position, traceparent: SAMPLED }, SAMPLED);
    assert.deepEqual(own.message?.headers, { traceparent: SAMPLED });
  });

  it('asks for compression where the topic does', () => {
    const bodies = { bytes: Buffer.alloc(40_000, 'x'), length: 40_000 };
    const large = { ...environment, codecs: { write: () => bodies } } as unknown as Environment;
    const codecOf = (topic: Topic): number => {
      const outbox = createOutbox(large, new Map([[topic.name, 1]]));
      outbox.add({ topic, key: 'k', message: text('x') });
      return (
        (outbox.rounds()[0]?.[0]?.batches[0]?.seal(none, 0).readInt16BE(at.attributes) ?? 0) &
        CODEC_MASK
      );
    };
    assert.equal(codecOf(catalogue.webhookRaw), ZSTD);
    assert.equal(codecOf(catalogue.position), 0);
  });

  it('refuses undeclared topics and tombstones in event topics', () => {
    assert.throws(() => sent({ ...record, topic: topics.input }), /declare it as output/);
    assert.throws(() => sent({ ...record, message: null }), /no tombstones/);
    assert.equal(sent({ ...record, topic: topics.state, message: null }).message?.value, null);
  });
});

describe('a call that fails', () => {
  const keysOf = (outbox: Outbox): unknown =>
    outbox
      .rounds()
      .map((round) =>
        round.flatMap(({ topic, batches }) =>
          batches.map((batch) => [
            topic,
            batch.partition,
            recordsOf(cursorOver(batch.seal(none, 0))).map(({ key }) => key),
          ]),
        ),
      );

  it('leaves nothing of itself among the records of others', () => {
    const outbox = createOutbox(environment, counts);
    outbox.add({ ...record, key: 'first', partition: 0 });
    const before = keysOf(outbox);
    const broken = (): void => {
      outbox.add({ ...record, key: 'second', partition: 0 });
      outbox.add({ ...record, key: 'third', partition: 1 });
      outbox.add({ ...record, topic: topics.state, key: 'fourth', partition: 2 });
      outbox.add({ ...record, topic: topics.input });
    };
    assert.throws(() => outbox.whole(broken), /declare it as output/);
    assert.deepEqual(keysOf(outbox), before);
    assert.equal(outbox.size(), 1);
    assert.deepEqual(outbox.counts().get(topics.output.name), 1);
    outbox.whole(() => outbox.add({ ...record, key: 'fifth', partition: 1 }));
    assert.deepEqual(keysOf(outbox), [
      [
        ['ns.test.output.event.v1', 0, ['first']],
        ['ns.test.output.event.v1', 1, ['fifth']],
      ],
    ]);
  });

  it('takes back the batches that it began', () => {
    const large = { write: () => ({ bytes: Buffer.alloc(400_000), length: 400_000 }) };
    const outbox = createOutbox(
      { ...environment, codecs: large } as unknown as Environment,
      counts,
    );
    outbox.add({ ...record, key: 'first', partition: 0 });
    const before = keysOf(outbox);
    const broken = (): void => {
      for (const key of ['2', '3', '4']) outbox.add({ ...record, key, partition: 0 });
      throw new Error('broken');
    };
    assert.throws(() => outbox.whole(broken), /broken/);
    assert.deepEqual(keysOf(outbox), before);
  });
});

describe('rounds', () => {
  const large = (bytes: number): Partial<Environment> => ({
    codecs: {
      write: () => ({ bytes: Buffer.alloc(bytes), length: bytes }),
    } as unknown as Environment['codecs'],
  });

  it('keep every partition of a round below the limit and in order', () => {
    const outbox = createOutbox({ ...environment, ...large(400_000) }, counts);
    const add = (key: string, partition: number): number =>
      outbox.add({ ...record, key, partition });
    for (const [i, partition] of [0, 1, 0, 0, 1, 0, 0].entries()) add(String(i), partition);
    const rounds = outbox
      .rounds()
      .map((round) =>
        round.flatMap(({ batches }) =>
          batches.map((batch) => [
            batch.partition,
            recordsOf(cursorOver(batch.seal(none, 0))).map(({ key }) => key),
          ]),
        ),
      );
    assert.deepEqual(rounds, [
      [
        [0, ['0', '2']],
        [1, ['1', '4']],
      ],
      [[0, ['3', '5']]],
      [[0, ['6']]],
    ]);
    assert.deepEqual([...outbox.counts()], [[topics.output.name, 7]]);
    assert.equal(outbox.size(), 7);
  });

  it('are none when there is nothing to send', () => {
    assert.deepEqual(createOutbox(environment, counts).rounds(), []);
  });
});
