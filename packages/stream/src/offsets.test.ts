import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import type { KafkaClient } from './client.ts';
import { createOffsetLookup } from './offsets.ts';

type Answer = readonly {
  readonly topic: string;
  readonly partitions: readonly { partition: number; offset: string; metadata: string | null }[];
}[];

const GROUP = 't-detector';
const INPUTS = [topics.position, topics.positionBackfill];
const position = 't-fleet.position.event.v1';
const backfill = 't-fleet.position.backfill.v1';

function partitions(...offsets: readonly string[]): Answer[number]['partitions'] {
  return offsets.map((offset, partition) => ({ partition, offset, metadata: null }));
}

/** A lookup whose client gives one answer after the other, and how often it was asked. */
function lookupOf(answers: readonly Answer[]): {
  readonly lookup: ReturnType<typeof createOffsetLookup>;
  readonly asked: () => number;
} {
  let asked = 0;
  const nothing = async (): Promise<void> => undefined;
  const cluster = { connect: nothing, disconnect: nothing };
  const admin = {
    connect: nothing,
    disconnect: nothing,
    fetchOffsets: async (): Promise<Answer> => {
      asked += 1;
      return answers[Math.min(asked, answers.length) - 1] ?? [];
    },
  };
  const kafka = {
    admin: () => admin,
    consumer: ({ partitionAssigners: [assigner] }: { partitionAssigners: Assigner[] }) =>
      assigner?.({ cluster }),
  };
  const open = (): KafkaClient => kafka as unknown as KafkaClient;
  return { lookup: createOffsetLookup(open, 't-'), asked: () => asked };
}

type Assigner = (given: { readonly cluster: object }) => unknown;

const WHOLE: Answer = [
  { topic: position, partitions: partitions('-1', '240') },
  { topic: backfill, partitions: partitions('-1', '-1') },
];

test('an offset that was never committed is absent', async () => {
  const { lookup } = lookupOf([WHOLE]);
  const committed = await lookup.committed(GROUP, INPUTS, 1);
  assert.deepEqual([...committed], [[topics.position.name, { next: 240n, metadata: '' }]]);
  assert.equal((await lookup.committed(GROUP, INPUTS, 0)).size, 0);
});

test('an answer without a topic or a partition is none: asked again, never taken for "not committed"', async () => {
  const holes: readonly Answer[] = [
    [],
    [{ topic: position, partitions: [] }, ...WHOLE.slice(1)],
    [{ topic: position, partitions: partitions('-1') }, ...WHOLE.slice(1)],
    WHOLE.slice(0, 1),
  ];
  for (const hole of holes) {
    const { lookup, asked } = lookupOf([hole, WHOLE]);
    const committed = await lookup.committed(GROUP, INPUTS, 1);
    assert.equal(committed.get(topics.position.name)?.next, 240n);
    assert.equal(asked(), 2);
  }
});

test('when no answer comes the task is built again later', async () => {
  const { lookup } = lookupOf([[]]);
  await assert.rejects(lookup.committed(GROUP, INPUTS, 1), (error) => {
    assert.ok(isFault(error));
    return error.code === 'KAFKA_FAILED' && error.kind === 'transient';
  });
});
